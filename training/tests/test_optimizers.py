"""Muon moves what it should as it should: singular values of one size, the network's own memory, all else by AdamW; it resumes and is refused rightly."""

import unittest

import torch

import checkpoint
import optimizers
from files import TrainingError
from tests.tiny import TinyTest
from unet import UNet, UNetShape


class OptimizersTest(TinyTest):
    def net(self):
        torch.manual_seed(0)
        return UNet(UNetShape(3, 16, 32, (1, 2), layers=1, attention=(8,))).to(memory_format=torch.channels_last)

    def moved(self, kind, net):
        before = {name: p.detach().clone() for name, p in net.named_parameters()}
        optimizer = optimizers.build(kind, net, 1e-2)
        for p in net.parameters():
            p.grad = torch.randn(p.shape).contiguous(memory_format=torch.channels_last if p.ndim == 4 else torch.contiguous_format) * 1e-3
        optimizer.step()
        optimizer.zero_grad()
        self.assertTrue(all(p.grad is None for p in net.parameters()))
        return {name: p.detach() - before[name] for name, p in net.named_parameters()}

    def test_muon_moves_every_direction_of_a_matrix_alike(self):
        net = self.net()
        moved, plain = self.moved("muon", net), self.moved("adamw", self.net())
        for name, step in moved.items():
            if step.ndim == 1 or name.startswith(("conv_in", "conv_out", "time_embedding.linear_1")):
                torch.testing.assert_close(step, plain[name], msg=name)
                continue
            matrix = step.flatten(1)
            length = 1e-2 * 0.2 * max(matrix.shape) ** 0.5
            values = torch.linalg.svdvals(matrix) / length
            # Its five iterations leave them between 0.7 and 1.2 or so, the least ones of square matrices lower.
            self.assertLess(values.max().item(), 1.3, name)
            self.assertGreater(values.median().item(), 0.6, name)
            # About the step of AdamW, whose root mean square is the rate or less.
            self.assertLess(step.square().mean().sqrt().item(), 0.3e-2, name)
        self.assertGreater(plain["mid_block.resnets.0.conv1.weight"].abs().median().item(), 0.9e-2)

    def test_a_run_goes_on_with_its_optimizer_only(self):
        self.train("whole", 24, "--optimizer", "muon")
        state = checkpoint.load(self.folder / "whole")
        self.assertEqual(set(state["optimizer"]), {"muon", "adamw"})
        self.train("parts", 12, "--optimizer", "muon")
        with self.assertRaisesRegex(TrainingError, "the checkpoint's --optimizer is muon, the command asks for adamw"):
            self.train("parts", 24)


if __name__ == "__main__":
    unittest.main()
