"""Normally distributed data: the closed form against sampling with the linear predictor, and where many steps end."""

import unittest

import numpy as np
import torch

import diffusion
import gaussian


class GaussianTest(unittest.TestCase):
    def setUp(self):
        self.variances, self.means = np.array([0.0, 1e-3, 0.04, 0.25]), np.array([-0.3, 0.1, 0.0, 0.2])

    def test_equals_sampling(self):
        """200,000 samples of diffusion.ddim, one pixel a principal axis; small enough that its last clamp does nothing."""
        variances, means, alpha_bar = torch.tensor(self.variances), torch.tensor(self.means), diffusion.alpha_bars().double()
        variances, means = variances * 0.1, means * 0.1

        def epsilon(x, t):
            a = alpha_bar[t[0]]
            x0 = means + a.sqrt() * variances / (a * variances + 1 - a) * (x.double().flatten(1) - a.sqrt() * means)
            return ((x.double().flatten(1) - a.sqrt() * x0) / (1 - a).sqrt()).view(x.shape)

        x = torch.randn(200_000, 1, 2, 2, generator=torch.Generator().manual_seed(0))
        for eta in (0.0, 0.5, 1.0):
            with self.subTest(eta=eta):
                got = diffusion.ddim(epsilon, x, 10, eta=eta, noise=torch.Generator().manual_seed(1)).flatten(1).double()
                variance, mean = gaussian.sampled(variances.numpy(), means.numpy(), 10, eta)
                self.assertLess((np.abs(got.var(0).numpy() - variance) - 0.02 * variance).max(), 1e-6)
                self.assertLess(np.abs(got.mean(0).numpy() - mean).max(), 2e-3)

    def test_many_steps_end_at_the_data(self):
        for eta, bound in ((0, 0.01), (1, 0.02)):
            few, many = (gaussian.frechet(self.variances, self.means, steps, eta) for steps in (10, 1000))
            self.assertLess(many, bound * few)

    def test_axes_of_a_known_covariance(self):
        pictures = np.array([[1, 1], [-1, -1], [1, 1], [-0.5, 0.5]])[:, None, :, None]
        variances, means = gaussian.principal(pictures, np.array([1.0, 2.0, 1.0, 0.0]))
        np.testing.assert_allclose(variances, [0, 2], atol=1e-12)
        np.testing.assert_allclose(means, [0, 0], atol=1e-12)


if __name__ == "__main__":
    unittest.main()
