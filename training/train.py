#!/usr/bin/env python3
"""Trains a DDPM U-Net with Eq. 5 of the DDIM paper (gamma = 1: DDPM's simple loss), and can be killed at any moment.

    train.py --data emoji32.npz --run RUN --minutes 90 --base 32

Each minute RUN/checkpoint.pt is written; the same command goes on from it, drawing what an uninterrupted run would have drawn.
The budget (--images or --minutes) counts over all runs together; a larger one prolongs the training. export.py makes the model.
"""

import argparse
import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

import card
import checkpoint
import diffusion
import mosaics
from files import DiskError, TrainingError, run_as_program
from unet import UNet, UNetShape

DECAY_FROM = 0.6  # share of the budget after which the learning rate falls, as a cosine
LAST_LR = 0.02  # share of the learning rate left at the end
LOG_EVERY = 100  # steps
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


def hardware(device):
    if device == "cuda":
        return torch.cuda.get_device_name()
    name = "a CPU"
    if os.path.exists("/proc/cpuinfo"):  # Linux
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            name = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), name)
    return f"{torch.get_num_threads()} threads of {name}"


class Trainer:
    """A network in training: `step()` until `progress()` reaches 1."""

    def __init__(self, args):
        self.args = args
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
        images, draws, self.facts = mosaics.load(args.data)
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(self.device)
        self.draws = torch.from_numpy(draws).to(self.device)
        torch.manual_seed(args.seed)
        shape = UNetShape(
            channels=images.shape[3],
            size=images.shape[1],
            base=args.base,
            mult=args.mult,
            layers=args.layers,
            attention=args.attention,
            dropout=args.dropout,
        )
        if images.shape[1] % (halved := 2 ** (len(args.mult) - 1)):
            raise TrainingError(f"--mult {args.mult}: halves the pictures {len(args.mult) - 1} times, expected a side that {halved} divides, got {images.shape[1]}")
        try:
            self.net, self.ema = (UNet(shape).to(self.device, memory_format=torch.channels_last) for _ in range(2))
        except ValueError as e:
            raise TrainingError(f"--base {args.base} --mult {args.mult}: no such network ({e}); channels come in multiples of {shape.groups}") from e
        self.ema.load_state_dict(self.net.state_dict())
        self.ema.eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), args.lr, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
        self.alpha_bar = diffusion.alpha_bars(self.device)
        self.steps, self.seen, self.seconds, self.log, self.hardware = 0, 0, 0.0, [], []
        # What the card has to say beyond the last command: the model it began with, and options changed on the way.
        self.start, self.changes = None, []
        if checkpoint.path_in(args.run).exists():
            self.resume(shape)
        elif args.start:
            self.start_from(args.start)
        if (name := hardware(self.device)) not in self.hardware:
            self.hardware.append(name)
        self.forward = torch.compile(self.net) if args.compile else self.net
        self.losses = torch.zeros((), device=self.device)
        self.counted = 0

    def resume(self, shape):
        state = checkpoint.load(self.args.run, self.device)
        for name, expected, got in [
            ("network", shape, state["shape"]),
            # Whole: the same pictures drawn otherwise are another set.
            ("data", self.facts, state["data"]),
            ("--prediction", self.args.prediction, state["args"]["prediction"]),
        ]:
            if expected != got:
                if name == "data":
                    expected, got = (f"{facts['name']} ({facts.get('source', 'made by hand')}; SHA-256 {facts['sha256'][:12]}…)" for facts in (expected, got))
                raise TrainingError(f"{self.args.run}: the checkpoint's {name} is {got}, the command asks for {expected}; choose another --run")
        self.net.load_state_dict(state["net"])
        self.ema.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps, self.seen, self.seconds = state["steps"], state["images"], state["seconds"]
        self.log, self.hardware = state["log"], state["hardware"]
        self.start, self.changes = state.get("start"), state.get("changes", [])
        for name in CHANGEABLE:
            if (before := state["args"][name]) != (now := getattr(self.args, name)):
                self.changes.append(f"{name} {before} became {now} at step {self.steps}")

    def start_from(self, folder):
        """Both networks begin with a model's averaged weights; the average remembers no older ones."""
        facts = card.read(folder)
        if facts["training"]["prediction"] != self.args.prediction:
            raise TrainingError(f"{folder}: predicts {facts['training']['prediction']}, the command asks for {self.args.prediction}")
        try:
            weights = {k: v.float() for k, v in load_file(folder / "diffusion_pytorch_model.safetensors").items()}
            self.net.load_state_dict(weights)
        except (OSError, RuntimeError, SafetensorError) as e:
            raise TrainingError(f"{folder}: not a model of this network ({str(e).splitlines()[-1].strip()})") from e
        self.ema.load_state_dict(weights)
        self.start = dict(name=folder.name, images=facts["training"]["images"], weights_sha256=facts["network"]["weights_sha256"])

    def progress(self):
        return self.seen / self.args.images if self.args.images else self.seconds / 60 / self.args.minutes

    def learning_rate(self):
        done = self.progress()
        falling = 1 if done < DECAY_FROM else 0.5 * (1 + math.cos(math.pi * min(1, (done - DECAY_FROM) / (1 - DECAY_FROM))))
        return self.args.lr * min(1, (self.steps + 1) / self.args.warm_up) * max(LAST_LR, falling)

    def batch(self):
        """(x_t, t, x0, epsilon), the same for the same seed and step whatever was drawn before."""
        torch.manual_seed(int(np.random.SeedSequence((self.args.seed, self.steps)).generate_state(1)[0]))
        count = self.args.batch
        chosen = torch.multinomial(self.draws, count, replacement=True)
        x0 = self.images[chosen].float().div_(127.5).sub_(1)
        if self.args.flip:
            mirrored = diffusion.column(torch.rand(count, device=self.device) < 0.5)
            x0 = torch.where(mirrored, x0.flip(3), x0)
        x0 = x0.contiguous(memory_format=torch.channels_last)
        t = diffusion.stratified_timesteps(count, self.args.timestep_power, self.device)
        eps = torch.randn_like(x0)
        return diffusion.add_noise(x0, eps, self.alpha_bar[t]), t, x0, eps

    def step(self):
        began = time.perf_counter()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        x, t, x0, eps = self.batch()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.args.precision == "bf16"):
            output = self.forward(x, t)
        loss = diffusion.loss(output, x0, eps, self.alpha_bar[t], self.args.prediction)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        decay = min(self.args.ema, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.parameters()), list(self.net.parameters()), 1 - decay)
        # Gradients that are no numbers make the weights none, however fine the loss: then the sum is none, too, and no checkpoint takes them.
        self.losses += loss.detach() + 0 * norm
        self.counted += 1
        self.steps += 1
        self.seen += self.args.batch
        self.seconds += time.perf_counter() - began

    def settle(self):
        """Moves the mean loss since the last call into the log.

        Raises TrainingError where it is no number; the checkpoint on the disk is then still from before.
        """
        if not self.counted:
            return
        mean = self.losses.item() / self.counted
        if not math.isfinite(mean):
            raise TrainingError(
                f"the loss is {mean} within {self.counted} steps of step {self.steps}; {checkpoint.path_in(self.args.run)} is from before it: "
                "lower --lr and run again"
            )
        self.log.append([self.seen, mean])
        self.losses.zero_()
        self.counted = 0

    def save(self):
        """Writes the checkpoint.

        Raises DiskError for a full disk, TrainingError for a loss that is no number; an older checkpoint is then still there.
        """
        self.settle()
        args = {k: str(v) if isinstance(v, Path) else v for k, v in vars(self.args).items()}  # the reader knows plain values only
        state = dict(
            net=self.net.state_dict(), ema=self.ema.state_dict(), optimizer=self.optimizer.state_dict(), shape=self.net.shape,
            steps=self.steps, images=self.seen, seconds=self.seconds, log=self.log, hardware=self.hardware,
            start=self.start, changes=self.changes, args=args, data=self.facts, torch=str(torch.__version__),
        )  # fmt: skip
        checkpoint.save(self.args.run, state)


