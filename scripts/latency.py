#!/usr/bin/env python3
"""Milliseconds from a key press to the first changed pixel of a real window, while a long run is going.

Starts Xvfb with its picture in a file, the viewer in it (drawn by lavapipe, computing on the CPU), and presses F1 and F4 by turns: the tab
that lights up is watched. Installs Debian's xvfb and xdotool where they are missing, and makes a release build unless --etude names one:

    python3 scripts/latency.py [PRESSES] [--etude PATH]
"""
import argparse
import statistics
import time

from screen import Window, need_packages, release_build

# The lower edge of the tab "Trajectory": its colour says whether it is chosen.
TAB = (100, 29)

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("presses", nargs="?", type=int, default=100, help="how many [default: 100]")
parser.add_argument("--etude", metavar="PATH", help="the program [default: a release build of what is checked out]")
options = parser.parse_args()
need_packages("libvulkan1", "mesa-vulkan-drivers", "xvfb", "xdotool")
with Window(release_build(options.etude)) as window:
    time.sleep(6)
    # N throws new seeds: a run is always going when the next key comes.
    times = []
    for number in range(options.presses):
        window.do("key n")
        time.sleep(0.15)
        before = window.row(*TAB, 1)
        start = time.perf_counter()
        window.do("key F4" if number % 2 == 0 else "key F1")
        while window.row(*TAB, 1) == before and time.perf_counter() - start < 2:
            time.sleep(0.0005)
        times.append((time.perf_counter() - start) * 1e3)
        time.sleep(0.2)
times.sort()
slow = sum(t >= 50 for t in times)
print(f"{options.presses} presses: median {statistics.median(times):.1f} ms, 95 % {times[int(0.95 * len(times))]:.1f} ms, "
      f"worst {times[-1]:.1f} ms, {slow} of 50 ms or longer")
