#!/usr/bin/env python3
"""How well the picture follows the hand: pictures per second and delay while η or S is dragged in a real window.

Opens the viewer in a window of 1280x800 under Xvfb (drawn by lavapipe, computing on the CPU), waits until it is at rest, drags a slider with
sixty mouse moves per second, and looks at the pixels of the large picture two hundred times per second. Installs Debian's xvfb, xdotool and
imagemagick where they are missing, and makes a release build unless --etude names one. Nothing else should run meanwhile:

    python3 scripts/live.py [--quick] [--shots FOLDER] [--etude PATH]

Three drags for each model and batch: η from 0 to 1; then, after a rest of ten seconds, back to 0 over what was computed meanwhile; and S from
5 to 50 at η = 0.5, in a window of its own. Before the first drag the window is at rest for eleven seconds, too, in which pictures near η = 0
are computed ahead. The columns:

pictures per second  distinct contents of the two large pictures while the button was down, noise left out; the goal, and how many times it
                     was reached
first change         from the first mouse move to the first changed pixel in it
behind the slider    the control's value minus that of the picture shown: median and worst over the frames drawn (η, or steps of S)
drafts               share of the frames drawn that showed a draft; the others showed a picture with all its steps, that of the control's
                     value or one near it that was ready
noise                pictures that were noise, while the button was down and until the picture was at rest again
at rest after        seconds from letting go to the last change of the picture

"behind the slider" and "drafts" need the viewer's own word: with the environment variable ETUDE_LOG=shown=trace it writes one line per frame
drawn to standard error, `TIME TRACE shown: ETA SHOWN_ETA S SHOWN_S draft|full`. They are missing where it writes none.
"""
import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

from screen import HEIGHT, WIDTH, Window, need_packages, release_build, say

MOVES_PER_SECOND, LOOKS_PER_SECOND = 60, 200
# Seconds: of rest between letting go and dragging over what is ready; without a change until a new window counts as at rest (news stays ten).
REST, STILL = 10.0, 11.0
# The first move goes so far at once, out of the reach of the snap to η = 0 and as far as S = 6.
FIRST_MOVE = 1 / 16
# Seconds for which a picture stands still at least; the window draws a frame in 28 ms.
STANDS = 0.008
# A tooltip of the controls is 500 points wide at most and ends left of this x.
TOOLTIPS_END = 540
# The dark theme's panel, as a pixel's blue, green and red.
BACKGROUND = bytes((30, 25, 23))
# Goals: pictures per second by drag, and milliseconds to the first change.
GOALS, FIRST_GOAL = {"η": 8, "S": 3, "η, ready": 15}, 200
SHOTS = 12


def filled(window, x, y):
    return window.row(x, y, 1)[:3] != BACKGROUND


def runs(flags, at_least):
    """(first, length) of every run of true flags that is long enough."""
    found, start = [], None
    for i, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = i
        if not flag and start is not None:
            found += [(start, i - start)] if i - start >= at_least else []
            start = None
    return found


