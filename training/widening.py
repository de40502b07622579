"""A trained network becomes a wider one that begins where it is: Net2WiderNet (Chen et al. 2015) for the DDPM U-Net.

Each new channel is a copy of an old one of the same group of GroupNorm, and what reads the copies takes a share of each, the shares adding up
to one. Where every channel of a level is copied equally often, group statistics stay what they are and so does the function; a norm over two
levels whose copies differ (a skip beside what comes from below) shifts a little, which training mends. The shares are random, so that
copies have different gradients and part.

The sinusoids of the timestep are others in a wider network: its first layer is fitted to give what the old one gave at each of the T timesteps.
"""

import math

import torch

import diffusion
from unet import timestep_embedding

# Singular values below this share of the greatest are not fitted: they would buy the last digits with huge weights.
FIT_CUT = 1e-4


def copies(old, new, groups=1):
    """[new] the old channel each new one copies: within each group of GroupNorm, copies side by side, so that groups over a concatenation agree, too."""
    if new < old or new % groups or old % groups:
        raise ValueError(f"{old} channels cannot become {new}: expected as many or more, in multiples of {groups}")
    member = torch.arange(new // groups) * (old // groups) // (new // groups)
    return (torch.arange(groups)[:, None] * (old // groups) + member).flatten()


def shares(outputs, source, generator):
    """[outputs, inputs] what each output takes of each copy: random, the copies of one channel adding up to 1."""
    drawn = 0.5 + torch.rand((outputs, len(source)), generator=generator)
    sums = torch.zeros(outputs, int(source.max()) + 1).index_add_(1, source, drawn)
    return drawn / sums[:, source]


class Widening:
    """Fills `new` weights from `old` ones, layer by layer; a layer is told by which old channel each of its inputs and outputs copies."""

    def __init__(self, old, seed):
        self.old, self.new = old, {}
        self.generator = torch.Generator().manual_seed(seed)

    def affine(self, name, source):
        for part in ("weight", "bias"):
            self.new[f"{name}.{part}"] = self.old[f"{name}.{part}"][source].clone()

    def layer(self, name, inputs, outputs):
        """A convolution or a matrix."""
        weight = self.old[f"{name}.weight"][outputs][:, inputs]
        share = shares(len(outputs), inputs, self.generator)
        self.new[f"{name}.weight"] = weight * share.reshape(*share.shape, *[1] * (weight.dim() - 2))
        self.new[f"{name}.bias"] = self.old[f"{name}.bias"][outputs].clone()

    def resnet(self, name, inputs, outputs, hidden):
        self.affine(f"{name}.norm1", inputs)
        self.layer(f"{name}.conv1", inputs, outputs)
        self.layer(f"{name}.time_emb_proj", hidden, outputs)
        self.affine(f"{name}.norm2", outputs)
        self.layer(f"{name}.conv2", outputs, outputs)
        if f"{name}.conv_shortcut.weight" in self.old:
            self.layer(f"{name}.conv_shortcut", inputs, outputs)

    def attention(self, name, channels):
        self.affine(f"{name}.group_norm", channels)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            self.layer(f"{name}.{part}", channels, channels)
        # q kᵀ / √c: each product of q and k comes as often as it has copies now.
        often = torch.bincount(channels)
        scale = math.sqrt(len(channels) / len(often)) / often[channels]
        self.new[f"{name}.to_q.weight"] *= scale[:, None]
        self.new[f"{name}.to_q.bias"] *= scale

    def first_of_time(self, name, old_width, new_width, outputs):
        """The layer that reads the sinusoids, by least squares over the timesteps."""
        if old_width == new_width:
            self.layer(name, torch.arange(new_width), outputs)
            return
        t = torch.arange(diffusion.T)
        before = timestep_embedding(t, old_width).double() @ self.old[f"{name}.weight"].double().T + self.old[f"{name}.bias"].double()
        now = torch.cat([timestep_embedding(t, new_width).double(), torch.ones(len(t), 1, dtype=torch.float64)], 1)
        fitted = torch.linalg.lstsq(now, before[:, outputs], rcond=FIT_CUT, driver="gelsd").solution.float()
        self.new[f"{name}.weight"], self.new[f"{name}.bias"] = fitted[:-1].T.contiguous(), fitted[-1].clone()


def widened(weights, old, new, seed=0):
    """The weights of UNet(new) that begin as UNet(old) with `weights` is; shapes that differ in widths only.

    Raises ValueError where they differ otherwise, a level becomes narrower, or a resnet would lose or gain its shortcut.
    """
    for what in ("channels", "size", "layers", "attention", "groups"):
        if getattr(old, what) != getattr(new, what):
            raise ValueError(f"{what} {getattr(new, what)}: expected {getattr(old, what)} as the narrower network has, only widths can grow")
    from_widths, to_widths = old.widths(), new.widths()
    changes = lambda widths: [a != b for a, b in zip(widths, widths[1:])]
    if len(from_widths) != len(to_widths) or changes(from_widths) != changes(to_widths):
        raise ValueError(f"widths {to_widths}: expected as many as {from_widths}, different and equal ones at the same levels")
    level = [copies(a, b, old.groups) for a, b in zip(from_widths, to_widths)]
    hidden = copies(4 * old.base, 4 * new.base)
    picture, last = torch.arange(old.channels), len(level) - 1
    to = Widening(weights, seed)
    to.first_of_time("time_embedding.linear_1", old.base, new.base, hidden)
    to.layer("time_embedding.linear_2", hidden, hidden)
    to.layer("conv_in", picture, level[0])
    h, skips = level[0], [level[0]]
    for i, width in enumerate(level):
        block = f"down_blocks.{i}"
        for j in range(old.layers):
            to.resnet(f"{block}.resnets.{j}", h, width, hidden)
            if old.attends()[i]:
                to.attention(f"{block}.attentions.{j}", width)
            h = width
            skips.append(h)
        if i < last:
            to.layer(f"{block}.downsamplers.0.conv", h, h)
            skips.append(h)
    for j in range(2):
        to.resnet(f"mid_block.resnets.{j}", h, h, hidden)
    to.attention("mid_block.attentions.0", h)
    for i, width in reversed(list(enumerate(level))):
        block = f"up_blocks.{last - i}"
        for j in range(old.layers + 1):
            both = torch.cat([h, skips.pop() + int(h.max()) + 1])
            to.resnet(f"{block}.resnets.{j}", both, width, hidden)
            if old.attends()[i]:
                to.attention(f"{block}.attentions.{j}", width)
            h = width
        if i > 0:
            to.layer(f"{block}.upsamplers.0.conv", h, h)
    to.affine("conv_norm_out", h)
    to.layer("conv_out", h, picture)
    return to.new
