"""Options that may save training time: averages with profiles, schedules, half the side first; resumed they end as uninterrupted."""

import argparse
import math
import os
import signal
import sys
import unittest
from unittest import mock

import numpy as np
import torch
from safetensors.torch import load_file

import averages
import checkpoint
import export
import options
import schedules
import train
from files import TrainingError
from tests.tiny import TinyTest

ALL = [
    *("--prediction", "v_prediction", "--min-snr", "5", "--ema-profiles", "0.05,0.1", "--decay", "inverse-sqrt", "--decay-from", "0.25"),
    *("--double-batch", "0.5,0.75", "--half-size", "0.3", "--attention", "8", "--log-normal=-1.2,1.2", "--optimizer", "muon"),
]


class AveragesTest(unittest.TestCase):
    def test_exponents_are_those_of_the_paper(self):
        """Karras et al. 2023: sigma_rel 0.05 and 0.10 are gamma 16.97 and 6.94."""
        self.assertAlmostEqual(averages.exponent(0.05), 16.97, delta=0.005)
        self.assertAlmostEqual(averages.exponent(0.10), 6.94, delta=0.005)
        self.assertLess(averages.exponent(averages.MAX_SIGMA_REL), 0.2)

    def test_an_average_is_its_profile(self):
        """Each step's weight is n^gamma, n the images seen, whatever the batch; mean and width are the profile's; the first step forgets the start."""
        batches = [64] * 1000 + [128] * 500
        seen = np.cumsum(batches)
        for sigma in (0.05, 0.1, 0.2):
            average, before = dict(w=torch.full((len(batches),), 9.0, dtype=torch.float64)), 0
            for k, after in enumerate(seen):
                # What step k gives is 1 at k, so that the average holds the weight of each step.
                given = torch.zeros(len(batches), dtype=torch.float64)
                given[k] = 1
                averages.move(average, dict(w=given), averages.decay(sigma, before, after))
                before = after
            got, n = average["w"].numpy(), seen / seen[-1]
            self.assertAlmostEqual(got.sum(), 1)
            expected = n ** averages.exponent(sigma) * batches
            np.testing.assert_allclose(got[200:], (expected / expected.sum())[200:], rtol=0.06)  # steps against an integral
            spread = math.sqrt(got @ n**2 - (got @ n) ** 2)
            self.assertAlmostEqual(spread, sigma, delta=0.001)


class SchedulesTest(unittest.TestCase):
    def test_rates(self):
        args = argparse.Namespace(lr=2.0, warm_up=10, decay="cosine", decay_from=0.6)
        rate = lambda steps, done: schedules.learning_rate(args, steps, done)
        self.assertEqual([rate(0, 0.0), rate(4, 0.0), rate(99, 0.59)], [0.2, 1.0, 2.0])
        self.assertAlmostEqual(rate(99, 0.8), 1.0)
        self.assertEqual(rate(99, 1.0), 2.0 * schedules.LAST_LR)
        args.decay, args.decay_from = "inverse-sqrt", 0.25
        self.assertEqual([rate(99, 0.1), rate(99, 0.25), rate(99, 1.0)], [2.0, 2.0, 1.0])

    def test_batches_and_sides(self):
        args = argparse.Namespace(batch=8, double_batch=(0.5, 0.75), half_size=0.25)
        self.assertEqual([schedules.batch_size(args, done) for done in (0, 0.49, 0.5, 0.75, 1)], [8, 8, 16, 32, 32])
        self.assertEqual([schedules.halved(args, done) for done in (0, 0.24, 0.25)], [True, True, False])
        args.half_size = 0.0
        self.assertFalse(schedules.halved(args, 0.0))


