#!/usr/bin/env python3
"""At which noise a network loses its FID: real pictures get noise up to some timestep and are denoised from there.

    round_trip.py SET RUN_OR_MODEL REFERENCE [--weights WHICH] [--starts 100,200,400,800]
    round_trip.py work/cifar10_test.npz ../assets/models/cifar10 work/cifar10_features.npz

The first PICTURES pictures of the set at x_t (Eq. 4), then STEPS DDIM steps at eta = 0 down to x0, and the FID of what comes out. A perfect
network would leave it at the FID of the pictures themselves, which is printed first, whatever the start; what a start adds to the one before is
lost between the two. From 1000 on it is sampling, but for what little x_T knows of the picture.
"""

import argparse
from pathlib import Path

import torch

import denoising
import diffusion
import fid
import model
from files import TrainingError, run_as_program
from options import whole_numbers

PICTURES, BATCH, STEPS = 512, 64, 10


def denoised(net, prediction, x0, start, seed=5):
    """uint8 [N, H, W, C]: pictures [N, C, H, W] in [-1, 1], noised to the first of STEPS timesteps below `start` and denoised."""
    last = diffusion.linear_timesteps(STEPS, start)[-1]
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed))
    x = diffusion.add_noise(x0, eps, diffusion.alpha_bars()[last].expand(len(x0)))
    with torch.autocast("cpu", torch.bfloat16):
        return model.pixels(torch.cat([diffusion.ddim(net, part, STEPS, prediction, start=start) for part in x.split(BATCH)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("network", type=Path, metavar="RUN_OR_MODEL")
    parser.add_argument("reference", type=Path)
    parser.add_argument("--weights", default="ema", help="which of a run, as in coarse.py")
    parser.add_argument("--starts", type=whole_numbers, default=(100, 200, 400, 800), help="timesteps (default 100,200,400,800)")
    args = parser.parse_args()
    if not args.starts or not all(STEPS <= start <= diffusion.T for start in args.starts):
        raise TrainingError(f"--starts: expected timesteps from {STEPS} to {diffusion.T}, got {','.join(map(str, args.starts)) or 'none'}")
    net, prediction = model.load(args.network, args.weights)
    x0 = denoising.pictures(args.set)[:PICTURES]
    distance = fid.Reference.read(args.reference).distance
    print(f"the {len(x0)} pictures themselves: FID {distance(model.pixels(x0)):.2f}", flush=True)
    for start in args.starts:
        print(f"from t = {start}: FID {distance(denoised(net, prediction, x0, start)):.2f}", flush=True)


if __name__ == "__main__":
    run_as_program(main)
