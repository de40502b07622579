"""The best predictor of a finite set: against its definition by brute force, and where sampling with it ends."""

import unittest

import torch

import diffusion
import exact


class ExactTest(unittest.TestCase):
    def setUp(self):
        self.pictures = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
        self.draws = torch.tensor([1.0, 2.0, 1.0, 5.0, 1.0])
        self.model = exact.Exact(self.pictures, self.draws)

    def test_x0_is_the_posterior_mean(self):
        a = diffusion.alpha_bars().double()[600]
        x = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(1))
        for one in x:
            densities = [torch.distributions.Normal(a.sqrt() * p.double(), (1 - a).sqrt()).log_prob(one.double()).sum().exp() for p in self.pictures]
            weights = torch.stack(densities) * self.draws.double()
            expected = (weights[:, None, None, None] * self.pictures.double()).sum(0) / weights.sum()
            got = self.model.x0(one[None], torch.tensor([600]))[0]
            self.assertLess((got - expected).abs().max().item(), 1e-9)

    def test_no_other_prediction_has_a_smaller_loss(self):
        """Scaled or shifted by 0.02, its error in epsilon grows (over 200,000 draws at one t)."""
        g, t = torch.Generator().manual_seed(2), 700
        chosen = torch.multinomial(self.draws, 200_000, replacement=True, generator=g)
        x0, eps = self.pictures[chosen], torch.randn(200_000, 3, 4, 4, generator=g)
        x = diffusion.add_noise(x0, eps, diffusion.alpha_bars()[t].expand(len(x0)))
        error = self.model(x, torch.full((len(x),), t)) - eps
        least = error.square().mean()
        for scale in (0.98, 1.02):
            self.assertLess(least, (scale * (error + eps) - eps).square().mean())
        for shift in (-0.02, 0.02):
            self.assertLess(least, (error + shift).square().mean())

    def test_many_steps_end_in_the_set(self):
        for eta in (0.0, 1.0):
            with self.subTest(eta=eta):
                got = exact.sampled(self.model, (12, 3, 4, 4), 100, eta)
                every = ((self.pictures + 1) * 127.5).round().permute(0, 2, 3, 1)
                nearest = (torch.from_numpy(got).float()[:, None] - every[None]).abs().amax((2, 3, 4)).amin(1)
                self.assertLessEqual(nearest.max().item(), 1)


if __name__ == "__main__":
    unittest.main()
