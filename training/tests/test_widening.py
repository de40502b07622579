"""A wider network begins where the narrower one is, and its copies part in training."""

import unittest

import torch

import widening
from unet import UNet, UNetShape


SLOW = 9  # of 16 frequencies; the period is 1,500 timesteps here


def random_network(shape, seed=0):
    """Every weight drawn, so that no branch is zero."""
    torch.manual_seed(seed)
    net = UNet(shape).eval().requires_grad_(False)
    for name, value in net.named_parameters():
        if value.dim() == 1:
            value.normal_(1.0 if "norm" in name and "weight" in name else 0.0, 0.1)
        else:
            value.normal_(0, value[0].numel() ** -0.5)
    # The fast sinusoids of 16 frequencies are not among those of 32; of the slow ones there are combinations.
    net.time_embedding.linear_1.weight.reshape(len(net.time_embedding.linear_1.weight), 2, -1)[:, :, :SLOW] = 0
    return net


def grown(net, shape):
    wider = UNet(shape).eval()
    wider.load_state_dict(widening.widened(net.state_dict(), net.shape, shape))
    return wider


class WideningTest(unittest.TestCase):
    narrow = UNetShape(channels=3, size=16, base=32, mult=(1, 2, 2), layers=2, attention=(8,))

    def outputs(self, *nets):
        x = torch.randn((4, 3, 16, 16), generator=torch.Generator().manual_seed(1))
        t = torch.tensor([0, 50, 400, 999])
        with torch.no_grad():
            return [net(x, t) for net in nets]

    def test_the_same_function_where_all_levels_grow_alike(self):
        """In f32, attention, skips, shortcuts and the timestep's sinusoids included; three copies as well as two."""
        net = random_network(self.narrow)
        for base in (64, 96):
            wider = grown(net, UNetShape(channels=3, size=16, base=base, mult=(1, 2, 2), layers=2, attention=(8,)))
            before, after = self.outputs(net, wider)
            self.assertLess((after - before).abs().max(), 1e-2 * before.std())

    def test_the_same_function_to_rounding_where_the_sinusoids_stay(self):
        net = random_network(self.narrow)
        wider = grown(net, UNetShape(channels=3, size=16, base=32, mult=(1, 4, 4), layers=2, attention=(8,)))
        before, after = self.outputs(net, wider)
        # Two norms span levels that grow differently (32 of 96 channels there); all else is exact.
        self.assertLess((after - before).std(), 0.3 * before.std())

    def test_copies_part(self):
        net = random_network(self.narrow)
        wider = grown(net, UNetShape(channels=3, size=16, base=64, mult=(1, 2, 2), layers=2, attention=(8,)))
        torch.manual_seed(2)
        wider(torch.randn(2, 3, 16, 16), torch.tensor([10, 500])).square().mean().backward()
        gradient = wider.conv_in.weight.grad
        self.assertTrue(torch.equal(wider.conv_in.weight[0], wider.conv_in.weight[1]))
        self.assertGreater((gradient[0] - gradient[1]).norm(), 0.05 * gradient[0].norm())

    def test_what_cannot_grow(self):
        weights = random_network(self.narrow).state_dict()
        for change, said in [
            (dict(base=64, mult=(1, 1, 1)), "at the same levels"),
            (dict(layers=1), "layers 1: expected 2"),
            (dict(mult=(1, 2, 2, 2)), "expected as many"),
            (dict(base=32, mult=(1, 1.5, 1.5)), "64 channels cannot become 48"),
        ]:
            shape = UNetShape(**{**dict(channels=3, size=16, base=32, mult=(1, 2, 2), layers=2, attention=(8,)), **change})
            with self.subTest(change), self.assertRaisesRegex(ValueError, said):
                widening.widened(weights, self.narrow, shape)


if __name__ == "__main__":
    unittest.main()
