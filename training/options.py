"""Trains a DDPM U-Net with Eq. 5 of the DDIM paper (gamma = 1: DDPM's simple loss), and can be killed or paused at any moment.

    train.py --data emoji32.npz --run RUN --minutes 90 --base 32

Each minute RUN/checkpoint.pt is written; the same command goes on from it, drawing what an uninterrupted run would have drawn.
The budget (--images or --minutes) counts over all runs together; a larger one prolongs the training. While RUN/pause is there, it sleeps.
export.py makes the model, status.py says how far it is.
"""

import argparse
import math
from pathlib import Path

from averages import MAX_SIGMA_REL

# Options that may change when a run goes on; the card says so.
CHANGEABLE = [
    "batch", "lr", "warm_up", "ema", "flip", "seed", "precision", "timestep_power",
    "log_normal", "min_snr", "ema_profiles", "decay", "decay_from", "double_batch", "half_size",
]  # fmt: skip


def build():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="a set of data.py, or a folder of mosaics")
    add("--run", type=Path, required=True, help="folder of the checkpoint; created, or gone on from")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--images", type=int, help="the whole training in images seen")
    budget.add_argument("--minutes", type=float, help="the whole training in minutes")
    add("--start", type=Path, help="a model folder of export.py whose weights a new run begins with")
    add("--base", type=int, default=64, help="channels of the first level (default 64)")
    add("--mult", type=numbers, default=(1, 2, 2, 2), help="channels of each level in multiples of base, 1 the first, e.g. 1,2,1.5")
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
    saving = parser.add_argument_group("techniques that may save training time, all off unless asked for")
    add = saving.add_argument
    add("--min-snr", type=float, default=0.0, metavar="GAMMA", help="weigh the loss by min-SNR (Hang et al. 2023, who take 5)")
    add("--log-normal", type=numbers, default=(), metavar="MEAN,DEVIATION", help="t by log-normal noise (Karras et al. 2022: --log-normal=-1.2,1.2)")
    add("--optimizer", choices=["adamw", "muon"], default="adamw")
    add("--ema-profiles", type=numbers, default=(), metavar="SIGMAS", help="averages of these relative widths beside --ema, e.g. 0.05,0.1")
    add("--decay", choices=["cosine", "inverse-sqrt"], default="cosine", help="how the learning rate falls")
    add("--decay-from", type=float, default=0.6, metavar="SHARE", help="share of the budget after which it falls (default 0.6)")
    add("--double-batch", type=numbers, default=(), metavar="SHARES", help="shares of the budget at which the batch doubles, e.g. 0.6,0.8")
    add("--half-size", type=float, default=0.0, metavar="SHARE", help="share of the budget in which pictures are averaged to half their side")
    return parser


def default(name):
    """What an option is where it was not said."""
    return build().get_default(name)


def said(value):
    """A value as one says it on the command line."""
    return ",".join(f"{part:g}" for part in value) or "none" if isinstance(value, tuple) else str(value)


def parse(argv=None):
    parser = build()
    args = parser.parse_args(argv)
    for name in ("images", "minutes", "base", "layers", "batch", "lr", "warm_up", "timestep_power"):
        value = getattr(args, name)
        if value is not None and not 0 < value < math.inf:
            parser.error(f"--{name.replace('_', '-')}: expected a positive number, got {value}")
    if args.seed < 0:
        parser.error(f"--seed: expected a number from 0 on, got {args.seed}")
    if args.mult[:1] != (1,) or not all(m > 0 and float(args.base * m).is_integer() for m in args.mult):
        parser.error(f"--mult: expected 1 and then a number for each level that gives whole channels of --base, as 1,2,1.5, got {said(args.mult)}")
    for name in ("ema", "dropout"):
        if not 0 <= getattr(args, name) < 1:
            parser.error(f"--{name}: expected a number from 0 to below 1, got {getattr(args, name)}")
    if not 0 <= args.min_snr < math.inf:
        parser.error(f"--min-snr: expected a number from 0 on, got {args.min_snr}")
    if args.log_normal and (len(args.log_normal) != 2 or not all(map(math.isfinite, args.log_normal)) or args.log_normal[1] <= 0):
        parser.error(f"--log-normal: expected a mean and a deviation above 0, as --log-normal=-1.2,1.2, got {said(args.log_normal)}")
    if args.log_normal and args.timestep_power != 1:
        parser.error("--log-normal: says how often each t comes, and so does --timestep-power; leave one out")
    if not all(0 < sigma <= MAX_SIGMA_REL for sigma in args.ema_profiles) or len(set(args.ema_profiles)) < len(args.ema_profiles):
        parser.error(f"--ema-profiles: expected different numbers above 0 up to {MAX_SIGMA_REL}, got {said(args.ema_profiles)}")
    if not 0 < args.decay_from < 1:
        parser.error(f"--decay-from: expected a number between 0 and 1, got {args.decay_from}")
    if not all(0 < share < 1 for share in args.double_batch):
        parser.error(f"--double-batch: expected numbers between 0 and 1, got {said(args.double_batch)}")
    if not 0 <= args.half_size < 1:
        parser.error(f"--half-size: expected a number from 0 to below 1, got {args.half_size}")
    return args


def whole_numbers(text):
    """"1,2,2" -> (1, 2, 2); nothing -> ()."""
    return tuple(int(word) for word in text.split(",") if word)


def numbers(text):
    """"0.05,0.1" -> (0.05, 0.1); nothing -> ()."""
    return tuple(float(word) for word in text.split(",") if word)
