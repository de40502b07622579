#!/usr/bin/env python3
"""Trains a DDPM U-Net with Eq. 5 of the DDIM paper, as `train.py --help` (options.py) says, and can be killed or paused at any moment."""

import signal
import sys
import time

import unattended
from files import DiskError, TrainingError, run_as_program
from options import parse
from trainer import Trainer

LOG_EVERY = 100  # steps


class Report:
    """Says how far a training is: a line every LOG_EVERY steps, and what status.py prints."""

    def __init__(self, trainer):
        self.trainer = trainer
        self.before, self.rate = (trainer.seen, trainer.seconds), None

    def line(self):
        trainer = self.trainer
        trainer.settle()
        self.rate = (trainer.seen - self.before[0]) / (trainer.seconds - self.before[1])
        self.before = (trainer.seen, trainer.seconds)
        images, loss = trainer.log[-1]
        print(f"step {trainer.steps} images {images} loss {loss:.5f} {self.rate:.0f} images/s {100 * trainer.progress():.1f} %", flush=True)
        self.tell("training")

    def tell(self, state):
        """`state`: training, paused, or how it ended."""
        trainer, args = self.trainer, self.trainer.args
        if args.images:
            left = max(0, args.images - trainer.seen) / self.rate if self.rate else None
        else:
            left = max(0, 60 * args.minutes - trainer.seconds)
        unattended.tell(
            args.run, state=state, step=trainer.steps, images=trainer.seen, budget_images=args.images, minutes=trainer.seconds / 60,
            budget_minutes=args.minutes, progress=trainer.progress(), loss=trainer.log[-1][1] if trainer.log else None, rate=self.rate,
            seconds_left=left,
        )  # fmt: skip


def save(trainer):
    """The checkpoint; a full disk is a warning."""
    try:
        trainer.save()
    except DiskError as e:
        print(f"warning: {e}; training goes on", file=sys.stderr, flush=True)


def pause(trainer, report, stopped):
    """Sleeps, the checkpoint written, until nothing asks for it any more or a signal came. Only steps count into the run's seconds."""
    save(trainer)
    report.tell("paused")
    print(f"paused at step {trainer.steps}, until {unattended.pause_asked(trainer.args.run)} is gone", flush=True)
    unattended.sleep_while_asked(trainer.args.run, stopped)
    if not stopped:
        print(f"goes on at step {trainer.steps}", flush=True)
        report.tell("training")


def train(trainer, report, stopped):
    """Until the budget is spent or a signal came; raises TrainingError where the loss is no number or the last checkpoint cannot be written."""
    saved = time.monotonic()
    while trainer.progress() < 1 and not stopped:
        if unattended.pause_asked(trainer.args.run):
            pause(trainer, report, stopped)
            continue
        trainer.step()
        if trainer.steps % LOG_EVERY == 0:
            report.line()
        if time.monotonic() - saved > trainer.args.checkpoint_seconds:
            save(trainer)
            saved = time.monotonic()
    trainer.save()


def main(argv=None):
    args = parse(argv)
    with unattended.alone(args.run):
        trainer = Trainer(args)
        count = sum(p.numel() for p in trainer.net.parameters())
        print(f"{trainer.hardware[-1]}, {count / 1e6:.2f} M parameters, {len(trainer.images)} pictures, from step {trainer.steps}", flush=True)
        stopped = []
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda number, _: stopped.append(number))
        report = Report(trainer)
        report.tell("training")
        try:
            train(trainer, report, stopped)
        except TrainingError as e:
            report.tell(f"failed: {e}")
            raise
        report.tell("stopped" if stopped else "done")
        print(f"{'stopped' if stopped else 'done'} at step {trainer.steps}, {trainer.seen} images, {trainer.seconds / 60:.1f} minutes", flush=True)
    return 128 + stopped[0] if stopped else 0


if __name__ == "__main__":
    run_as_program(main)
