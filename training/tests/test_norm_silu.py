"""norm_silu.c does what PyTorch's group normalisation and SiLU do, and so do its gradients."""

import unittest
from unittest import mock

import torch
import torch.nn as nn

import norm_silu

# Channels, sides, groups. One of the last two has pictures of one pixel.
CASES = [(32, (32, 32), 32), (96, (7, 5), 32), (192, (8, 8), 32), (16, (3, 4), 8), (1024, (2, 2), 32), (64, (1, 1), 4)]


def computed(norm, x, grad, silu):
    """[y, gradients of x, gamma and beta] in f64."""
    norm.zero_grad()
    x = x.clone().requires_grad_()
    y = norm_silu.norm_silu(norm, x, silu)
    y.backward(grad)
    return [tensor.double() for tensor in (y.detach(), x.grad, norm.weight.grad, norm.bias.grad)]


@unittest.skipIf(norm_silu.LIBRARY is None, "no C compiler, or a GPU")
class NormSiluTest(unittest.TestCase):
    def test_equals_f64(self):
        for channels, size, groups in CASES:
            for silu in (True, False):
                with self.subTest(channels=channels, size=size, groups=groups, silu=silu):
                    torch.manual_seed(channels)
                    norm = nn.GroupNorm(groups, channels, 1e-6)
                    nn.init.normal_(norm.weight)
                    nn.init.normal_(norm.bias)
                    x = (3 * torch.randn(5, channels, *size) + 2).contiguous(memory_format=torch.channels_last).bfloat16()
                    grad = torch.randn_like(x)
                    ours = computed(norm, x, grad, silu)
                    exact = computed(norm.double(), x.double(), grad.double(), silu)
                    # What is stored in bf16 is rounded to 8 bits, the sums of 5 pictures are f32.
                    for a, b, bound in zip(ours, exact, (2**-8, 2**-8, 1e-5, 1e-5)):
                        self.assertLessEqual(((a - b).abs() / (b.abs() + b.abs().max())).max().item(), bound)

    def test_large_values(self):
        norm = nn.GroupNorm(32, 32, 1e-6)
        nn.init.constant_(norm.weight, 1e4)
        x = torch.randn(2, 32, 8, 8).contiguous(memory_format=torch.channels_last).bfloat16()
        y = norm_silu.norm_silu(norm, x)
        self.assertTrue(torch.isfinite(y).all())
        torch.testing.assert_close(y, torch.relu(norm(x)), rtol=2**-7, atol=1)
        x[0, 3, 2, 1] = torch.nan
        self.assertTrue(torch.isnan(norm_silu.norm_silu(norm, x)[0, 3]).all())

    def test_others_go_to_pytorch(self):
        norm = nn.GroupNorm(4, 8, 1e-6)
        with mock.patch.object(norm_silu, "forward", side_effect=AssertionError("called")):
            for x in (torch.randn(2, 8, 4, 4), torch.randn(2, 8, 4, 4).bfloat16()):  # f32; channels that fill no vector
                torch.testing.assert_close(norm_silu.norm_silu(norm, x), nn.functional.silu(norm(x)))
            with mock.patch.object(norm_silu, "LIBRARY", None):
                x = torch.randn(2, 32, 4, 4).bfloat16()
                norm_silu.norm_silu(nn.GroupNorm(32, 32), x)

    def test_without_a_compiler(self):
        with mock.patch.dict("os.environ", {"CC": "no-such-compiler"}), mock.patch("sys.stderr") as told:
            self.assertIsNone(norm_silu.load())
        self.assertIn("no-such-compiler", "".join(str(call) for call in told.mock_calls))