def large_picture(window):
    """(x, y, side) of the left large picture: the first wide square right of the controls. None where there is none yet."""
    columns = [any(filled(window, x, y) for y in range(150, 340, 10)) for x in range(301, WIDTH)]
    wide = runs(columns, 200)
    if not wide:
        return None
    x, side = 301 + wide[0][0], wide[0][1]
    rows = [any(filled(window, x + side * i // 8, y) for i in range(1, 8)) for y in range(70, 700)]
    tall = [run for run in runs(rows, 200) if abs(run[1] - side) <= 4]
    return (x, 70 + tall[0][0], side) if tall else None


def sliders(window):
    """The heights of the two long rails among the controls: η's and S's."""
    rows = [sum(filled(window, x, y) for x in range(12, 279)) >= 258 for y in range(80, 400)]
    bands = [(80 + y, height) for y, height in runs(rows, 4) if height <= 16]
    if len(bands) < 2:
        say("the sliders are not where they are looked for")
        sys.exit(1)
    return [y + height // 2 for y, height in bands[:2]]


def eta_x(eta):
    """Where η's handle is: the rail from 8 to 283 less half a handle at each end."""
    return 17 + 257 * eta


def steps_x(steps):
    """Where S's handle is: as η's, logarithmic from 1 to 1000."""
    return 15 + 261 * math.log(steps) / math.log(1000)


class Eye:
    """Looks at both large pictures, but for their upper and lower fifth, where marks may be written, and what tooltips of the sliders reach."""

    def __init__(self, window, place):
        x, y, side = place
        self.window, self.place, self.cell = window, place, side / 32
        left = max(x + side // 5, TOOLTIPS_END)
        # (x, width) of what is looked at in each row: the left picture's free part, and the right one, a gap of twelve pixels further.
        self.parts = [(left, x + side * 19 // 20 - left), (x + side + 12 + side // 5, side * 3 // 5)]
        self.rows = range(y + side // 5, y + side * 4 // 5, 4)

    def look(self):
        return b"".join(self.window.row(x, y, width) for y in self.rows for x, width in self.parts)

    def is_noise(self, picture):
        """Whether neighbours in the left one, of 32x32, differ as those of x_T do: by 100 and more on average. A picture's do by 10 to 30."""
        width, stride = self.parts[0][1], sum(width for _, width in self.parts)
        at = [int(i * self.cell) for i in range(int(width / self.cell))]
        green = [picture[4 * stride * row + 1 : 4 * stride * (row + 1) : 4] for row in range(len(self.rows))]
        return statistics.fmean(abs(row[a] - row[b]) for row in green for a, b in zip(at, at[1:])) > 60


def shot(window):
    return window.frame[window.start : window.start + HEIGHT * window.stride]


def contact_sheet(shots, path):
    """Screenshots in the order they were made, three in a row, as a PNG."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, raw in enumerate(shots):
            pixels = bytearray(3 * WIDTH * HEIGHT)
            pixels[0::3], pixels[1::3], pixels[2::3] = raw[2::4], raw[1::4], raw[0::4]
            files.append(os.path.join(folder, f"{number:02}.ppm"))
            with open(files[-1], "wb") as file:
                file.write(f"P6 {WIDTH} {HEIGHT} 255\n".encode() + pixels)
        subprocess.run(["montage", *files, "-tile", "3x", "-geometry", "640x400+4+4", path], check=True)
    say(path)


def wait_for_rest(window):
    """Waits until a picture has stood still for longer than the news of the opened picture, which moves it, stays. Returns an eye on it."""
    start, since, last = time.monotonic(), time.monotonic(), None
    while time.monotonic() - start < 180:
        time.sleep(0.1)
        place = large_picture(window)
        eye = Eye(window, place) if place else None
        # The bar of the run below counts as well: the rest of a batch comes after its large picture.
        picture = eye.look() + window.row(8, HEIGHT - 15, 220) if eye else b""
        # An empty place has a few colours only.
        if not eye or len({picture[i : i + 3] for i in range(0, len(picture), 4)}) < 20 or (place, picture) != last:
            since, last = time.monotonic(), (place, picture)
        elif time.monotonic() - since > STILL:
            return eye
    say(f"no picture stood still for {STILL} seconds within three minutes")
    sys.exit(1)


class Watch:
    """What an eye saw: the first change, and every content that stood still. One that did not may be half of a picture and half of the next."""

    def __init__(self, eye):
        self.eye, self.before = eye, eye.look()
        self.last = self.shown = self.before
        self.since = 0.0
        self.first, self.looks, self.pictures, self.last_change = None, 0, set(), 0.0

    def look(self, now):
        picture = self.eye.look()
        self.looks += 1
        if self.first is None and picture != self.before:
            self.first = now
        if picture != self.last:
            self.last, self.since = picture, now
        elif picture != self.shown and now - self.since >= STANDS:
            self.shown, self.last_change = picture, self.since
            self.pictures.add(picture)


def drag(window, eye, positions, y, seconds, rest, trace):
    """Drags through the x of `positions` (a function of 0 to 1) and measures."""
    at = lambda part: round(positions(part))
    window.do(f"mousemove {at(0)} {y}", "mousedown 1")
    time.sleep(0.3)
    watch, shots, traced = Watch(eye), [], os.path.getsize(trace) if os.path.exists(trace) else 0
    start, moves = time.perf_counter(), 0
    while (now := time.perf_counter() - start) < seconds:
        if now * MOVES_PER_SECOND >= moves:
            window.do(f"mousemove {at(max(FIRST_MOVE, now / seconds))} {y}")
            moves += 1
        watch.look(now)
        if now >= (len(shots) + 0.5) * seconds / SHOTS:
            shots.append(shot(window))
        time.sleep(max(0.0, watch.looks / LOOKS_PER_SECOND - (time.perf_counter() - start)))
    frames = trace_lines(trace, traced)
    window.do(f"mousemove {at(1)} {y}")
    # Until it is at rest again: five seconds without a change, at most a minute; and the rest of ten seconds that the next drag needs.
    after, start, away = Watch(eye), time.perf_counter(), False
    window.do("mouseup 1")
    while (now := time.perf_counter() - start) < min(60, max(rest, after.last_change + 5)):
        after.look(now)
        # Later than the frame that sees the button go up: a slider follows the hand until then.
        if now > 0.5 and not away:
            window.do(f"mousemove {WIDTH - 6} {HEIGHT - 4}")
            away = True
        time.sleep(1 / LOOKS_PER_SECOND)
    noise = {picture for picture in watch.pictures | after.pictures if eye.is_noise(picture)}
    return {
        "pictures_per_second": len(watch.pictures - noise - {watch.before}) / seconds,
        "first_change_ms": None if watch.first is None else 1e3 * watch.first,
        "noise_pictures": len(noise),
        "rest_after_s": after.last_change,
        "looks_per_second": watch.looks / seconds,
        "moves_per_second": moves / seconds,
    }, frames, shots


def trace_lines(path, offset):
    """The viewer's own lines after `offset` bytes: (η, η shown, S, S shown, whether a draft)."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        file.seek(offset)
        words = [line.split() for line in file if line.endswith("\n")]
    return [(*map(float, w[3:7]), w[7] == "draft") for w in words if len(w) >= 8 and w[2] == "shown:"]


def behind(frames, column):
    """Median and worst distance of what is shown from the control, and the share of drafts."""
    if not frames:
        return {"behind_median": None, "behind_worst": None, "drafts": None}
    gaps = [abs(frame[column] - frame[column + 1]) for frame in frames]
    drafts = statistics.fmean(frame[4] for frame in frames)
    return {"behind_median": statistics.median(gaps), "behind_worst": max(gaps), "drafts": drafts}


def case(etude, model, batch, what, seconds, quick, folder):
    """Opens a window and makes one or two drags in it: a list of rows."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        # A picture whose recipe sets the controls.
        recipe = os.path.join(temporary, "recipe.png")
        steps, eta = ("5", "0.5") if what == "S" else ("50", "0")
        command = [etude, "sample", "--device", "cpu", "--model", model, "-n", str(batch), "-S", steps, "--eta", eta, "--seed", "5"]
        subprocess.run([*command, "--out", recipe], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with Window(etude, recipe, ETUDE_LOG="shown=trace") as window:
            trace = os.path.join(window.home, "log")
            window.do(f"mousemove {WIDTH - 6} {HEIGHT - 4}")
            eye = wait_for_rest(window)
            eta_y, steps_y = sliders(window)
            x, y, side = eye.place
            say(f"{model}, batch {batch}, {what}: picture of {side} pixels at {x}, {y}; sliders at {eta_y}, {steps_y}")

            def measure(name, positions, y, column, rest=0.0):
                figures, frames, shots = drag(window, eye, positions, y, seconds, rest, trace)
                rows.append({"model": model, "batch": batch, "drag": name, **figures, **behind(frames, column)})
                # As it comes: whoever stops halfway has what was measured until then.
                say(row_text(rows[-1]))
                if folder:
                    contact_sheet(shots, os.path.join(folder, f"{model}-{batch}-{name.replace('η', 'eta').replace(', ', '-')}.png"))

            if what == "S":
                measure("S", lambda part: steps_x(5) + part * (steps_x(50) - steps_x(5)), steps_y, 2)
            else:
                measure("η", eta_x, eta_y, 0, REST)
                if not quick:
                    measure("η, ready", lambda part: eta_x(1 - part), eta_y, 0)
    return rows


HEAD = """\
| model | batch | drag | pictures per second | first change, ms | behind the slider, median and worst | drafts | noise | at rest after, s |
|---|---|---|---|---|---|---|---|---|"""


def row_text(row):
    """A row of the table under HEAD."""
    number = lambda value, form, none="missing": none if value is None else form.format(value)
    goal = lambda text, sign, bound, met, times="": f"{text} ({sign} {bound}: {'yes' if met else '**no**'}{times})"
    rate, first, form = row["pictures_per_second"], row["first_change_ms"], "{:.0f}" if row["drag"] == "S" else "{:.2f}"
    bound = GOALS[row["drag"]]
    gap = f"{number(row['behind_median'], form)}, {number(row['behind_worst'], form)}" if row["behind_median"] is not None else "missing"
    return (
        f"| {row['model']} | {row['batch']} | {row['drag']} "
        f"| {goal(f'{rate:.1f}', '≥', bound, rate >= bound, f', {rate / bound:.2f} ×')} "
        f"| {goal(number(first, '{:.0f}', 'none'), '≤', FIRST_GOAL, first is not None and first <= FIRST_GOAL)} "
        f"| {gap} | {number(row['drafts'], '{:.0%}')} | {row['noise_pictures']} | {row['rest_after_s']:.1f} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one case: emoji, batch 8, η")
    parser.add_argument("--models", default="emoji,fashion", help="with a comma between them [default: emoji,fashion]")
    parser.add_argument("--batches", default="8,1", help="with a comma between them [default: 8,1]")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a drag takes [default: 5]")
    parser.add_argument("--shots", metavar="FOLDER", help="write a sheet of twelve screenshots of each drag here")
    parser.add_argument("--json", action="store_true", help="JSON in the place of the table")
    parser.add_argument("--etude", metavar="PATH", help="the program [default: a release build of what is checked out]")
    options = parser.parse_args()
    need_packages("libvulkan1", "mesa-vulkan-drivers", "xvfb", "xdotool", "imagemagick")
    etude = release_build(options.etude)
    if options.shots:
        os.makedirs(options.shots, exist_ok=True)
    models = ["emoji"] if options.quick else options.models.split(",")
    batches = [8] if options.quick else [int(batch) for batch in options.batches.split(",")]
    rows = []
    for model in models:
        for batch in batches:
            for what in ["η"] if options.quick else ["η", "S"]:
                rows += case(etude, model, batch, what, options.seconds, options.quick, options.shots)
    slow = [row for row in rows if row["looks_per_second"] < 100 or row["moves_per_second"] < 0.9 * MOVES_PER_SECOND]
    if slow:
        say(f"{len(slow)} drags with fewer than 100 looks or 54 moves per second: the machine was busy")
    if options.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        print(f"`{shlex.join(['python3', 'scripts/live.py', *sys.argv[1:]])}`\n")
        print("\n".join([HEAD, *map(row_text, rows)]))


main()
