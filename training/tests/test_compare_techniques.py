"""The comparison on a tiny set: one run after the other, killed and gone on, paused, its table."""

import contextlib
import io
import json
import signal
import subprocess
import unittest
from unittest import mock

import checkpoint
import coarse
import compare_techniques
import denoising
import export
import fid
import model
import train
import unattended
from files import TrainingError
from tests.tiny import TinyTest

TINY = "--base 32 --mult 1,1 --layers 1 --batch 4 --no-compile --ema-profiles 0.1"


class CompareTechniquesTest(TinyTest):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out"
        for patch in (
            mock.patch.multiple(coarse, SAMPLES=8, STEPS=2, DRAWS=20),
            mock.patch.multiple(compare_techniques, BASE=TINY, ROWS={"base": ("", 1), "longer": ("--flip", 1.5)}),
            mock.patch.object(unattended, "stand_back"),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def told(self, *more):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            compare_techniques.main([str(self.out), "--data", str(self.folder / "noise.npz"), "--images", "16", *more])
        return said.getvalue()

    def test_a_comparison_goes_on_and_makes_its_table(self):
        with self.assertRaisesRegex(TrainingError, "nothing measured yet"):
            self.told("--table")
        trained = []

        def watched(run, words):
            trained.append(run.name)
            if len(trained) == 3:
                raise KeyboardInterrupt
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(train.main(words[2:]), 0)

        with mock.patch.object(compare_techniques, "train", watched):
            with self.assertRaises(KeyboardInterrupt):
                self.told()
            said = self.told()
        self.assertEqual(trained, ["base_0", "longer_0", "base_1", "base_1", "longer_1"])
        states = {name: checkpoint.load(self.out / name) for name in trained}
        self.assertEqual({name: state["images"] for name, state in states.items()}, dict(base_0=16, longer_0=24, base_1=16, longer_1=24))
        self.assertEqual([state["args"]["flip"] for state in states.values()], [False, True, False, True])
        table = (self.out / "table.md").read_text()
        self.assertTrue(said.endswith(table))
        self.assertEqual(self.told("--table"), table)
        rows = table.splitlines()
        self.assertEqual(rows[0], "| run | weights | mean colour | 8x8 | images | minutes |")
        self.assertEqual([row.split(" | ")[:2] for row in rows[2:]], [["| base", "ema"], ["| base", "0.1"], ["| longer", "ema"], ["| longer", "0.1"], ["| data", "–"]])
        results = json.loads((self.out / "results.json").read_text())
        first, second = (results[f"base_{seed}"]["distances"]["ema"]["8"] for seed in (0, 1))
        self.assertIn(compare_techniques.cell([first, second]), rows[2])
        # The distances are coarse.py's, of the same samples.
        state = checkpoint.load(self.out / "base_0")
        expected = coarse.distances(coarse.sampled(state, "0.1"), coarse.drawn(self.folder / "noise.npz"))
        self.assertAlmostEqual(results["base_0"]["distances"]["0.1"]["1"], expected[1], places=3)

    def test_a_pause_holds_everything(self):
        """Between runs and while samples are drawn, train.py a process of its own: all sleeps until the file is gone."""
        self.out.mkdir()
        (self.out / "pause").touch()
        naps, rests, sampled = [], [], coarse.sampled

        def nap(_):
            naps.append((self.out / "base_0/checkpoint.pt").exists())
            (self.out / "pause").unlink()

        def sampling(state, which, between):
            (self.out / "pause").touch()
            return sampled(state, which, lambda: (rests.append(which), between()))

        with mock.patch.object(unattended.time, "sleep", nap), mock.patch.object(coarse, "sampled", sampling):
            self.told("--only", "base", "--seeds", "0")
        self.assertEqual(naps, [False, True, True])
        self.assertEqual(rests, ["ema", "0.1"])

    def test_a_signal_and_a_failure_end_it(self):
        class Process:
            def __init__(self, code):
                self.code, self.ended = code, False

            def wait(self):
                if self.code == 143:
                    signal.raise_signal(signal.SIGTERM)
                return self.code

            def terminate(self):
                self.ended = True

        self.out.mkdir()
        before = signal.getsignal(signal.SIGTERM)
        for code, error in ((143, KeyboardInterrupt), (2, TrainingError)):
            process = Process(code)
            with mock.patch.object(subprocess, "Popen", lambda *_, **__: process), self.assertRaises(error):
                compare_techniques.train(self.out / "run", [])
            self.assertEqual(process.ended, code == 143)
        self.assertEqual(signal.getsignal(signal.SIGTERM), before)

    def test_runs_that_begin_with_a_models_weights(self):
        model, trained = self.folder / "model", []

        def watched(run, words):
            trained.append(run)
            with contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(train.main(words[2:]), 0)

        rows = {"base": ("", 1), "wider": ("--mult 1,2", 1)}
        with mock.patch.object(compare_techniques, "ROWS", rows), mock.patch.object(compare_techniques, "train", watched):
            for images in (16, 24):  # other weights make other runs and results
                self.train("first", images)
                export.export(self.folder / "first", model)
                self.told("--start", str(model), "--seeds", "0")
                self.assertEqual(checkpoint.load(trained[-1])["start"]["images"], images)
            self.told("--start", str(model), "--seeds", "0")
            self.assertEqual([run.name[:7] for run in trained], ["base_0_", "base_0_"])
            self.assertEqual(list(json.loads((self.out / "results.json").read_text())), ["data", "base_0"])
            with contextlib.redirect_stderr(io.StringIO()) as said, self.assertRaises(SystemExit):
                self.told("--start", str(model), "--only", "wider")
            self.assertIn("--only wider: has a shape of its own", said.getvalue())

    def test_errors_on_held_out_pictures(self):
        trained = lambda run, words: self.train(f"out/{run.name}", 16, "--ema-profiles", "0.1")
        with mock.patch.object(compare_techniques, "train", trained):
            said = self.told("--only", "base", "--seeds", "0", "--held-out", str(self.folder / "noise.npz"))
        self.assertIn("| 8x8 | error at t = 50 | error at t = 200 | error at t = 500 | images |", said)
        expected = denoising.errors(*model.load(self.out / "base_0", "0.1"), denoising.pictures(self.folder / "noise.npz"))
        row = json.loads((self.out / "results.json").read_text())["base_0"]["distances"]["0.1"]
        self.assertEqual(row["v 200"], round(expected[200], 5))
        self.assertIn("| data | – |", said)

    def test_the_fid_where_a_reference_is_given(self):
        with (
            mock.patch.object(fid.inception, "features", lambda x, *_: x.reshape(len(x), -1)[:, :4] / 1.0),
            mock.patch.object(compare_techniques, "train", lambda run, words: self.train(f"out/{run.name}", 16, "--ema-profiles", "0.1")),
        ):
            said = self.told("--only", "base", "--seeds", "0", "--reference", str(self.folder / "noise.npz"))
        self.assertIn("| mean colour | 8x8 | FID | images |", said)
        for more in (["--only", "nothing"], ["--seeds", "x"]):
            with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit):
                self.told(*more)


if __name__ == "__main__":
    unittest.main()
