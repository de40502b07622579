#!/usr/bin/env python3
"""Short fair runs of train.py, each with one technique more than the first, with two seeds each: what saves training time?

    compare_techniques.py FOLDER [--data work/cifar10.npz] [--reference work/cifar10_features.npz] [--images 64000] [--seeds 0,1] [--only base,flip]
    compare_techniques.py FOLDER --start MODEL …  each run begins with that model's weights: what is better late, when coarse shapes are there
    compare_techniques.py FOLDER --table          only what is there already

One run after the other at the lowest priority, each measured as coarse.py does (512 samples, 20 steps) with its EMA and a profile,
and with --reference (of `fid.py features work/cifar10.npz work/cifar10_features.npz --first 5000`) by the FID of the same samples: the coarse
distances cannot see fine detail, which half the side first may lose. With --held-out work/cifar10_test.npz denoising.py's errors stand beside
them, which tell smaller differences apart. Killed, the same command goes on; `touch FOLDER/pause` lets all of it sleep.
FOLDER/table.md is the table, FOLDER/results.json its numbers.

About 3 hours at 100 images a second, as an estimate: per seed five runs of 11 minutes, half-size of 7 and half-size-longer of 10, and 2.5 minutes
of measuring after each. (This network takes 115 images a second on two free Zen 5 cores, and 380 at half the side.)
"""

import argparse
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

import card
import checkpoint
import coarse
import denoising
import fid
import model
import unattended
from files import TrainingError, read_json, run_as_program, write_json, write_text

HERE = Path(__file__).resolve().parent
BASE = "--base 32 --mult 1,2,3,3 --attention 16,8 --prediction v_prediction --batch 64 --lr 1.5e-3 --warm-up 100 --ema 0.995 --ema-profiles 0.1"
# name: (options beyond BASE, images in multiples of --images)
ROWS = {
    "base": ("", 1),
    "min-snr": ("--min-snr 5", 1),
    "flip": ("--flip", 1),
    "inverse-sqrt": ("--decay inverse-sqrt --decay-from 0.1", 1),
    "double-batch": ("--double-batch 0.6,0.8", 1),
    "half-size": ("--half-size 0.5", 1),
    # As many images as take about the time of `base`.
    "half-size-longer": ("--half-size 0.5", 1.5),
    "timestep-power": ("--timestep-power 2", 1),
    "log-normal": ("--log-normal=-1.2,1.2", 1),
    "muon": ("--optimizer muon", 1),
    # Without the attention at 16x16, a fifth of a step's time on a CPU.
    "attention-8-longer": ("--attention 8", 1.25),
    "wider-attention-8": ("--attention 8 --mult 1,2,4,4", 1.1),
}

# What says the shape of the network, which --start does, too.
SHAPES = ("--base", "--mult", "--layers", "--attention")


def command(args, name, seed):
    """(run, command line of train.py)."""
    options, factor = ROWS[name]
    # A checkpoint goes on from itself, so that other weights to begin with need another folder.
    run = args.folder / (f"{name}_{seed}_{weights_of(args.start)[:8]}" if args.start else f"{name}_{seed}")
    words = ["--data", args.data, "--run", run, "--images", round(args.images * factor), "--seed", seed, *BASE.split(), *options.split()]
    if args.start:
        words += ["--start", args.start, *shape_of(args.start)]
    return run, [sys.executable, str(HERE / "train.py"), *map(str, words)]


def weights_of(folder):
    """The SHA-256 of a model folder's weights."""
    return card.read(folder)["network"]["weights_sha256"]


def shape_of(folder):
    """The options of train.py for the network of a model folder, and for what it predicts."""
    facts = card.read(folder)
    network = facts["network"]
    base = network["widths"][0]
    mult = ",".join(f"{width / base:g}" for width in network["widths"])
    attention = ",".join(map(str, network["attention"]))
    return [
        "--base", base, "--mult", mult, "--layers", network["layers"], "--attention", attention,
        "--dropout", facts["training"]["dropout"], "--prediction", facts["training"]["prediction"],
    ]  # fmt: skip


def train(run, words):
    """Trains to the end, the log in RUN.log; SIGTERM and SIGINT reach the training, which saves and ends, and then so do we."""
    with open(run.with_name(run.name + ".log"), "a", encoding="utf-8") as log:
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        told = []

        def tell(number, _):
            told.append(number)
            process.terminate()

        before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
        code = process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    if told:
        raise KeyboardInterrupt
    if code:
        raise TrainingError(f"{run}: train.py ended with {code}, see {log.name}")


def measured(run, data, reference, held_out):
    """What results.json keeps of a run that has ended: the distances of each of its averages, and its errors on `held_out` pictures where there are some."""
    state = checkpoint.load(run)
    rest = lambda: unattended.sleep_while_asked(run, [])
    found = {which: numbers(coarse.sampled(state, which, rest), data, reference, rest) for which in ("ema", *state["profiles"])}
    if held_out is not None:
        for which, row in found.items():
            errors = denoising.errors(checkpoint.network(state, which), state["args"]["prediction"], held_out, rest)
            row.update({f"v {t}": round(error, 5) for t, error in errors.items()})
    return dict(distances=found, images=state["images"], minutes=round(state["seconds"] / 60, 1))


