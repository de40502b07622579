#!/usr/bin/env python3
"""How well networks denoise pictures they were not trained on, noise level by noise level, in half a minute: a precise measure of small steps.

    denoising.py SET RUN_OR_MODEL [RUN_OR_MODEL …] [--weights WHICH]
    denoising.py work/cifar10_test.npz work/cifar10 ../assets/models/cifar10

The mean square error of v = sqrt(alpha_bar) epsilon - sqrt(1 - alpha_bar) x0 at each of TIMESTEPS, for the first PICTURES pictures of the set
and the same noise for every network, so that two networks of the same data differ by their own doing and hardly by chance. A network that
predicts epsilon is asked for the v that it means. Errors under other --timesteps and weights of the loss compare here, as training losses do not.
"""

import argparse
from pathlib import Path

import torch

import diffusion
import model
import mosaics
from files import run_as_program

PICTURES, BATCH = 512, 64
# Detail, shapes and coarse shapes: sqrt((1 - alpha_bar) / alpha_bar) is 0.17, 0.72 and 3.4, each about four times the one before.
TIMESTEPS = (50, 200, 500)


def errors(net, prediction, x0, between=lambda: None):
    """{t: mean square error of v}, for pictures [N, C, H, W] in [-1, 1]; calls `between` before each batch."""
    alpha_bar = diffusion.alpha_bars()
    found = {}
    for t in TIMESTEPS:
        a = alpha_bar[t].expand(len(x0))
        eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(t))
        x = diffusion.add_noise(x0, eps, a)
        total = 0.0
        for part in range(0, len(x0), BATCH):
            between()
            some = slice(part, part + BATCH)
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                output = net(x[some].contiguous(memory_format=torch.channels_last), torch.full((len(x[some]),), t))
            v = v_of(output.float(), x[some], alpha_bar[t], prediction)
            total += (v - diffusion.target(x0[some], eps[some], a[some], "v_prediction")).square().sum().item()
        found[t] = total / x0.numel()
    return found


def v_of(output, x, alpha_bar, prediction):
    """The v that an output means at x: where it is epsilon, v = (epsilon - sqrt(1 - alpha_bar) x) / sqrt(alpha_bar)."""
    if prediction == "v_prediction":
        return output
    return (output - (1 - alpha_bar).sqrt() * x) / alpha_bar.sqrt()


def pictures(path):
    """The first PICTURES of a set, [N, C, H, W] in [-1, 1]."""
    images, _, _ = mosaics.load(path)
    return torch.from_numpy(images[:PICTURES]).permute(0, 3, 1, 2).float() / 127.5 - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("networks", type=Path, nargs="+", metavar="RUN_OR_MODEL")
    parser.add_argument("--weights", default="ema", help="which of a run, as in coarse.py")
    args = parser.parse_args()
    x0 = pictures(args.set)
    print(f"error of v at t = {', '.join(map(str, TIMESTEPS))}")
    for path in args.networks:
        print(f"{path}: {', '.join(f'{error:.5f}' for error in errors(*model.load(path, args.weights), x0).values())}", flush=True)


if __name__ == "__main__":
    run_as_program(main)
