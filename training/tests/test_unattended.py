"""A training with nobody by it: pauses, its one line, the only one in its folder, started at the lowest priority."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path
from unittest import mock

import checkpoint
import status
import train
import unattended
from files import TrainingError
from tests.tiny import TinyTest

HERE = Path(__file__).resolve().parent.parent


class UnattendedTest(TinyTest):
    def told(self, *args):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = train.main(self.arguments(*args))
        return code, said.getvalue()

    def test_a_pause_changes_nothing(self):
        """Paused at step 2 for three naps and resumed: said once each, the weights of an unpaused run, no time counted, a checkpoint before."""
        self.train("whole", 24)
        file, naps, step = self.folder / "run/pause", [], train.Trainer.step

        def stepping(trainer):
            step(trainer)
            if trainer.steps == 2:
                file.touch()

        def nap(seconds):
            naps.append(checkpoint.load(self.folder / "run")["steps"])
            self.assertEqual(json.loads((self.folder / "run/status.json").read_text())["state"], "paused")
            real_sleep(0.2)
            if len(naps) == 3:
                file.unlink()

        real_sleep, began = time.sleep, time.perf_counter()
        with mock.patch.object(train.Trainer, "step", stepping), mock.patch.object(unattended.time, "sleep", nap):
            code, said = self.told("run", 24)
        elapsed = time.perf_counter() - began
        self.assertEqual((code, naps), (0, [2, 2, 2]))
        self.assertEqual((said.count("paused at step 2"), said.count("goes on at step 2")), (1, 1))
        run = checkpoint.load(self.folder / "run")
        self.assertLess(run["seconds"], elapsed - 0.6)
        self.assert_same(checkpoint.load(self.folder / "whole"), run)

    def test_a_pause_in_the_folder_above_ends_with_a_signal(self):
        """Asked for before the first step: none is taken, SIGTERM ends the run, which then goes on as ever."""
        (self.folder / "pause").touch()
        with mock.patch.object(unattended.time, "sleep", lambda _: os.kill(os.getpid(), signal.SIGTERM)):
            code, said = self.told("run", 24)
        self.assertEqual(code, 128 + signal.SIGTERM)
        self.assertIn(f"until {self.folder / 'pause'} is gone", said)
        self.assertNotIn("goes on", said)
        self.assertIn("stopped at step 0", said)
        (self.folder / "pause").unlink()
        self.train("run", 24)
        self.train("whole", 24)
        self.assert_same(checkpoint.load(self.folder / "whole"), checkpoint.load(self.folder / "run"))

    def test_one_training_in_a_folder(self):
        """While a process trains, status says that it runs or sleeps, and a second one is refused; killed, the folder is free at once."""
        run = self.folder / "run"
        command = [sys.executable, str(HERE / "train.py"), *self.arguments("run", 10**9, "--checkpoint-seconds", "0")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        process.stdout.readline()
        while not checkpoint.path_in(run).exists():
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        self.assertTrue(status.line(run, time.time()).endswith(", running"), status.line(run, time.time()))
        with self.assertRaisesRegex(TrainingError, "another training is at work there"):
            self.train("run", 24)
        (run / "pause").touch()
        while not process.stdout.readline().startswith("paused"):
            self.assertIsNone(process.poll())
        self.assertTrue(status.line(run, time.time()).endswith(", paused"), status.line(run, time.time()))
        process.kill()
        process.wait()
        said = status.line(run, time.time())
        self.assertTrue(said.endswith(f"not running (ended while paused); {run / 'pause'} is there"), said)

    def test_the_line(self):
        run = self.folder / "run"
        with self.assertRaisesRegex(TrainingError, "status.json: not found"):
            status.line(run, 0)
        self.train("run", 8)
        checkpoint_time = checkpoint.path_in(run).stat().st_mtime
        self.assertRegex(
            status.line(run, checkpoint_time + 75),
            r"run: step 2, 8 of 8 images \(100\.0 %\), loss \d\.\d{5}, checkpoint of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(1 min ago\), not running \(done\)$",
        )
        facts = json.loads((run / "status.json").read_text())
        unattended.tell(run, **dict(facts, budget_images=2_000_000, images=500_032, step=7813, progress=0.25, rate=93.4, seconds_left=16060, state="training"))
        said = status.line(run, checkpoint_time)
        self.assertIn("step 7,813, 500,032 of 2,000,000 images (25.0 %), loss ", said)
        self.assertIn(", 93 images/s, 4 h 28 min left, checkpoint of ", said)
        self.assertTrue(said.endswith("(0 s ago), not running (ended without a word)"), said)
        unattended.tell(run, **dict(facts, budget_images=None, budget_minutes=30.0, minutes=12.4, progress=0.41, state="failed: the loss is nan"))
        said = status.line(run, checkpoint_time)
        self.assertIn("8 images in 12 of 30 minutes (41.0 %)", said)
        self.assertTrue(said.endswith("not running (failed: the loss is nan)"), said)
        with contextlib.redirect_stdout(io.StringIO()) as told:
            status.main([str(run), str(run)])
        self.assertEqual(told.getvalue().count("\n"), 2)

    def test_durations(self):
        for seconds, said in ((0, "0 s"), (59, "59 s"), (61, "1 min"), (3600, "1 h 00 min"), (7500, "2 h 05 min"), (100_000, "1 d 4 h")):
            self.assertEqual(status.duration(seconds), said)

    def test_a_run_reports_a_failure_and_a_full_disk_stops_no_report(self):
        run = self.folder / "run"
        with mock.patch.object(train.Trainer, "save", side_effect=TrainingError("the loss is nan")), self.assertRaises(TrainingError):
            self.train("run", 8)
        self.assertEqual(json.loads((run / "status.json").read_text())["state"], "failed: the loss is nan")
        with mock.patch.object(unattended, "write_json", side_effect=unattended.DiskError("full")):
            self.train("run", 8)
        self.assertEqual(checkpoint.load(run)["images"], 8)

    def test_the_lowest_priority(self):
        """In a session of its own for the session, too; else the session is left as it is."""
        program = "import os, unattended; unattended.stand_back(); print(os.nice(0), open('/proc/self/autogroup').read())"
        group = Path("/proc/self/autogroup")
        if not group.exists():
            self.skipTest("no autogroups on this system")
        before = group.read_text()
        for own in (True, False):
            said = subprocess.run([sys.executable, "-c", program], cwd=HERE, start_new_session=own, capture_output=True, text=True, check=True).stdout
            self.assertEqual(said.split()[0], "19")
            self.assertEqual(said.split()[-1], "19" if own else before.split()[-1])

    def test_in_the_background(self):
        """Started with options, then again without: the same command, appended to one log, at priority 19."""
        python = self.folder / "python"
        python.write_text(
            f"#!{sys.executable}\nimport os, pathlib, sys\ngroup = pathlib.Path('/proc/self/autogroup')\n"
            "print(os.nice(0), os.getsid(0) == os.getpid(), not group.exists() or group.read_text().split()[-1] == '19', sys.argv[2:], flush=True)\n"
        )
        python.chmod(0o755)
        run, log = self.folder / "a run", self.folder / "a run.log"
        start = lambda *more: subprocess.run(
            [str(HERE / "background.sh"), str(run) + "/", *more], env=dict(os.environ, ETUDE_TRAINING_PYTHON=str(python)), capture_output=True, text=True
        )
        self.assertIn("say the options of train.py once", start().stderr)
        for more in (("--data", "a b.npz", "--lr", "1e-3"), ()):
            before = log.read_text() if log.exists() else ""
            result = start(*more)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(str(log), result.stdout)
            deadline = time.monotonic() + 30
            while not (text := log.read_text() if log.exists() else "").endswith("\n") or text == before:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
        self.assertEqual(log.read_text(), f"19 True True {['--run', str(run), '--data', 'a b.npz', '--lr', '1e-3']}\n" * 2)


if __name__ == "__main__":
    unittest.main()
