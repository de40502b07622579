#!/usr/bin/env python3
"""Table 1 of the paper without a network: FID over S and eta for the best predictor there can be, which a finite set of pictures gives.

    exact.py SET REFERENCE [--first N] [--steps 10,20,50,100] [--etas 0,0.2,0.5,1] [--samples 500]

Over a finite set the minimum of Eq. 5 is known: x0 is the mean of the pictures, each weighted by how likely x_t came from it. Sampled
with that, all that is left of the error is the steps'; beside a model's table it shows which part is the network's. With many steps
it ends in pictures of the set itself. REFERENCE as for fid_table.py. Prints a table in Markdown; x_T and noise from torch, seeds 0 and 1.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import diffusion
import fid
import mosaics
from files import run_as_program


class Exact:
    """epsilon(x_t, t) of pictures [M, C, H, W] in [-1, 1], each drawn in proportion to `draws` [M]; one t a batch."""

    def __init__(self, pictures, draws):
        self.flat = pictures.flatten(1).double()
        # log p(x0) less what depends on x0 alone: see __call__.
        self.log_draws = (draws.double() / draws.sum()).log()
        self.squares = self.flat.square().sum(1)
        self.alpha_bar = diffusion.alpha_bars().double()

    def x0(self, x, t):
        """E[x0 | x_t]: weights p(x0) exp(-|x_t - sqrt(a) x0|^2 / 2(1 - a)), of which |x_t|^2 is the same for every x0."""
        a, flat = self.alpha_bar[t[0]], x.flatten(1).double()
        logits = (a.sqrt() * flat @ self.flat.T - a / 2 * self.squares) / (1 - a) + self.log_draws
        return (logits.softmax(1) @ self.flat).view(x.shape)

    def __call__(self, x, t):
        a = self.alpha_bar[t[0]]
        return (x.double() - a.sqrt() * self.x0(x, t)) / (1 - a).sqrt()


def sampled(model, shape, steps, eta):
    """uint8 [N, H, W, 3]; the same x_T for every S and eta."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    x = diffusion.ddim(model, x, steps, eta=eta, noise=torch.Generator().manual_seed(1))
    pixels = ((x + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return np.repeat(pixels, 3 // pixels.shape[3], 3)


def numbers(kind, low, high):
    """For argparse: "10,20" -> [10, 20], each from low to high."""

    def parse(text):
        try:
            found = [kind(word) for word in text.split(",")]
        except ValueError:
            found = []
        if not found or not all(low <= number <= high for number in found):
            raise argparse.ArgumentTypeError(f"expected numbers from {low} to {high} with commas between, got {text}")
        return found

    return parse


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--first", type=int, metavar="N", help="only the first N pictures of the set")
    parser.add_argument("--steps", type=numbers(int, 1, diffusion.T), default="10,20,50,100")
    parser.add_argument("--etas", type=numbers(float, 0, 1), default="0,0.2,0.5,1")
    parser.add_argument("--samples", type=int, default=500)
    args = parser.parse_args()
    if args.samples < 2 or (args.first is not None and args.first < 1):
        parser.error(f"expected --samples of at least 2 and --first of at least 1, got {args.samples} and {args.first}")
    images, draws, _ = mosaics.load(args.set)
    pictures = torch.from_numpy(images[: args.first]).permute(0, 3, 1, 2).float() / 127.5 - 1
    model = Exact(pictures, torch.from_numpy(draws[: args.first]))
    reference = fid.Reference.read(args.reference)
    print("| S | " + " | ".join(f"η = {eta:g}" for eta in args.etas) + " |\n" + "|---" * (len(args.etas) + 1) + "|")
    for steps in args.steps:
        row = []
        for eta in args.etas:
            got = sampled(model, (args.samples, *pictures.shape[1:]), steps, eta)
            row.append(reference.distance(got))
        print(f"| {steps} | " + " | ".join(f"{value:.2f}" for value in row) + " |", flush=True)


if __name__ == "__main__":
    run_as_program(main)
