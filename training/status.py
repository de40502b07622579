#!/usr/bin/env python3
"""How far trainings are, in one line each.

    status.py RUN …

The numbers are those of the last line of train.py's log; whether it runs or sleeps is seen at the moment of asking.
"""

import argparse
import time
from pathlib import Path

import unattended
from files import TrainingError, read_json, run_as_program

CHECKPOINT = "checkpoint.pt"


def duration(seconds):
    """Two units at most: 5 d 3 h, 2 h 05 min, 12 min, 40 s."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def doing(run, facts):
    """What the training does right now, in words."""
    running, asked = unattended.running(run), unattended.pause_asked(run)
    state = facts["state"]
    if running is None:
        return f"last heard of {state}"
    if running and asked:
        return "paused" if state == "paused" else "running, about to pause"
    if running:
        return "running"
    ended = {"training": "not running (ended without a word)", "paused": "not running (ended while paused)"}.get(state, f"not running ({state})")
    return ended + (f"; {asked} is there" if asked else "")


def line(run, now):
    """The line of one run; `now` in seconds since 1970.

    Raises TrainingError where train.py wrote nothing.
    """
    run = Path(run)
    path = run / unattended.STATUS
    if not path.exists():
        raise TrainingError(f"{path}: not found; train.py writes it")
    facts = read_json(path)
    if facts["budget_images"]:
        budget = f"{facts['images']:,} of {facts['budget_images']:,} images"
    else:
        budget = f"{facts['images']:,} images in {facts['minutes']:.0f} of {facts['budget_minutes']:g} minutes"
    words = [f"step {facts['step']:,}", f"{budget} ({100 * facts['progress']:.1f} %)"]
    if facts["loss"] is not None:
        words.append(f"loss {facts['loss']:.5f}")
    if facts["rate"] is not None:
        words.append(f"{facts['rate']:.0f} images/s")
    if facts["seconds_left"] is not None and facts["progress"] < 1:
        words.append(f"{duration(facts['seconds_left'])} left")
    try:
        written = (run / CHECKPOINT).stat().st_mtime
        words.append(f"checkpoint of {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(written))} ({duration(max(0, now - written))} ago)")
    except FileNotFoundError:
        words.append("no checkpoint yet")
    return f"{run}: {', '.join([*words, doing(run, facts)])}"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="+")
    for run in parser.parse_args(argv).run:
        print(line(run, time.time()))


if __name__ == "__main__":
    run_as_program(main)
