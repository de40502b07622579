"""The network is diffusers' UNet2DModel: same parameters by name and shape, same output."""

import unittest

import torch
from diffusers import UNet2DModel

from unet import UNet, UNetShape

SHAPES = [
    UNetShape(channels=3, size=32, base=32, mult=(1, 2, 2, 2)),
    UNetShape(channels=1, size=16, base=32, mult=(1, 2), layers=1, attention=(16, 8)),
    UNetShape(channels=3, size=32, base=16, mult=(1, 2, 4), attention=(), groups=8),
]


class UNetTest(unittest.TestCase):
    def test_equals_diffusers(self):
        for shape in SHAPES:
            with self.subTest(shape=shape):
                torch.manual_seed(0)
                ours = UNet(shape)
                for parameter in ours.parameters():  # not the zeroed branches, which would hide a mistake
                    torch.nn.init.normal_(parameter, std=0.05)
                theirs = UNet2DModel.from_config(shape.config())
                theirs.load_state_dict(ours.state_dict())
                x, t = torch.randn(2, shape.channels, shape.size, shape.size), torch.tensor([3, 977])
                with torch.no_grad():
                    a, b = ours(x, t), theirs(x, t).sample
                self.assertGreater(b.abs().max().item(), 0.1)
                # Both compute the same in another order: f32's digits remain (measured: 2.1e-6).
                self.assertLess(((a - b).abs().max() / b.abs().max()).item(), 5e-6)

    def test_begins_as_the_identity_of_the_branches(self):
        net = UNet(SHAPES[0])
        self.assertEqual(net(torch.randn(1, 3, 32, 32), torch.tensor([5])).abs().max().item(), 0)


if __name__ == "__main__":
    unittest.main()
