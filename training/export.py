#!/usr/bin/env python3
"""Makes a model folder in diffusers' layout of a training run, with a contact sheet, a loss curve and a model card.

    export.py RUN FOLDER [--weights WHICH] [--note TEXT]

WHICH of the run's weights: ema, a profile that train.py kept (as 0.1), or net. FOLDER gets config.json, scheduler_config.json,
diffusion_pytorch_model.safetensors (f16), samples.png, loss.png and loss.csv, card.json (the facts) and README.md (the same to read).
What was measured of the same weights (fid_table.py, nearest.py) stays in the card.
"""

import argparse
import hashlib
import math
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import save_file

import card
import checkpoint
import diffusion
from files import appearing, run_as_program, write_json, write_text

SHEET_SEED, SHEET_SIDE, SHEET_STEPS = 0, 8, 50


def sheet(x, path):
    """[N, C, H, W] in [-1, 1], N a square -> a PNG of sqrt(N) rows."""
    side = math.isqrt(len(x))
    _, c, h, w = x.shape
    pixels = ((x.float().cpu().numpy() + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8)
    grid = pixels[: side * side].reshape(side, side, c, h, w).transpose(0, 3, 1, 4, 2).reshape(side * h, side * w, c)
    with appearing(path) as beside:
        Image.fromarray(grid[..., 0] if c == 1 else grid).save(beside, optimize=True)


def loss_curve(log, path):
    """[[images, mean loss since the last entry], …] -> a PNG, and the numbers beside it as .csv."""
    write_text(path.with_suffix(".csv"), "images,loss\n" + "".join(f"{images},{loss:.6f}\n" for images, loss in log))
    try:
        import matplotlib
    except ImportError:
        print(f"warning: {path} not drawn, matplotlib is missing", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    images, loss = np.array(log, float).reshape(-1, 2).T
    figure, axes = pyplot.subplots(figsize=(6, 3), dpi=100, layout="constrained")
    axes.plot(images / 1000, loss, color="#bbbbbb", linewidth=0.8)
    width = max(1, len(loss) // 40)
    smooth = np.convolve(loss, np.ones(width) / width, "valid")
    axes.plot(images[width - 1 :] / 1000, smooth, color="#1f4e79")
    axes.set(xlabel="thousand images seen", ylabel="training loss", yscale="log")
    axes.grid(alpha=0.3)
    with appearing(path) as beside:
        figure.savefig(beside)
    pyplot.close(figure)


def export(run, folder, note="", which="ema"):
    state = checkpoint.load(run)
    net = checkpoint.network(state, which)
    prediction = state["args"]["prediction"]
    write_json(folder / "config.json", state["shape"].config())
    write_json(folder / "scheduler_config.json", diffusion.scheduler_config(prediction))
    weights = folder / "diffusion_pytorch_model.safetensors"
    with appearing(weights) as beside:
        try:
            save_file({k: v.half().contiguous() for k, v in checkpoint.weights(state, which).items()}, beside, {"format": "pt"})
        except SafetensorError as e:  # a full disk, among others
            raise OSError(str(e)) from e
    shape = state["shape"]
    x = torch.randn((SHEET_SIDE**2, shape.channels, shape.size, shape.size), generator=torch.Generator().manual_seed(SHEET_SEED))
    sheet(diffusion.ddim(net, x, SHEET_STEPS, prediction), folder / "samples.png")
    loss_curve(state["log"], folder / "loss.png")
    facts = card.facts(state, which, hashlib.sha256(weights.read_bytes()).hexdigest(), SHEET_SIDE**2, note)
    if (folder / "card.json").exists():
        old = card.read(folder)
        if old["network"]["weights_sha256"] == facts["network"]["weights_sha256"]:
            facts |= {name: old[name] for name in ("fid", "nearest") if name in old}
    card.write(folder, facts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", default="ema", help="which of the run's (default ema)")
    parser.add_argument("--note", default="", help="a sentence for the card")
    args = parser.parse_args()
    export(args.run, args.folder, args.note, args.weights)
    print(f"{args.folder}: written")


if __name__ == "__main__":
    run_as_program(main)
