#!/usr/bin/env python3
"""Packs a set into lossless WebP mosaics of a few MiB, for machines that only take small parcels, and unpacks them.

    mosaics.py SET.npz FOLDER [COUNT]   FOLDER/NAME_00_n10000.webp …, COUNT pictures each, and NAME.json, NAME_draws.npz
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import sets
from files import TrainingError, appearing, read_json, read_npz, run_as_program, write_json

MOST_SIDE = 8000  # pixels; WebP ends at 16383


def pack(source, folder, count):
    images, draws, facts = sets.load(source)
    name, size = facts["name"], images.shape[1]
    write_json(folder / f"{name}.json", facts)
    with appearing(folder / f"{name}_draws.npz") as beside:
        np.savez(beside, draws=draws)
    for first in range(0, len(images), count):
        part = images[first : first + count]
        columns = min(len(part), MOST_SIDE // size)
        rows = -(-len(part) // columns)
        grid = np.zeros((rows * columns, *images.shape[1:]), np.uint8)
        grid[: len(part)] = part
        mosaic = grid.reshape(rows, columns, size, size, -1).transpose(0, 2, 1, 3, 4).reshape(rows * size, columns * size, -1)
        path = folder / f"{name}_{first // count:02d}_n{len(part)}.webp"
        with appearing(path) as beside:
            Image.fromarray(np.repeat(mosaic, 3 // mosaic.shape[2], 2)).save(beside, lossless=True, quality=60, method=3)
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB", flush=True)


def load(path):
    """(images, draws, facts) of a set: an .npz of data.py, or a folder that holds the mosaics of one."""
    folder = Path(path)
    if not folder.is_dir():
        return sets.load(folder)
    described = sorted(folder.glob("*.json"))
    if len(described) != 1:
        raise TrainingError(f"{folder}: expected the mosaics of one set with its .json, got {len(described)} .json files")
    facts = read_json(described[0])
    height, width, channels = facts["size"]
    parts = []
    for path in sorted(folder.glob(f"{facts['name']}_*_n*.webp")):
        try:
            mosaic = np.asarray(Image.open(path))[..., :channels]
        except OSError as e:
            raise TrainingError(f"{path}: expected a mosaic, got something else ({e}); pack the set again") from e
        rows, columns = mosaic.shape[0] // height, mosaic.shape[1] // width
        count = int(path.stem.rsplit("_n", 1)[1])
        grid = mosaic.reshape(rows, height, columns, width, channels).transpose(0, 2, 1, 3, 4)
        parts.append(grid.reshape(rows * columns, height, width, channels)[:count])
    images = np.concatenate(parts) if parts else np.zeros((0, height, width, channels), np.uint8)
    if len(images) != facts["pictures"]:
        raise TrainingError(f"{folder}: expected {facts['pictures']} pictures in mosaics, got {len(images)}; a part is missing")
    draws = read_npz(folder / f"{facts['name']}_draws.npz", "how often each picture is drawn")
    return sets.checked(folder, images, draws["draws"], facts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int, nargs="?", default=10000)
    args = parser.parse_args()
    if args.count < 1:
        parser.error(f"COUNT: expected a positive number, got {args.count}")
    pack(args.source, args.folder, args.count)


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    run_as_program(main)
