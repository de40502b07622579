"""The DDPM U-Net (Ho et al. 2020, appendix B) with the parameter names and shapes of diffusers' UNet2DModel.

Conventions of google/ddpm-cifar10-32: downsample_padding 0 (pad right and bottom by one), flip_sin_to_cos false, freq_shift 1,
norm_eps 1e-6, one attention head of full width. `tests/test_unet.py` shows it equal to diffusers' network.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

from norm_silu import norm_silu


@dataclass(frozen=True)
class UNetShape:
    """What a network is built from; `config()` gives the same facts in diffusers' words."""

    channels: int  # of the picture: 1 grey, 3 colour
    size: int  # side of the picture in pixels
    base: int  # channels of the first level
    mult: tuple  # channels of each level, in multiples of base; 1.5 is one, too
    layers: int = 2  # resnets a level on the way down; one more on the way up
    attention: tuple = (16,)  # sides in pixels at which attention is used
    dropout: float = 0.0
    groups: int = 32  # of every GroupNorm

    def widths(self):
        return [round(self.base * m) for m in self.mult]

    def attends(self):
        return [(self.size >> level) in self.attention for level in range(len(self.mult))]

    @classmethod
    def from_config(cls, config):
        """The shape that `config()` wrote.

        Raises KeyError or ValueError for another network's.
        """
        widths = config["block_out_channels"]
        side = config["sample_size"]
        shape = cls(
            channels=config["in_channels"],
            size=side,
            base=widths[0],
            mult=tuple(width / widths[0] for width in widths),
            layers=config["layers_per_block"],
            attention=tuple(side >> level for level, kind in enumerate(config["down_block_types"]) if kind.startswith("Attn")),
            dropout=config["dropout"],
            groups=config["norm_num_groups"],
        )
        if wrong := [name for name, value in shape.config().items() if config.get(name) != value]:
            raise ValueError(f"config.json: {wrong[0]} is {config.get(wrong[0])}, which train.py never makes")
        return shape

    def config(self):
        """config.json of UNet2DModel."""
        attends = self.attends()
        return dict(
            _class_name="UNet2DModel",
            act_fn="silu",
            attention_head_dim=None,
            block_out_channels=self.widths(),
            center_input_sample=False,
            down_block_types=["AttnDownBlock2D" if a else "DownBlock2D" for a in attends],
            downsample_padding=0,
            dropout=self.dropout,
            flip_sin_to_cos=False,
            freq_shift=1,
            in_channels=self.channels,
            layers_per_block=self.layers,
            mid_block_scale_factor=1,
            norm_eps=1e-6,
            norm_num_groups=self.groups,
            out_channels=self.channels,
            sample_size=self.size,
            time_embedding_type="positional",
            up_block_types=["AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)],
        )


def timestep_embedding(t, dim):
    """[N] timesteps -> [N, dim]: sines, then cosines, of t times falling frequencies."""
    half = dim // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, device=t.device, dtype=torch.float32) / (half - 1))
    angles = t.float()[:, None] * frequencies[None]
    return torch.cat([angles.sin(), angles.cos()], -1)


class TimeEmbedding(nn.Module):
    def __init__(self, dim, width):
        super().__init__()
        self.linear_1 = nn.Linear(dim, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


class Resnet(nn.Module):
    def __init__(self, c_in, c_out, width, shape):
        super().__init__()
        self.norm1 = nn.GroupNorm(shape.groups, c_in, 1e-6)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.time_emb_proj = nn.Linear(width, c_out)
        self.norm2 = nn.GroupNorm(shape.groups, c_out, 1e-6)
        self.dropout = shape.dropout
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.changes_width = c_in != c_out
        if self.changes_width:
            self.conv_shortcut = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x, emb):
        h = self.conv1(norm_silu(self.norm1, x)) + self.time_emb_proj(emb)[:, :, None, None]
        h = self.conv2(F.dropout(norm_silu(self.norm2, h), self.dropout, self.training))
        return h + (self.conv_shortcut(x) if self.changes_width else x)


def attention(q, k, v):
    """softmax(q kᵀ / √c) v of [N, tokens, c], one head."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
    # As plain products: PyTorch's flash attention for CPUs takes five times as long, a fifth of a training step in all.
    scores = torch.bmm(q, k.transpose(1, 2)) * q.shape[2] ** -0.5
    return torch.bmm(F.softmax(scores.float(), -1).to(v.dtype), v)


class Attention(nn.Module):
    def __init__(self, c, shape):
        super().__init__()
        self.group_norm = nn.GroupNorm(shape.groups, c, 1e-6)
        self.to_q, self.to_k, self.to_v = nn.Linear(c, c), nn.Linear(c, c), nn.Linear(c, c)
        self.to_out = nn.ModuleList([nn.Linear(c, c)])

    def forward(self, x):
        b, c, h, w = x.shape
        y = norm_silu(self.group_norm, x, silu=False).flatten(2).transpose(1, 2)
        y = attention(self.to_q(y), self.to_k(y), self.to_v(y))
        return x + self.to_out[0](y).transpose(1, 2).reshape(b, c, h, w)


class Downsample(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x):
        # Each pixel four times, as F.interpolate would with mode "nearest", whose gradients a CPU gathers pixel by pixel.
        b, c, h, w = x.shape
        return self.conv(x[:, :, :, None, :, None].expand(b, c, h, 2, w, 2).reshape(b, c, 2 * h, 2 * w))


class Level(nn.Module):
    """Resnets of one resolution, each followed by attention where `attends`, and the change to the next resolution."""

    def __init__(self, widths, emb_width, shape, attends, down=False, up=False):
        super().__init__()
        c = widths[-1][1]
        self.resnets = nn.ModuleList([Resnet(i, o, emb_width, shape) for i, o in widths])
        self.attends, self.down, self.up = attends, down, up
        if attends:
            self.attentions = nn.ModuleList([Attention(c, shape) for _ in widths])
        if down:
            self.downsamplers = nn.ModuleList([Downsample(c)])
        if up:
            self.upsamplers = nn.ModuleList([Upsample(c)])

    def layer(self, j, h, emb):
        h = self.resnets[j](h, emb)
        return self.attentions[j](h) if self.attends else h


class Middle(nn.Module):
    def __init__(self, c, emb_width, shape):
        super().__init__()
        self.attentions = nn.ModuleList([Attention(c, shape)])
        self.resnets = nn.ModuleList([Resnet(c, c, emb_width, shape) for _ in range(2)])

    def forward(self, h, emb):
        return self.resnets[1](self.attentions[0](self.resnets[0](h, emb)), emb)


class UNet(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        widths, attends, last = shape.widths(), shape.attends(), len(shape.mult) - 1
        emb_width = 4 * shape.base
        self.conv_in = nn.Conv2d(shape.channels, widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(shape.base, emb_width)
        c, skips = widths[0], [widths[0]]
        self.down_blocks = nn.ModuleList()
        for level, width in enumerate(widths):
            pairs = [(c if j == 0 else width, width) for j in range(shape.layers)]
            self.down_blocks.append(Level(pairs, emb_width, shape, attends[level], down=level < last))
            c = width
            skips += [width] * (shape.layers + (level < last))
        self.mid_block = Middle(c, emb_width, shape)
        self.up_blocks = nn.ModuleList()
        for level in reversed(range(last + 1)):
            pairs = []
            for _ in range(shape.layers + 1):
                pairs.append((c + skips.pop(), widths[level]))
                c = widths[level]
            self.up_blocks.append(Level(pairs, emb_width, shape, attends[level], up=level > 0))
        self.conv_norm_out = nn.GroupNorm(shape.groups, widths[0], 1e-6)
        self.conv_out = nn.Conv2d(widths[0], shape.channels, 3, padding=1)
        self.zero_the_branches()

    def zero_the_branches(self):
        """Zeroes the last layer of each residual branch, as DDPM does: the network begins as the identity and trains faster."""
        lasts = [m.conv2 for m in self.modules() if isinstance(m, Resnet)]
        lasts += [m.to_out[0] for m in self.modules() if isinstance(m, Attention)]
        for layer in [*lasts, self.conv_out]:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x, t):
        """x [N, C, H, W] in [-1, 1] plus noise, t [N] in 0 … 999 -> the prediction, as x."""
        emb = timestep_embedding(t, self.shape.base).to(self.time_embedding.linear_1.weight.dtype)
        emb = F.silu(self.time_embedding(emb))
        h = self.conv_in(x)
        skips = [h]
        for block in self.down_blocks:
            for j in range(len(block.resnets)):
                h = block.layer(j, h, emb)
                skips.append(h)
            if block.down:
                h = block.downsamplers[0](h)
                skips.append(h)
        h = self.mid_block(h, emb)
        for block in self.up_blocks:
            for j in range(len(block.resnets)):
                h = block.layer(j, torch.cat([h, skips.pop()], 1), emb)
            if block.up:
                h = block.upsamplers[0](h)
        return self.conv_out(norm_silu(self.conv_norm_out, h))
