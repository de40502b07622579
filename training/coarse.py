#!/usr/bin/env python3
"""How far a young run is: a contact sheet, and the distance of its coarse pixels from the data's, in half a minute without Inception.

    coarse.py RUN SET [--weights WHICH]

512 samples (20 DDIM steps, torch seed 5) and 3,000 draws of the set are averaged down to 1x1 (the mean colour) and 8x8 pixels (coarse
shapes); each distance is Fréchet's (fid.frechet) between Gaussians over those pixels, values in [-1, 1]. RUN/sheet.png shows 144 samples.
With --weights net from the weights in training, with --weights 0.1 from a profile of --ema-profiles, else from the averaged ones.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import checkpoint
import diffusion
import export
import fid
import mosaics
from files import run_as_program

SAMPLES, STEPS, DRAWS, BATCH = 512, 20, 3000, 64
SIDES = (1, 8)


def sampled(state, weights, between=lambda: None):
    """[SAMPLES, C, H, W] in [-1, 1]; calls `between` before each batch."""
    net, shape, prediction = checkpoint.network(state, weights), state["shape"], state["args"]["prediction"]
    x = torch.randn(SAMPLES, shape.channels, shape.size, shape.size, generator=torch.Generator().manual_seed(5))
    done = []
    with torch.autocast("cpu", torch.bfloat16):
        for part in x.split(BATCH):
            between()
            done.append(diffusion.ddim(net, part, STEPS, prediction))
    return torch.cat(done).float()


def drawn(path, count=None, seed=0):
    """`count` draws of a set (DRAWS if not said), as `sampled`."""
    images, draws, _ = mosaics.load(path)
    chosen = np.random.default_rng(seed).choice(len(images), DRAWS if count is None else count, p=draws / draws.sum())
    return torch.from_numpy(images[chosen]).permute(0, 3, 1, 2).float() / 127.5 - 1


def coarse(x, side):
    """(mean, covariance) of pictures averaged down to side x side."""
    return fid.statistics(F.adaptive_avg_pool2d(x, side).flatten(1).double().numpy())


def distances(x, data):
    """{side: Fréchet's distance} of two batches of pictures."""
    return {side: fid.frechet(coarse(x, side), coarse(data, side)) for side in SIDES}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("--weights", default="ema")
    args = parser.parse_args()
    state = checkpoint.load(args.run)
    x, data = sampled(state, args.weights), drawn(args.set)
    export.sheet(x[:144], args.run / "sheet.png")
    found = ", ".join(f"{side}x{side} {distance:.3f}" for side, distance in distances(x, data).items())
    print(f"{args.run}, {args.weights}: {state['images']} images seen; {found}")


if __name__ == "__main__":
    run_as_program(main)
