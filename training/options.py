"""Trains a DDPM U-Net with Eq. 5 of the DDIM paper (gamma = 1: DDPM's simple loss), and can be killed at any moment.

    train.py --data emoji32.npz --run RUN --minutes 90 --base 32

Each minute RUN/checkpoint.pt is written; the same command goes on from it, drawing what an uninterrupted run would have drawn.
The budget (--images or --minutes) counts over all runs together; a larger one prolongs the training. export.py makes the model.
"""

import argparse
import math
from pathlib import Path

# Options that may change when a run goes on; the card says so.
CHANGEABLE = ["batch", "lr", "warm_up", "ema", "flip", "seed", "precision", "timestep_power"]


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="a set of data.py, or a folder of mosaics")
    add("--run", type=Path, required=True, help="folder of the checkpoint; created, or gone on from")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--images", type=int, help="the whole training in images seen")
    budget.add_argument("--minutes", type=float, help="the whole training in minutes")
    add("--start", type=Path, help="a model folder of export.py whose weights a new run begins with")
    add("--base", type=int, default=64, help="channels of the first level (default 64)")
    add("--mult", type=whole_numbers, default=(1, 2, 2, 2), help="channels of each level in multiples of base")
    add("--layers", type=int, default=2, help="resnets a level")
    add("--attention", type=whole_numbers, default=(16,), help="sides at which attention is used, e.g. 16,8")
    add("--dropout", type=float, default=0.0)
    add("--prediction", choices=["epsilon", "v_prediction"], default="epsilon")
    add("--timestep-power", type=float, default=1.0, help="t = T u^POWER, u uniform: 1 as the paper, above 1 small t more often")
    add("--batch", type=int, default=256)
    add("--lr", type=float, default=4e-4)
    add("--warm-up", type=int, default=400, help="steps in which the learning rate grows")
    add("--ema", type=float, default=0.9998, help="decay of the moving average a step")
    add("--flip", action=argparse.BooleanOptionalAction, default=False, help="mirror half the pictures")
    add("--seed", type=int, default=0)
    add("--precision", choices=["bf16", "f32"], default="bf16")
    add("--compile", action=argparse.BooleanOptionalAction, default=True)
    add("--checkpoint-seconds", type=float, default=60)
    args = parser.parse_args(argv)
    for name in ("images", "minutes", "base", "layers", "batch", "lr", "warm_up", "timestep_power"):
        value = getattr(args, name)
        if value is not None and not 0 < value < math.inf:
            parser.error(f"--{name.replace('_', '-')}: expected a positive number, got {value}")
    if args.seed < 0:
        parser.error(f"--seed: expected a number from 0 on, got {args.seed}")
    if not args.mult or min(args.mult) < 1:
        parser.error(f"--mult: expected a positive whole number for each level, as 1,2,2, got {','.join(map(str, args.mult)) or 'none'}")
    for name in ("ema", "dropout"):
        if not 0 <= getattr(args, name) < 1:
            parser.error(f"--{name}: expected a number from 0 to below 1, got {getattr(args, name)}")
    return args


def whole_numbers(text):
    """"1,2,2" -> (1, 2, 2); nothing -> ()."""
    return tuple(int(word) for word in text.split(",") if word)
