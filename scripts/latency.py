#!/usr/bin/env python3
"""Milliseconds from a key press to the first changed pixel of a real window, while a long run is going.

Starts Xvfb with its picture in a file, the viewer in it (drawn by lavapipe, computing on the CPU), and presses F1 and F4 by turns: the tab
that lights up is watched. Needs Debian's xvfb and xdotool, and a release build:

    python3 scripts/latency.py [PRESSES]
"""
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time

WIDTH, HEIGHT = 1280, 800
# The lower edge of the tab "Trajectory": its colour says whether it is chosen.
TAB = (100, 29)
presses = int(sys.argv[1]) if len(sys.argv) > 1 else 100
root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
etude = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(root, "target")), "release", "etude")

with tempfile.TemporaryDirectory() as home:
    read, write = os.pipe()
    screen = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", home]
    xvfb = subprocess.Popen(screen, pass_fds=[write], stderr=subprocess.DEVNULL)
    display = ":" + os.read(read, 16).decode().strip()
    env = {**os.environ, "DISPLAY": display, "HOME": home, "XDG_DATA_HOME": home, "XDG_RUNTIME_DIR": home}
    env.pop("WAYLAND_DISPLAY", None)
    app = subprocess.Popen([etude, "view", "--device", "cpu", "--theme", "dark"], env=env, cwd=home, stderr=subprocess.DEVNULL)
    # One xdotool that reads commands: starting one a press would take as long as what is measured.
    hand = subprocess.Popen(["xdotool", "-"], env=env, stdin=subprocess.PIPE, text=True)

    def press(*keys):
        hand.stdin.write("".join(f"key {key}\n" for key in keys))
        hand.stdin.flush()

    try:
        time.sleep(6)
        subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "etude", "windowfocus"], env=env, check=True)
        with open(os.path.join(home, "Xvfb_screen0"), "rb") as file:
            frame = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        header = int.from_bytes(frame[0:4], "big") + int.from_bytes(frame[76:80], "big") * 12
        place = header + (TAB[1] * WIDTH + TAB[0]) * 4
        # N throws new seeds: a run is always going when the next key comes.
        times = []
        for number in range(presses):
            press("n")
            time.sleep(0.15)
            before = frame[place : place + 3]
            start = time.perf_counter()
            press("F4" if number % 2 == 0 else "F1")
            while frame[place : place + 3] == before and time.perf_counter() - start < 2:
                time.sleep(0.0005)
            times.append((time.perf_counter() - start) * 1e3)
            time.sleep(0.2)
        times.sort()
        slow = sum(t >= 50 for t in times)
        print(f"{presses} presses: median {statistics.median(times):.1f} ms, 95 % {times[int(0.95 * len(times))]:.1f} ms, "
              f"worst {times[-1]:.1f} ms, {slow} of 50 ms or longer")
    finally:
        for process in (hand, app, xvfb):
            process.kill()
            process.wait()
