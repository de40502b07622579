"""What moves the weights: AdamW, or Muon on every matrix and AdamW on the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) takes the gradient's momentum and makes all its singular values about 1, so
that the directions with small gradients move as far as the others. A convolution counts as the matrix [out, in * height * width]. The first and
the last convolution, which meet pixels, and the first layer of the time embedding stay with AdamW, as its author advises for what is not hidden.
"""

import torch

BETAS = (0.9, 0.99)
NOT_HIDDEN = ("conv_in.", "conv_out.", "time_embedding.linear_1.")


def build(kind, net, lr):
    """`kind` as in --optimizer, for a network whose weights are in their final memory."""
    if kind == "muon":
        return MuonWithAdamW(net, lr)
    return adamw(net.parameters(), lr)


def adamw(parameters, lr):
    return torch.optim.AdamW(parameters, lr, betas=BETAS, weight_decay=0.0, fused=True)


class MuonWithAdamW:
    """Both as one optimizer, with the methods that a training uses."""

    def __init__(self, net, lr):
        named = list(net.named_parameters())
        self.hidden = [p for name, p in named if p.ndim > 1 and not name.startswith(NOT_HIDDEN)]
        others = [p for name, p in named if p.ndim <= 1 or name.startswith(NOT_HIDDEN)]
        # The same memory seen as matrices: torch's Muon takes nothing else.
        self.matrices = [as_matrix(p.detach()) for p in self.hidden]
        # Steps as long as AdamW's (Liu et al. 2025), so that one learning rate serves both.
        muon = torch.optim.Muon(self.matrices, lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self.both = (muon, adamw(others, lr))

    @property
    def param_groups(self):
        return [group for optimizer in self.both for group in optimizer.param_groups]

    def step(self):
        for matrix, weight in zip(self.matrices, self.hidden):
            matrix.grad = None if weight.grad is None else as_matrix(weight.grad)
        for optimizer in self.both:
            optimizer.step()

    def zero_grad(self, set_to_none=True):
        for weight in (*self.hidden, *self.matrices):
            weight.grad = None
        self.both[1].zero_grad(set_to_none)

    def state_dict(self):
        return dict(muon=self.both[0].state_dict(), adamw=self.both[1].state_dict())

    def load_state_dict(self, state):
        self.both[0].load_state_dict(state["muon"])
        self.both[1].load_state_dict(state["adamw"])


def as_matrix(weight):
    """[out, in, height, width] in channels_last, or [out, in], as [out, the rest] of the same memory; the order of columns does not matter to Muon."""
    return weight if weight.ndim == 2 else weight.permute(0, 2, 3, 1).flatten(1)