def main(argv=None):
    args = parse(argv)
    trainer = Trainer(args)
    count = sum(p.numel() for p in trainer.net.parameters())
    print(f"{trainer.hardware[-1]}, {count / 1e6:.2f} M parameters, {len(trainer.images)} pictures, from step {trainer.steps}", flush=True)
    stopped = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, _: stopped.append(number))
    saved, before = time.monotonic(), (trainer.seen, trainer.seconds)
    while trainer.progress() < 1 and not stopped:
        trainer.step()
        if trainer.steps % LOG_EVERY == 0:
            trainer.settle()
            rate = (trainer.seen - before[0]) / (trainer.seconds - before[1])
            before = (trainer.seen, trainer.seconds)
            images, loss = trainer.log[-1]
            print(f"step {trainer.steps} images {images} loss {loss:.5f} {rate:.0f} images/s {100 * trainer.progress():.1f} %", flush=True)
        if time.monotonic() - saved > args.checkpoint_seconds:
            try:
                trainer.save()
            except DiskError as e:
                print(f"warning: {e}; training goes on", file=sys.stderr, flush=True)
            saved = time.monotonic()
    trainer.save()
    print(f"{'stopped' if stopped else 'done'} at step {trainer.steps}, {trainer.seen} images, {trainer.seconds / 60:.1f} minutes", flush=True)
    return 128 + stopped[0] if stopped else 0


if __name__ == "__main__":
    run_as_program(main)
