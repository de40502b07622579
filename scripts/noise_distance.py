#!/usr/bin/env python3
"""How far the pictures of one seed lie apart when they are made in S and in 2 S steps, with each kind of noise.

For each model, η and --noise eight pictures in 25, 50 and 100 steps, x̂0 clipped, from the same seeds, on the CPU; and of the pictures
in 25 and 50 steps, and in 50 and 100, the root of the mean squared difference of their pixels in [-1, 1]: of all pictures together, and of
the picture in the middle of all. Prints a table. Makes a release build unless --etude names one:

    python3 scripts/noise_distance.py [MODEL ...] [--etude PATH]
"""
import argparse
import ast
import math
import pathlib
import statistics
import struct
import subprocess
import tempfile
import zipfile

from screen import ROOT, release_build

STEPS = 25, 50, 100
COUNT = 8


def pixels(etude, folder, model, steps, eta, noise):
    """The pictures' bytes, from an .npz."""
    out = folder / "samples.npz"
    subprocess.run([etude, "sample", "--device", "cpu", "--model", model, "--steps", str(steps), "--eta", str(eta), "--noise", noise,
                    "--clip", "--count", str(COUNT), "--out", out], check=True, capture_output=True, cwd=ROOT)
    array = zipfile.ZipFile(out).read("arr_0.npy")
    header_len = struct.unpack("<H", array[8:10])[0]
    header = ast.literal_eval(array[10:10 + header_len].decode())
    assert header["descr"] == "|u1" and header["shape"][0] == COUNT, header
    return array[10 + header_len:]


def distances(a, b):
    """Root mean squares, a byte being 2/255: of all pictures, and the median of each alone."""
    size = len(a) // COUNT
    squares = [sum((x - y) ** 2 for x, y in zip(a[i:i + size], b[i:i + size])) / size for i in range(0, len(a), size)]
    of_all, middle = (math.sqrt(square) * 2 / 255 for square in (statistics.mean(squares), statistics.median(squares)))
    return f"{of_all:.3f} ({middle:.3f})"


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("models", nargs="*", metavar="MODEL", help="names or folders [default: emoji fashion]")
parser.add_argument("--etude", metavar="PATH", help="the program [default: a release build of what is checked out]")
options = parser.parse_args()
etude = release_build(options.etude)
print("| model | η | noise | " + " | ".join(f"S = {a}, {b}" for a, b in zip(STEPS, STEPS[1:])) + " |\n|---|---|---|---|---|")
with tempfile.TemporaryDirectory() as folder:
    for model in options.models or ["emoji", "fashion"]:
        for eta in 0.5, 1:
            for noise in "step", "path":
                made = [pixels(etude, pathlib.Path(folder), model, steps, eta, noise) for steps in STEPS]
                row = " | ".join(distances(a, b) for a, b in zip(made, made[1:]))
                print(f"| {model} | {eta} | {noise} | {row} |", flush=True)
