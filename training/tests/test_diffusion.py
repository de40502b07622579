"""Forward process, loss and sampler against the paper's equations and diffusers' scheduler."""

import unittest

import torch
from diffusers import DDIMScheduler

import diffusion


class DiffusionTest(unittest.TestCase):
    def test_alpha_bar(self):
        a = diffusion.alpha_bars()
        self.assertAlmostEqual(a[999].item() / 4.03583e-5, 1, places=5)
        self.assertAlmostEqual(a[0].item(), 1 - 1e-4, places=6)

    def test_timesteps_are_uniform_and_stratified(self):
        torch.manual_seed(0)
        t = diffusion.stratified_timesteps(250)
        self.assertTrue(torch.equal(t // 4, torch.arange(250)))
        many = torch.cat([diffusion.stratified_timesteps(64) for _ in range(500)])
        counts = torch.histc(many.float(), 10, 0, 1000) / len(many)
        self.assertLess((counts - 0.1).abs().max().item(), 0.005)
        # A quarter of T holds half of T u^2.
        skewed = torch.cat([diffusion.stratified_timesteps(64, 2.0) for _ in range(500)])
        self.assertAlmostEqual((skewed < 250).float().mean().item(), 0.5, delta=0.005)

    def test_log_normal_timesteps(self):
        """Mean and deviation of the logarithm of the noise, and none beyond the ends of T."""
        torch.manual_seed(0)
        a = diffusion.alpha_bars()
        levels = (((1 - a) / a).log() / 2).double()
        t = torch.cat([diffusion.log_normal_timesteps(64, -1.2, 1.0, a) for _ in range(500)])
        self.assertAlmostEqual(levels[t].mean().item(), -1.2, delta=0.01)
        self.assertAlmostEqual(levels[t].std().item(), 1.0, delta=0.01)
        self.assertEqual(diffusion.log_normal_timesteps(8, -9.0, 0.1, a).tolist(), [0] * 8)
        self.assertEqual(diffusion.log_normal_timesteps(8, 9.0, 0.1, a).tolist(), [999] * 8)

    def test_losses_are_those_of_eq_5(self):
        torch.manual_seed(1)
        x0, eps, output = (torch.randn(4, 3, 8, 8) for _ in range(3))
        a = diffusion.alpha_bars()[torch.tensor([10, 300, 700, 990])]
        x = diffusion.add_noise(x0, eps, a)
        simple = diffusion.loss(output, x0, eps, a, "epsilon")
        self.assertAlmostEqual(simple.item(), (output - eps).square().mean().item(), places=6)
        # gamma_t = 1 / alpha_bar_t times the square error of the epsilon that v means.
        meant = torch.stack([diffusion.epsilon_of(output[i], x[i], a[i], "v_prediction") for i in range(4)])
        weighted = ((meant - eps).square() / diffusion.column(a)).mean()
        self.assertLess(abs(diffusion.loss(output, x0, eps, a, "v_prediction") / weighted - 1).item(), 2e-4)

    def test_min_snr_weighs_both_predictions_alike(self):
        """min(SNR, 5) on the square error of x0, whichever the network predicts; nothing changes where SNR is below 5 for epsilon."""
        torch.manual_seed(4)
        x0, eps, output = (torch.randn(4, 3, 8, 8, dtype=torch.float64) for _ in range(3))
        a = diffusion.alpha_bars()[torch.tensor([10, 100, 300, 900])].double()
        snr, c = a / (1 - a), diffusion.column
        self.assertGreater(snr[1], 5)
        self.assertLess(snr[2], 5)
        x = diffusion.add_noise(x0, eps, a)
        x0_of = {
            "epsilon": (x - c((1 - a).sqrt()) * output) / c(a.sqrt()),
            "v_prediction": c(a.sqrt()) * x - c((1 - a).sqrt()) * output,
        }
        for prediction, meant in x0_of.items():
            expected = (c(snr.clamp(max=5)) * (meant - x0).square()).mean()
            got = diffusion.loss(output, x0, eps, a, prediction, 5.0)  # the output in f32
            self.assertLess(abs(got / expected - 1).item(), 1e-5, prediction)
        self.assertTrue(torch.equal(diffusion.min_snr_weight(a, "epsilon", 5.0)[2:], torch.ones(2, dtype=torch.float64)))

    def test_ddim_equals_diffusers(self):
        for prediction, eta in (("epsilon", 0.0), ("v_prediction", 0.0), ("epsilon", 0.5), ("v_prediction", 1.0)):
            with self.subTest(prediction=prediction, eta=eta):
                torch.manual_seed(2)
                x = torch.randn(2, 3, 8, 8)
                model = lambda x, t: torch.tanh(x) * (0.2 + t[:, None, None, None] / 1000)
                config = dict(diffusion.scheduler_config(prediction), clip_sample=False)
                scheduler = DDIMScheduler.from_config(config)
                scheduler.set_timesteps(20)
                y, noise = x, torch.Generator().manual_seed(3)
                for t in scheduler.timesteps:
                    z = torch.randn(x.shape, generator=noise)
                    y = scheduler.step(model(y, torch.full((2,), int(t))), t, y, eta=eta, variance_noise=z).prev_sample
                got = diffusion.ddim(model, x, 20, prediction, eta, torch.Generator().manual_seed(3))
                self.assertLess((got - y.clamp(-1, 1)).abs().max().item(), 1e-5)


if __name__ == "__main__":
    unittest.main()
