"""The viewer on a page, as a test sees and moves it: `etudeState()` says what it knows and `etudeWidgets()` where its widgets are, by the names
that a screen reader would say (src/app/page.rs); all that is done is done by mouse, fingers, keyboard, address and files.
"""

import base64
import json
import os
import subprocess
import tempfile
import time
import zipfile
import zlib

from devtools import Failed

# Nearly all of it is to compile the shaders for the processor: ten seconds where nothing else runs.
PATIENCE = 300
ETA = "η, from deterministic to stochastic"
TABS = ["Trajectory", "Compare", "Interpolate", "Explain", "Rewind", "Fork", "Race"]


def link(**fields):
    """The part of an address that holds a recipe."""
    recipe = {
        "program": "etude 0.1.0", "model": "fashion", "weights_crc32": "61444fa0", "preset": "etude", "steps": 4, "eta": 0.0, "tau": None,
        "sigma_hat": False, "clip": None, "seed": 5, "noise_seed": 1, "noise": "path", "rng": "etude", "count": 1, "size": [32, 32],
        "viewer": {"tab": "Trajectory", "ahead": False},
    } | fields
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(json.dumps(recipe).encode()) + packer.flush()
    # As src/recipe/link.rs packs it.
    return "#r=" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def finished(known):
    return known["picture"] and known["run"]["finished"]


def ended(known):
    """The open panel's run is: of a grid there is no one picture."""
    return known["run"] and known["run"]["finished"]


def says(text):
    return lambda known: any(text in said for said in known["said"])


def expect(holds, what):
    if not holds:
        raise Failed(what)


def expect_alike(picture, expected):
    """At most one level between two pictures, in any channel of any pixel; returns the largest difference."""
    expect(len(picture["pixels"]) == len(expected), f"{len(picture['pixels'])} values, expected {len(expected)}")
    difference = max(abs(a - b) for a, b in zip(picture["pixels"], expected))
    expect(difference <= 1, f"a channel of a pixel is {difference} levels from the desktop's")
    return difference


def sampled(etude, *options):
    """The pixels of the first picture that the desktop's processor makes."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/x.npz"
        common = ["--device", "cpu", "--model", "fashion", "--seed", "5", "--count", "1", "--out", out]
        subprocess.run([etude, "sample", *common, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with zipfile.ZipFile(out) as archive:
            numbers = archive.read(archive.namelist()[0])
    # The header of an .npy: its length is at 8, in two bytes.
    pixels = numbers[10 + int.from_bytes(numbers[8:10], "little"):]
    return list(pixels) if len(pixels) == 3 * 32 * 32 else [value for value in pixels for _ in range(3)]


class Viewer:
    """The viewer on a browser's page."""

    def __init__(self, browser):
        self.browser = browser

    def state(self):
        return self.browser.evaluate("globalThis.etudeState ? etudeState() : null")

    def wait(self, what, holds, seconds=PATIENCE):
        """What the viewer knows, once that holds."""
        end = time.monotonic() + seconds
        while True:
            known = self.state()
            if known and holds(known):
                return known
            if time.monotonic() > end:
                text = json.dumps({k: v for k, v in (known or {}).items() if k not in ("picture", "controls")})
                raise Failed(f"{what}: not after {seconds} s; the viewer knows {text}; console: {self.browser.console[-4:]}")
            time.sleep(0.05)

    def clean(self):
        wrong = [line for line in self.browser.console if not line.startswith("warning")]
        expect(not wrong, f"the console has {wrong}")

    def screen(self):
        # What was asked for in the first of them is drawn in the second.
        self.browser.draw()
        self.browser.draw()
        return self.browser.screenshot()

    def widgets(self):
        """All widgets of a frame that is drawn from now on."""
        self.browser.evaluate("etudeWidgets()")
        return self.browser.wait("the widgets of a frame", "etudeWidgets()", 30)

    def find(self, name, role=None, part=False, seconds=30):
        """The widget of this name, or the first whose name contains it; of several the last, which lies over the others."""
        end = time.monotonic() + seconds
        while True:
            widgets = self.widgets()
            fit = [w for w in widgets if (name in w["name"] if part else w["name"] == name) and role in (None, w["role"])]
            if fit:
                return fit[-1]
            if time.monotonic() > end:
                raise Failed(f"no widget {name!r} after {seconds} s; there are {sorted({w['name'][:40] for w in widgets})}")
            time.sleep(0.1)

    def centre(self, name, role=None, part=False):
        x0, y0, x1, y1 = self.find(name, role, part)["rect"]
        return (x0 + x1) / 2, (y0 + y1) / 2

    def click(self, name, role=None, part=False):
        self.browser.click(*self.centre(name, role, part))

    def tap(self, name, role=None, part=False):
        self.browser.tap(*self.centre(name, role, part))

    def colours(self):
        """How many different colours the page shows in each ninth of it."""
        shot = base64.b64encode(self.screen()).decode()
        return self.browser.evaluate(
            """(async text => {
                const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + text)).blob());
                const { width, height } = picture;
                const context = new OffscreenCanvas(width, height).getContext("2d");
                context.drawImage(picture, 0, 0);
                const seen = [];
                const [w, h] = [Math.floor(width / 3), Math.floor(height / 3)];
                for (let place = 0; place < 9; place++) {
                    const data = context.getImageData((place % 3) * w, Math.floor(place / 3) * h, w, h).data;
                    seen.push(new Set(new Uint32Array(data.buffer)).size);
                }
                return seen;
            })"""
            + f'("{shot}")'
        )

    def give(self, files, by="drop"):
        """Drops files on the canvas, or pastes them."""
        entries = [[name, base64.b64encode(content).decode()] for name, content in files.items()]
        self.browser.evaluate(
            """(async (entries, by) => {
                const data = new DataTransfer();
                for (const [name, text] of entries) {
                    const bytes = await (await fetch("data:;base64," + text)).arrayBuffer();
                    data.items.add(new File([bytes], name));
                }
                if (by === "paste") {
                    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
                    return;
                }
                const canvas = document.getElementById("etude");
                for (const kind of ["dragover", "drop"])
                    canvas.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
            })(%s, "%s")"""
            % (json.dumps(entries), by)
        )
