"""Muon steps as torch's own, the rest as AdamW; singular values of one size; a run goes on with its optimizer only."""

import unittest

import torch

import checkpoint
import optimizers
from files import TrainingError
from tests.tiny import TinyTest
from unet import UNet, UNetShape

RATE = 1e-2


def network():
    torch.manual_seed(0)
    return UNet(UNetShape(3, 16, 32, (1, 2), layers=1, attention=(8,))).to(memory_format=torch.channels_last)


def put_gradients(net, seed):
    torch.manual_seed(seed)
    for p in net.parameters():
        p.grad = torch.randn(p.shape).contiguous(memory_format=torch.channels_last if p.ndim == 4 else torch.contiguous_format) * 1e-3


class OptimizersTest(TinyTest):
    def steps(self, kind):
        """{name: what each of three steps added}."""
        net = network()
        optimizer = optimizers.build(kind, net, RATE)
        found = {name: [] for name, _ in net.named_parameters()}
        for seed in range(3):
            before = {name: p.detach().clone() for name, p in net.named_parameters()}
            put_gradients(net, seed)
            optimizer.step()
            optimizer.zero_grad()
            self.assertTrue(all(p.grad is None for p in net.parameters()))
            for name, p in net.named_parameters():
                found[name].append(p.detach() - before[name])
        return found

    def test_steps_are_those_of_torchs_muon_and_of_adamw(self):
        ours, plain, net = self.steps("muon"), self.steps("adamw"), network()
        hidden = {name: torch.nn.Parameter(p.detach().flatten(1).clone()) for name, p in net.named_parameters() if p.ndim > 1}
        muon = torch.optim.Muon(hidden.values(), RATE, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        for seed in range(3):
            put_gradients(net, seed)
            before = {name: p.detach().clone() for name, p in hidden.items()}
            for name, p in net.named_parameters():
                if name in hidden:
                    hidden[name].grad = p.grad.flatten(1)
            muon.step()
            for name, steps in ours.items():
                if name not in hidden or name.startswith(("conv_in", "conv_out", "time_embedding.linear_1")):
                    torch.testing.assert_close(steps[seed], plain[name][seed], msg=name)
                    continue
                expected = hidden[name].detach() - before[name]
                # Both in bf16, added up in another order.
                self.assertLess((steps[seed].flatten(1) - expected).norm() / expected.norm(), 0.02, name)

    def test_every_direction_of_a_matrix_moves_alike(self):
        for shape in ((3, 48, 200), (2, 200, 48), (2, 64, 64)):
            values = torch.linalg.svdvals(optimizers.orthogonalised(torch.randn(shape, generator=torch.Generator().manual_seed(1))).float())
            self.assertLess(values.max().item(), 1.3)
            # The least of square matrices stay lower.
            self.assertGreater(values.median().item(), 0.6)
        self.assertTrue(torch.equal(optimizers.orthogonalised(torch.zeros(1, 4, 8)), torch.zeros(1, 4, 8, dtype=torch.bfloat16)))

    def test_a_run_goes_on_with_its_optimizer_only(self):
        self.train("whole", 24, "--optimizer", "muon")
        state = checkpoint.load(self.folder / "whole")
        self.assertEqual(set(state["optimizer"]), {"muon", "adamw"})
        self.train("parts", 12, "--optimizer", "muon")
        with self.assertRaisesRegex(TrainingError, "the checkpoint's --optimizer is muon, the command asks for adamw"):
            self.train("parts", 24)


if __name__ == "__main__":
    unittest.main()
