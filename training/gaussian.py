#!/usr/bin/env python3
"""Table 1 of the paper in closed form: what S and eta alone cost on normally distributed pictures, without a network and without samples.

    gaussian.py SET [--first N] [--steps 5,10,20,50,100] [--etas 0,0.2,0.5,1,sigma-hat] [--centred]

Let the data be normal, with the mean and covariance of SET's pixels. Then the best epsilon is linear in x_t, every x_t is normal, and
Eq. 12 moves the variance along each principal axis by itself, so that the Fréchet distance from the samples to the data is known
exactly: no network, no Inception, no chance. Unlike a finite set's (exact.py) these data are smooth: a sample can be wrong in its
detail. Prints a table in Markdown; distances are of pixels in [-1, 1], summed over all of them. Linear tau, nothing clipped.
"""

import argparse
from pathlib import Path

import numpy as np

import diffusion
import mosaics
from exact import numbers
from files import run_as_program

SIGMA_HAT = "sigma-hat"


def principal(pictures, draws):
    """Variances along the principal axes, and the mean's coordinate on each, of pictures [N, ...] in [-1, 1] drawn in proportion to `draws`."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    mean = np.average(flat, axis=0, weights=draws)
    variances, axes = np.linalg.eigh(np.cov(flat.T, aweights=draws, bias=True))
    return variances.clip(0), mean @ axes


def sampled(variances, means, steps, eta):
    """(variances, means) of the samples along each axis, after `steps` steps of Eq. 12 from N(0, 1)."""
    alpha_bar = diffusion.alpha_bars().double().numpy()
    taus = diffusion.linear_timesteps(steps)
    variance, mean = np.ones_like(variances), np.zeros_like(means)
    for t, s in zip(reversed(taus), [*reversed(taus[:-1]), -1]):
        a, a_s = alpha_bar[t], alpha_bar[s] if s >= 0 else 1.0
        sigma = (1.0 if eta == SIGMA_HAT else eta) * np.sqrt((1 - a_s) / (1 - a) * (1 - a / a_s))  # Eq. 16
        noise = np.sqrt(1 - a / a_s) if eta == SIGMA_HAT else sigma
        # E[x0 | x_t] = mean + of_x (x_t - sqrt(a) mean), and epsilon from it; both are linear in x_t.
        of_x = np.sqrt(a) * variances / (a * variances + 1 - a)
        epsilon = (1 - np.sqrt(a) * of_x) / np.sqrt(1 - a)
        factor = np.sqrt(a_s) * of_x + np.sqrt(max(1 - a_s - sigma**2, 0)) * epsilon
        variance = factor**2 * variance + noise**2
        mean = np.sqrt(a_s) * means + factor * (mean - np.sqrt(a) * means)
    return variance, mean


def frechet(variances, means, steps, eta):
    """|mean difference|^2 + tr(A + B - 2 (A B)^1/2), A and B diagonal on the same axes."""
    variance, mean = sampled(variances, means, steps, eta)
    return float(np.square(np.sqrt(variance) - np.sqrt(variances)).sum() + np.square(mean - means).sum())


def etas(text):
    """For argparse: "0,0.2,sigma-hat" -> [0.0, 0.2, "sigma-hat"]."""
    parse = numbers(float, 0, 1)
    return [SIGMA_HAT if word == SIGMA_HAT else parse(word)[0] for word in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--first", type=int, metavar="N", help="only the first N pictures of the set")
    parser.add_argument("--steps", type=numbers(int, 1, diffusion.T), default="5,10,20,50,100")
    parser.add_argument("--etas", type=etas, default=f"0,0.2,0.5,1,{SIGMA_HAT}")
    parser.add_argument("--centred", action="store_true", help="take the mean out of the data: then x_T = N(0, 1) has the right one")
    args = parser.parse_args()
    if args.first is not None and args.first < 2:
        parser.error(f"--first: expected at least 2, got {args.first}")
    images, draws, _ = mosaics.load(args.set)
    variances, means = principal(images[: args.first].astype(np.float32) / 127.5 - 1, draws[: args.first])
    data = variances, means * (not args.centred)
    print("| S | " + " | ".join("σ̂" if eta == SIGMA_HAT else f"η = {eta:g}" for eta in args.etas) + " |\n" + "|---" * (len(args.etas) + 1) + "|")
    for steps in args.steps:
        print(f"| {steps} | " + " | ".join(f"{frechet(*data, steps, eta):.2f}" for eta in args.etas) + " |")


if __name__ == "__main__":
    run_as_program(main)
