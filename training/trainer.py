"""A network in training, step by step."""

import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file

import averages
import card
import checkpoint
import diffusion
import mosaics
import optimizers
import options
import schedules
import widening
from files import TrainingError, read_json
from unet import UNet, UNetShape


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
        halvings = len(args.mult) - 1 + (args.half_size > 0)
        if images.shape[1] % 2**halvings:
            how = f"--mult {args.mult}{' and --half-size' if args.half_size else ''}"
            raise TrainingError(f"{how}: halves the pictures {halvings} times, expected a side that {2**halvings} divides, got {images.shape[1]}")
        try:
            self.net, self.ema = (UNet(shape).to(self.device, memory_format=torch.channels_last) for _ in range(2))
        except ValueError as e:
            raise TrainingError(f"--base {args.base} --mult {args.mult}: no such network ({e}); channels come in multiples of {shape.groups}") from e
        self.ema.load_state_dict(self.net.state_dict())
        self.ema.eval().requires_grad_(False)
        self.profiles = {averages.name(sigma): averages.copied(self.net) for sigma in args.ema_profiles}
        self.optimizer = optimizers.build(args.optimizer, self.net, args.lr)
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
        # Not dynamic: a run has few batches and sides, and each is fastest compiled for itself.
        self.forward = torch.compile(self.net, dynamic=False) if args.compile else self.net
        self.losses = torch.zeros((), device=self.device)
        self.counted = 0

    def resume(self, shape):
        state = checkpoint.load(self.args.run, self.device)
        for name, expected, got in [
            ("network", shape, state["shape"]),
            # Whole: the same pictures drawn otherwise are another set.
            ("data", self.facts, state["data"]),
            ("--prediction", self.args.prediction, state["args"]["prediction"]),
            ("--optimizer", self.args.optimizer, state["args"].get("optimizer", options.default("optimizer"))),
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
        # A profile that joins begins with the weights of this step, as if they had been so before.
        self.profiles = {name: state.get("profiles", {}).get(name) or averages.copied(self.net) for name in self.profiles}
        for name in options.CHANGEABLE:
            # A run from before there was this option ran with its default.
            before, now = state["args"].get(name, options.default(name)), getattr(self.args, name)
            if before != now:
                self.changes.append(f"{name} {options.said(before)} became {options.said(now)} at step {self.steps}")

    def start_from(self, folder):
        """Both networks begin with a model's averaged weights, widened where it is narrower; the average remembers no older ones."""
        facts = card.read(folder)
        if facts["training"]["prediction"] != self.args.prediction:
            raise TrainingError(f"{folder}: predicts {facts['training']['prediction']}, the command asks for {self.args.prediction}")
        try:
            weights = {k: v.float() for k, v in load_file(folder / "diffusion_pytorch_model.safetensors").items()}
            shape = UNetShape.from_config(read_json(folder / "config.json"))
            if shape.widths() != self.net.shape.widths():
                weights = widening.widened(weights, shape, self.net.shape)
            self.net.load_state_dict(weights)
        except (OSError, KeyError, RuntimeError, ValueError, SafetensorError) as e:
            raise TrainingError(f"{folder}: not a model of this network or a narrower one ({str(e).splitlines()[-1].strip()})") from e
        self.ema.load_state_dict(weights)
        self.start = dict(
            name=folder.name, widths=facts["network"]["widths"], images=card.images_in_all(facts), weights_sha256=facts["network"]["weights_sha256"]
        )

    def progress(self):
        return self.seen / self.args.images if self.args.images else self.seconds / 60 / self.args.minutes

    def batch(self):
        """(x_t, t, x0, epsilon), the same for the same seed and step whatever was drawn before."""
        torch.manual_seed(int(np.random.SeedSequence((self.args.seed, self.steps)).generate_state(1)[0]))
        done = self.progress()
        count = schedules.batch_size(self.args, done)
        chosen = torch.multinomial(self.draws, count, replacement=True)
        x0 = self.images[chosen].float().div_(127.5).sub_(1)
        if self.args.flip:
            mirrored = diffusion.column(torch.rand(count, device=self.device) < 0.5)
            x0 = torch.where(mirrored, x0.flip(3), x0)
        if schedules.halved(self.args, done):
            # The same levels of the network attend, at half their sides, so that no weight lies idle.
            x0 = F.avg_pool2d(x0, 2)
        x0 = x0.contiguous(memory_format=torch.channels_last)
        if self.args.log_normal:
            t = diffusion.log_normal_timesteps(count, *self.args.log_normal, self.alpha_bar)
        else:
            t = diffusion.stratified_timesteps(count, self.args.timestep_power, self.device)
        eps = torch.randn_like(x0)
        return diffusion.add_noise(x0, eps, self.alpha_bar[t]), t, x0, eps

    def step(self):
        began = time.perf_counter()
        for group in self.optimizer.param_groups:
            group["lr"] = schedules.learning_rate(self.args, self.steps, self.progress())
        x, t, x0, eps = self.batch()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.args.precision == "bf16"):
            output = self.forward(x, t)
        loss = diffusion.loss(output, x0, eps, self.alpha_bar[t], self.args.prediction, self.args.min_snr)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        seen = self.seen + len(x)
        weights = dict(self.net.named_parameters())
        averages.move(dict(self.ema.named_parameters()), weights, min(self.args.ema, (1 + self.steps) / (10 + self.steps)))
        for sigma in self.args.ema_profiles:
            averages.move(self.profiles[averages.name(sigma)], weights, averages.decay(sigma, self.seen, seen))
        # Gradients that are no numbers make the weights none, however fine the loss: then the sum is none, too, and no checkpoint takes them.
        self.losses += loss.detach() + 0 * norm
        self.counted += 1
        self.steps += 1
        self.seen = seen
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
            net=self.net.state_dict(), ema=self.ema.state_dict(), profiles=self.profiles, optimizer=self.optimizer.state_dict(), shape=self.net.shape,
            steps=self.steps, images=self.seen, seconds=self.seconds, log=self.log, hardware=self.hardware,
            start=self.start, changes=self.changes, args=args, data=self.facts, torch=str(torch.__version__),
        )  # fmt: skip
        checkpoint.save(self.args.run, state)
