"""Errors of v on held-out pictures: of predictors whose errors are known, the same for both predictions, the same noise each time."""

import unittest
from pathlib import Path

import torch

import denoising
import diffusion
import exact
import model
from tests.tiny import TinyTest


class DenoisingTest(TinyTest):
    def test_errors_of_predictors_that_are_known(self):
        x0 = torch.rand(70, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
        zeros = lambda x, _: torch.zeros_like(x)
        for t, error in denoising.errors(zeros, "v_prediction", x0).items():
            a = diffusion.alpha_bars()[t].item()
            self.assertAlmostEqual(error, a + (1 - a) * x0.square().mean().item(), delta=0.03)
        # Who knows the one picture there is has no error, whatever it predicts; who says epsilon = 0 means x0 = x / sqrt(alpha_bar).
        one = x0[:1].expand(70, -1, -1, -1)
        known = exact.Exact(one[:1].clone(), torch.ones(1))
        for error in denoising.errors(known, "epsilon", one).values():
            self.assertLess(error, 1e-6)
        for t, error in denoising.errors(zeros, "epsilon", one).items():
            self.assertAlmostEqual(error * diffusion.alpha_bars()[t].item(), 1, delta=0.04)

    def test_a_run_and_its_model_have_the_same(self):
        self.train("run", 16, "--prediction", "v_prediction")
        x0 = denoising.pictures(self.folder / "noise.npz")
        self.assertEqual(len(x0), 40)
        first, again = (denoising.errors(*model.load(Path(self.folder / "run")), x0) for _ in range(2))
        self.assertEqual(first, again)
        self.assertEqual(list(first), list(denoising.TIMESTEPS))
        between = []
        denoising.errors(*model.load(self.folder / "run", "net"), x0, lambda: between.append(1))
        self.assertEqual(len(between), len(denoising.TIMESTEPS))


if __name__ == "__main__":
    unittest.main()
