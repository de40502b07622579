#!/usr/bin/env python3
"""The table of the paper (Table 1) for a model: FID over S and eta, sampled by `etude`.

    fid_table.py FOLDER REFERENCE [--data SET] [--steps 10,20,50,100] [--etas 0,0.2,0.5,1,sigma-hat] [--samples 1000] [--seed 0]

FOLDER is a model folder, REFERENCE a set or the features fid.py wrote of one (in bf16, and the samples are looked at in bf16, too). The
same x_T and noise go into every cell, those of --seed; what is measured with another than 0 stands in the card by itself, so that one
sees what a seed does.
With --data as many pictures drawn from that set are measured, too: what a perfect model would have, as few samples raise any FID.
Each cell goes into FOLDER's card at once; the same command goes on from there. Needs `etude` (--etude PATH).
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import card
import fid
from files import TrainingError, run_as_program

# The paper took quadratic for CIFAR-10, linear for CelebA, and did not clip x̂0 (but for σ̂). Linear and clipped here: fashion at S = 10,
# η = 0 has 42.4 so, 43.9 unclipped, and 49.0 quadratic and unclipped (500 samples).
TAU, CLIP = "linear", True


def cell(args, steps, eta, reference):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "samples.npz"
        how = ["--sigma-hat"] if eta == "sigma-hat" else ["--eta", eta]
        how += ["--clip"] if args.clip else ["--no-clip"]
        command = [args.etude, "sample", "--model", args.folder, "--preset", args.preset, "--tau", args.tau, "--steps", steps, *how]
        command += ["--count", args.samples, "--batch", args.batch, "--precision", args.precision]
        command += ["--seed", args.seed, "--noise-seed", args.seed, "--out", out]
        try:
            subprocess.run([str(word) for word in command], check=True, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError as e:
            raise TrainingError(f"{args.etude}: not found; build it (cargo build --release) or say --etude PATH") from e
        except subprocess.CalledProcessError as e:
            raise TrainingError(f"etude sample: {(e.stderr.strip().splitlines() or ['failed'])[-1].removeprefix('error: ')}") from e
        return reference.distance(fid.pictures(out)[0])


def floor(data, samples, reference):
    """The FID of pictures drawn from the data, each as often as in training."""
    images, weights = fid.pictures(data)
    chosen = np.random.default_rng(0).choice(len(images), samples, p=weights / weights.sum())
    return reference.distance(images[chosen])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--data", type=Path, metavar="SET", help="a set of data.py; its own pictures are measured, too")
    parser.add_argument("--steps", default="10,20,50,100")
    parser.add_argument("--etas", default="0,0.2,0.5,1,sigma-hat")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of x_T and of the steps' noise")
    parser.add_argument("--tau", default=TAU)
    parser.add_argument("--clip", action=argparse.BooleanOptionalAction, default=CLIP)
    parser.add_argument("--preset", default="etude")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--precision", default="f32", help="as of `etude sample`: bf16 is quicker on processors that have it")
    parser.add_argument("--etude", default=str(Path(__file__).resolve().parent.parent / "target/release/etude"))
    args = parser.parse_args()
    facts = card.read(args.folder)
    reference = fid.Reference.read(args.reference, "cuda" if torch.cuda.is_available() else "cpu")
    command = f"{args.folder.name} {args.reference.name} --samples {args.samples} --tau {args.tau} {'--clip' if args.clip else '--no-clip'}"
    in_bits = "" if args.precision == "f32" else f", {args.precision}"
    command += "" if args.precision == "f32" else f" --precision {args.precision}"
    settings = dict(
        samples=args.samples,
        reference=reference.of,
        how=f"{args.preset} preset, {args.tau} τ, x̂0 {'' if args.clip else 'not '}clipped{in_bits}; `fid_table.py {command}`",
    )
    old = facts.get("fid", {})
    measured = old if {k: old.get(k) for k in settings} == settings else dict(settings, table={})
    table = measured.setdefault("seeds", {}).setdefault(str(args.seed), {}) if args.seed else measured["table"]

    def keep():
        facts["fid"] = measured
        card.write(args.folder, facts)

    if args.data and "floor" not in measured:
        measured["floor"] = dict(fid=round(floor(args.data, args.samples, reference), 3), data=args.data.name)
        keep()
        print(f"pictures of the data: FID {measured['floor']['fid']:.2f}", flush=True)
    for steps in args.steps.split(","):
        for eta in args.etas.split(","):
            if eta in table.get(steps, {}):
                continue
            began = time.monotonic()
            value = cell(args, steps, eta, reference)
            table.setdefault(steps, {})[eta] = round(value, 3)
            keep()
            print(f"S = {steps}, eta = {eta}: FID {value:.2f} ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    run_as_program(main)
