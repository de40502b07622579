#!/usr/bin/env python3
"""How near samples come to training pictures: memorised, or new?

    nearest.py MODEL SET [--samples 300] [--held-out SET] [--no-features]

MODEL is a model folder, a run of train.py, or an .npz of samples (`etude sample --out samples.npz`). For each sample the nearest picture of
SET is found twice: by the root mean square over pixels (of 255), and by the distance of the features of the FID's Inception network. Beside
the samples' distances stand those of pictures that are no samples: with --held-out pictures of that set, which no training saw, else pictures
of SET itself (each as often as it is drawn) against the rest of it. Samples that are copies are much nearer than these.

A sheet shows samples from the nearest to the farthest, each beside its nearest picture by pixels and by features. A model folder gets it as
nearest.png and the numbers into its card; a run as RUN/nearest.png; samples.npz as samples_nearest.png beside it. Features are kept in
the cache folder, so that the same command goes on after a kill.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import card
import checkpoint
import fid
import inception
import model
from files import TrainingError, appearing, run_as_program

PERCENTILES = (0, 5, 25, 50, 75, 95)
CHUNK = 1000  # pictures compared at once, and features kept in one file
STEPS, SHOWN, COLUMNS, GAP = 50, 64, 8, 4


def nearest(queries, those, without=None):
    """The distance [N] of each row of f64 [N, D] to the nearest row of [M, D], and its index [N]; `without` [N]: the index that does not count."""
    distance, index = np.full(len(queries), np.inf), np.zeros(len(queries), int)
    lengths, each = np.square(queries).sum(1)[:, None], np.arange(len(queries))
    for first in range(0, len(those), CHUNK):
        part = those[first : first + CHUNK].astype(np.float64)
        squares = lengths + np.square(part).sum(1) - 2 * queries @ part.T
        if without is not None:
            inside = (without >= first) & (without < first + len(part))
            squares[inside, without[inside] - first] = np.inf
        closest = squares.argmin(1)
        squares = squares[each, closest]
        index[squares < distance] = first + closest[squares < distance]
        distance = np.minimum(distance, squares)
    return np.sqrt(distance.clip(0)), index


def features(images, device="cpu"):
    """f16 [N, 2048] of uint8 [N, H, W, 3], kept in the cache folder by what the pictures are (f16 moves a distance of 10 by 0.01 at most)."""
    found = []
    for first in range(0, len(images), CHUNK):
        part = np.ascontiguousarray(images[first : first + CHUNK])
        path = inception.cache() / "features" / f"{hashlib.sha256(repr(part.shape).encode() + part.tobytes()).hexdigest()}.npy"
        if not path.exists():
            values = [inception.features(part[k : k + inception.BATCH], device) for k in range(0, len(part), inception.BATCH)]
            with appearing(path) as beside:
                np.save(beside, np.concatenate(values).astype(np.float16))
            print(f"features of {first + len(part)} of {len(images)}", file=sys.stderr, flush=True)
        found.append(np.load(path))
    return np.concatenate(found)


def pixels(images, device="cpu"):
    """Rows whose Euclidean distance is the root mean square over pixels."""
    return images.reshape(len(images), -1) / np.float32(np.sqrt(images[0].size))


SPACES = {"pixels": pixels, "features": features}


def compare(samples, others, training, without, mirrored, space, device):
    """((distance, neighbour) of the samples, distance of the others): `neighbour` uint8, from the set or, if `mirrored`, its mirror image."""
    of = SPACES[space]
    sets = [training, training[:, :, ::-1]] if mirrored else [training]
    asked = [(of(samples, device).astype(np.float64), None), (of(others, device).astype(np.float64), without)]
    best = [(np.full(len(rows), np.inf), None) for rows, _ in asked]
    for images in sets:
        those = of(images, device)
        for k, (rows, left_out) in enumerate(asked):
            distance, index = nearest(rows, those, left_out)
            before, neighbours = best[k]
            closer = (distance < before)[:, None, None, None]
            best[k] = np.minimum(distance, before), images[index] if neighbours is None else np.where(closer, images[index], neighbours)
    return best[0], best[1][0]


def sheet(groups, path):
    """uint8 [N, K, H, W, 3] -> a PNG of N groups of K pictures, COLUMNS groups a row, grey between them."""
    n, k, h, w, _ = groups.shape
    columns = min(n, COLUMNS)
    lines = -(-n // columns)
    grid = np.full((lines * (h + GAP) + GAP, columns * (k * w + GAP) + GAP, 3), 128, np.uint8)
    for at, group in enumerate(groups):
        y, x = (at // columns) * (h + GAP) + GAP, (at % columns) * (k * w + GAP) + GAP
        grid[y : y + h, x : x + k * w] = np.concatenate(list(group), 1)
    with appearing(path) as beside:
        Image.fromarray(grid).save(beside, optimize=True)


def made(args, device):
    """(samples, how they were made, whether their training saw mirrored pictures)."""
    if args.model.is_file():
        images, _ = fid.pictures(args.model)
        return images[: args.samples], args.model.name, False
    net, prediction = model.load(args.model, args.weights, device)
    images = model.sample(net, prediction, args.samples, args.seed, STEPS, device)
    flip = checkpoint.load(args.model)["args"]["flip"] if checkpoint.path_in(args.model).exists() else card.read(args.model)["training"]["flip"]
    return np.repeat(images, 3 // images.shape[3], 3), f"{STEPS} DDIM steps, η = 0, torch seed {args.seed}", flip


def report(facts):
    """The facts as text: percentiles of the distances, and how many samples are nearer than nearly all others."""
    heads = ["least" if p == 0 else f"{p} %" for p in facts["percentiles"]]
    lines = [f"{facts['samples']} samples ({facts['how']}), nearest of {facts['of']}", f"{'':44}" + "".join(f"{head:>8}" for head in heads)]
    for space, rows in facts["distances"].items():
        for name, values in rows.items():
            lines.append(f"{space + ', ' + (name if name == 'samples' else facts['others']):44}" + "".join(f"{value:8.2f}" for value in values))
    for space, share in facts["nearer"].items():
        lines.append(f"{100 * share:.1f} % of the samples are nearer by {space} than 95 % of the others")
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("set", type=Path)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1, help="of x_T (default 1; 0 is the card's samples.png)")
    parser.add_argument("--weights", default="ema", help="which of a run's (default ema)")
    parser.add_argument("--held-out", type=Path, metavar="SET", help="pictures that the training did not see")
    parser.add_argument("--features", action=argparse.BooleanOptionalAction, default=True, help="by Inception's features, too")
    parser.add_argument("--flip", action=argparse.BooleanOptionalAction, help="mirrored pictures count, too (default: if the training used them)")
    parser.add_argument("--sheet", type=Path, help="where the sheet goes")
    args = parser.parse_args(argv)
    if args.samples < 1:
        parser.error(f"--samples: expected a positive number, got {args.samples}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    training, weights = fid.pictures(args.set)
    samples, how, flipped = made(args, device)
    mirrored = flipped if args.flip is None else args.flip
    rng = np.random.default_rng(0)
    if args.held_out:
        held, _ = fid.pictures(args.held_out)
        others, without = held[rng.choice(len(held), min(args.samples, len(held)), replace=False)], None
        named = f"{len(others)} of {args.held_out.stem}, not seen"
    else:
        without = rng.choice(len(training), min(args.samples, np.count_nonzero(weights)), replace=False, p=weights / weights.sum())
        others, named = training[without], f"{len(without)} of the set, to the rest"
    for name, images in (("samples", samples), ("held-out pictures", others)):
        if images.shape[1:] != training.shape[1:]:
            raise TrainingError(f"{args.set}: its pictures are {training.shape[1]}x{training.shape[2]}, the {name} {images.shape[1]}x{images.shape[2]}")
    facts = dict(
        samples=len(samples), of=f"{len(training):,} pictures of {args.set.stem}" + (" and their mirror images" if mirrored else ""),
        others=named, how=how, percentiles=list(PERCENTILES), distances={}, nearer={},
    )  # fmt: skip
    shown = [samples]
    for space in ("pixels", "features") if args.features else ("pixels",):
        (near, neighbours), far = compare(samples, others, training, without, mirrored, space, device)
        facts["distances"][space] = {name: [round(float(v), 2) for v in np.percentile(d, PERCENTILES)] for name, d in (("samples", near), ("others", far))}
        facts["nearer"][space] = round(float((near < np.percentile(far, 5)).mean()), 4)
        shown.append(neighbours)
    print(report(facts))
    order = np.argsort(near, kind="stable")[np.linspace(0, len(near) - 1, min(SHOWN, len(near))).round().astype(int)]
    path = args.sheet or (args.model / "nearest.png" if args.model.is_dir() else args.model.with_name(f"{args.model.stem}_nearest.png"))
    sheet(np.stack(shown, 1)[order], path)
    if (args.model / "card.json").exists():
        card.write(args.model, dict(card.read(args.model), nearest=facts))


if __name__ == "__main__":
    run_as_program(main)
