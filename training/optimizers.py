"""What moves the weights: AdamW, or Muon on every matrix and AdamW on the rest.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) takes the gradient's momentum and makes all its singular values about 1, so
that the directions with small gradients move as far as the others. A convolution counts as the matrix [out, in * height * width]. The first and
the last convolution, which meet pixels, and the first layer of the time embedding stay with AdamW, as its author advises for what is not hidden.
"""

import torch

BETAS = (0.9, 0.99)
MOMENTUM = 0.95
# Five iterations of x <- (a + b x x^T + c (x x^T)^2) x bring singular values from 0.002 … 1 to about 0.7 … 1.2: the author's coefficients.
ITERATIONS, A, B, C = 5, 3.4445, -4.7750, 2.0315
NOT_HIDDEN = ("conv_in.", "conv_out.", "time_embedding.linear_1.")


def build(kind, net, lr):
    """`kind` as in --optimizer, for a network whose weights are in their final memory."""
    if kind == "muon":
        return MuonWithAdamW(net, lr)
    return adamw(net.parameters(), lr)


def adamw(parameters, lr):
    return torch.optim.AdamW(parameters, lr, betas=BETAS, weight_decay=0.0, fused=True)


class Muon(torch.optim.Optimizer):
    """Muon as torch.optim.Muon with adjust_lr_fn="match_rms_adamw" (steps as long as AdamW's, Liu et al. 2025: one learning rate serves both).

    Matrices of one shape are iterated together, half the time: torch's own takes them one by one, which is a seventh of a training step here.
    """

    def __init__(self, weights, lr):
        super().__init__(weights, dict(lr=lr))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    shapes.setdefault(weight_matrix(weight).shape, []).append(weight)
            for shape, weights in shapes.items():
                momenta = [self.momentum(weight) for weight in weights]
                torch._foreach_lerp_(momenta, [weight.grad for weight in weights], 1 - MOMENTUM)
                # Nesterov's: a step further along the momentum.
                ahead = torch._foreach_lerp([weight.grad for weight in weights], momenta, MOMENTUM)
                directions = orthogonalised(torch.stack([weight_matrix(update) for update in ahead]))
                length = group["lr"] * 0.2 * max(shape) ** 0.5
                torch._foreach_add_([weight_matrix(weight) for weight in weights], list(directions.to(weights[0].dtype)), alpha=-length)

    def momentum(self, weight):
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        return state["momentum"]


def weight_matrix(weight):
    """[out, in, height, width] in channels_last, or [out, in], as [out, the rest]; a view, as the order of the columns does not matter to Muon."""
    return weight if weight.ndim == 2 else weight.permute(0, 2, 3, 1).flatten(1)


def orthogonalised(matrices):
    """[N, rows, columns] with the singular vectors they have and singular values of about 1, by Newton and Schulz in bf16."""
    x = matrices.bfloat16()
    wide = x.shape[1] <= x.shape[2]
    x = x if wide else x.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x if wide else x.mT


class MuonWithAdamW:
    """Both as one optimizer, with the methods that a training uses."""

    def __init__(self, net, lr):
        hidden = {name: p for name, p in net.named_parameters() if p.ndim > 1 and not name.startswith(NOT_HIDDEN)}
        self.both = (Muon(hidden.values(), lr), adamw([p for name, p in net.named_parameters() if name not in hidden], lr))

    @property
    def param_groups(self):
        return [group for optimizer in self.both for group in optimizer.param_groups]

    def step(self):
        for optimizer in self.both:
            optimizer.step()

    def zero_grad(self, set_to_none=True):
        for optimizer in self.both:
            optimizer.zero_grad(set_to_none)

    def state_dict(self):
        return dict(muon=self.both[0].state_dict(), adamw=self.both[1].state_dict())

    def load_state_dict(self, state):
        self.both[0].load_state_dict(state["muon"])
        self.both[1].load_state_dict(state["adamw"])