class TechniquesTest(TinyTest):
    def test_resumed_equals_uninterrupted_with_all_of_them(self):
        """Stopped after every second step, each time a new process's worth of state: the same weights, averages and batches."""
        batches, batch = [], train.Trainer.batch

        def watched(trainer):
            x, *rest = batch(trainer)
            batches.append(tuple(x.shape))
            return x, *rest

        with mock.patch.object(train.Trainer, "batch", watched):
            self.train("whole", 64, *ALL)
        expected = [(4, 3, 8, 8)] * 5 + [(4, 3, 16, 16)] * 3 + [(8, 3, 16, 16)] * 2 + [(16, 3, 16, 16)]
        self.assertEqual(batches, expected)
        step = train.Trainer.step

        def stopping(trainer):
            step(trainer)
            if trainer.steps % 2 == 0:
                os.kill(os.getpid(), signal.SIGTERM)

        with mock.patch.object(train.Trainer, "step", stopping):
            for _ in range(5):
                self.assertEqual(self.train("parts", 64, *ALL), 128 + signal.SIGTERM)
            self.assertEqual(self.train("parts", 64, *ALL), 0)
        whole, parts = (checkpoint.load(self.folder / run) for run in ("whole", "parts"))
        self.assertEqual(list(whole["profiles"]), ["0.05", "0.1"])
        self.assert_same(whole, parts)
        self.assertEqual(parts["changes"], [])

    def test_half_the_side_is_the_mean_of_four(self):
        for name, more in (("plain", ()), ("half", ("--half-size", "0.5"))):
            trainer = train.Trainer(options.parse(self.arguments(name, 8, *more)))
            _, t, x0, _ = trainer.batch()
            if name == "plain":
                whole, times = x0, t
        self.assertTrue(torch.equal(times, t))
        torch.testing.assert_close(x0, whole.reshape(4, 3, 8, 2, 8, 2).mean((3, 5)))
        with self.assertRaisesRegex(TrainingError, "and --half-size: halves the pictures 5 times, expected a side that 32 divides, got 16"):
            self.train("run", 8, "--mult", "1,1,1,1,1", "--half-size", "0.5")

    def test_a_run_from_before_these_options_goes_on(self):
        """Without them in its checkpoint nothing is said to have changed; what is then asked for is; a profile joins as the weights of its step."""
        self.train("run", 8)
        state = checkpoint.load(self.folder / "run")
        del state["profiles"]
        state["args"] = {k: v for k, v in state["args"].items() if k not in (*options.CHANGEABLE[8:], "optimizer")}
        checkpoint.save(self.folder / "run", state)
        self.train("run", 12)
        self.assertEqual(checkpoint.load(self.folder / "run")["changes"], [])
        before = checkpoint.load(self.folder / "run")["net"]
        trainer = train.Trainer(options.parse(self.arguments("run", 16, "--ema-profiles", "0.1", "--min-snr", "5", "--double-batch", "0.5")))
        for name, value in trainer.profiles["0.1"].items():
            self.assertTrue(torch.equal(value, before[name]))
        said = ["min_snr 0.0 became 5.0 at step 3", "ema_profiles none became 0.1 at step 3", "double_batch none became 0.5 at step 3"]
        self.assertEqual(trainer.changes, said)

    def test_a_profile_is_exported_and_the_card_says_so(self):
        self.train("run", 64, *ALL)
        run, state = self.folder / "run", checkpoint.load(self.folder / "run")
        for which, says in (("0.1", "averaged with the power-function profile of σ_rel 0.1"), ("net", "not averaged"), ("ema", "EMA 0.9998")):
            export.export(run, self.folder / which, which=which)
            said = (self.folder / which / "README.md").read_text()
            self.assertIn(f"clipped at 1, {says}", said)
            got = load_file(self.folder / which / "diffusion_pytorch_model.safetensors")
            for name, value in checkpoint.weights(state, which).items():
                self.assertTrue(torch.equal(got[name], value.half()), name)
        for words in (
            "Eq. 5 with γ_t = min(1, 5/SNR_t), SNR = ᾱ/(1−ᾱ), the network predicts v",
            "11 steps of 4, doubled after 50 % and 75 % of the budget, at half the side, averaged, in the first 30 % of the budget; ",
            "linear β 1e-4 … 0.02, T = 1000, t by log-normal noise, ln √((1−ᾱ)/ᾱ) of mean -1.2 and deviation 1.2",
            "Muon and AdamW (0.9, 0.99) at 0.0004 with 400 steps of warm-up and decay by the inverse square root after 25 % of the budget",
        ):
            self.assertIn(words, said)
        with self.assertRaisesRegex(TrainingError, "--weights 0.2: expected one of what the run keeps, ema, net, 0.05, 0.1"):
            export.export(run, self.folder / "none", which="0.2")

    def test_wrong_numbers_are_usage_errors(self):
        for more in (
            *(["--min-snr", "-1"], ["--min-snr", "nan"], ["--ema-profiles", "0.3"], ["--ema-profiles", "0.1,0.1"], ["--ema-profiles", "x"]),
            *(["--decay-from", "0"], ["--decay-from", "1"], ["--double-batch", "1"], ["--half-size", "1"], ["--decay", "linear"]),
            *(["--log-normal=-1"], ["--log-normal=-1,0"], ["--log-normal=nan,1"], ["--log-normal=-1,1", "--timestep-power", "2"], ["--optimizer", "sgd"]),
        ):
            with mock.patch.object(sys, "stderr"), self.assertRaises(SystemExit) as ended:
                options.parse(self.arguments("run", 8, *more))
            self.assertEqual(ended.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