def numbers(x, data, reference, rest=lambda: None):
    found = {str(side): round(distance, 4) for side, distance in coarse.distances(x, data).items()}
    if reference:
        rest()
        found["fid"] = round(reference.distance(model.pixels(x)), 2)
    return found


def table(results, seeds):
    """Markdown: a row per technique and average; in each cell the mean over the seeds, then each seed's."""
    # The data itself has no errors of a network.
    columns = max((list(row) for result in results.values() for row in result["distances"].values()), key=len)
    heads = [{"1": "mean colour", "8": "8x8", "fid": "FID"}.get(name) or name.replace("v ", "error at t = ") for name in columns]
    lines = [f"| run | weights | {' | '.join(heads)} | images | minutes |", "|---" * (len(heads) + 4) + "|"]
    for name in [*ROWS, "data"]:
        # What is measured of the data itself has no seed.
        found = [results[key] for key in ([f"{name}_{seed}" for seed in seeds] if name in ROWS else [name]) if key in results]
        for which in found[0]["distances"] if found else ():
            rows = [result["distances"][which] for result in found if which in result["distances"]]
            cells = [cell([row[column] for row in rows if column in row]) for column in columns]
            seen = ", ".join(f"{result['images']:,}" for result in found[:1])
            lines.append(f"| {name} | {which} | {' | '.join(cells)} | {seen} | {cell([result['minutes'] for result in found])} |")
    return "\n".join(lines) + "\n"


def cell(values):
    if not values:
        return ""
    shown = [f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}" for value in (np.mean(values), *values)]
    return shown[0] if len(values) == 1 else f"{shown[0]} ({', '.join(shown[1:])})"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=Path("work/cifar10.npz"))
    parser.add_argument("--reference", type=Path, metavar="FEATURES", help="what fid.py features wrote; with it the FID is measured, too")
    parser.add_argument("--held-out", type=Path, metavar="SET", help="pictures that are not in --data: the errors of denoising.py are measured, too")
    parser.add_argument("--start", type=Path, metavar="MODEL", help="a model folder of export.py whose weights and shape every run begins with")
    parser.add_argument("--images", type=int, default=64000, help="of each run")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--only", help="which runs, by name (default all; with --start all without a shape of their own)")
    parser.add_argument("--table", action="store_true", help="train nothing")
    args = parser.parse_args(argv)
    try:
        seeds = [int(seed) for seed in args.seeds.split(",")]
    except ValueError:
        parser.error(f"--seeds: expected whole numbers, as 0,1, got {args.seeds}")
    shaped = [name for name, (options, _) in ROWS.items() if args.start and any(word in options for word in SHAPES)]
    names = args.only.split(",") if args.only else [name for name in ROWS if name not in shaped]
    if unknown := [name for name in names if name not in ROWS]:
        parser.error(f"--only: expected some of {', '.join(ROWS)}, got {unknown[0]}")
    if wrong := [name for name in names if name in shaped]:
        parser.error(f"--only {wrong[0]}: has a shape of its own, and --start {args.start} says another; leave it out")
    path = args.folder / "results.json"
    results = read_json(path) if path.exists() else {}

    def keep(key, result):
        results[key] = result
        write_json(path, results)
        text = table(results, seeds)
        write_text(args.folder / "table.md", text)
        return text

    if not args.table:
        unattended.stand_back()
        data = coarse.drawn(args.data)
        reference = fid.Reference.read(args.reference) if args.reference else None
        held_out = denoising.pictures(args.held_out) if args.held_out else None
        settings = dict(images=args.images, reference=reference and reference.of)
        if args.held_out:
            settings["held_out"] = args.held_out.name
        if args.start:
            settings["start"] = weights_of(args.start)
        # What a perfect model would have: as many other pictures of the set.
        if results.get("data", {}).get("settings") != settings:
            itself = numbers(coarse.drawn(args.data, coarse.SAMPLES, 1), data, reference)
            keep("data", dict(distances={"–": itself}, images=0, minutes=0, settings=settings))
        # All of a seed before the next, so that the first table is whole early.
        for seed in seeds:
            for name in names:
                key = f"{name}_{seed}"
                if results.get(key, {}).get("settings") == settings:
                    continue
                run, words = command(args, name, seed)
                unattended.sleep_while_asked(run, [])
                train(run, words)
                print(keep(key, dict(measured(run, data, reference, held_out), settings=settings)), flush=True)
    if not results:
        raise TrainingError(f"{path}: nothing measured yet")
    print(table(results, seeds), end="")


if __name__ == "__main__":
    run_as_program(main)
