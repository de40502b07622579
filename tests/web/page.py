"""Drives the page in a real browser, as a user would: python3 page.py SITE ETUDE [NAME]

SITE is the folder that `scripts/web.sh build` made, ETUDE the program for this machine, whose pictures the page's are compared with. With a
NAME only the tests whose names contain it. The exit code is 0, 1 for a failure, 3 where there is no browser.

The page offers `etudeState()` for this: what the viewer knows (src/app/page.rs). All that is done is done by mouse, keyboard, address and
files.
"""

import base64
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
FASHION = HERE.parent.parent / "assets/models/fashion"
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "web")]
from devtools import Browser, Failed, found  # noqa: E402
import serve  # noqa: E402
import http.server  # noqa: E402

# An adapter is sometimes not offered, and comes with the next start of the browser.
ATTEMPTS = 4
# Nearly all of it is to compile the shaders for the processor: ten seconds where nothing else runs.
PATIENCE = 300


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


def state(browser):
    return browser.evaluate("globalThis.etudeState ? etudeState() : null")


def wait_state(browser, what, holds, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        known = state(browser)
        if known and holds(known):
            return known
        if time.monotonic() > end:
            text = json.dumps({k: v for k, v in (known or {}).items() if k not in ("picture", "controls")})
            raise Failed(f"{what}: not after {seconds} s; the viewer knows {text}; console: {browser.console[-4:]}")
        time.sleep(0.05)


def finished(known):
    return known["picture"] and known["run"]["finished"]


def expect(holds, what):
    if not holds:
        raise Failed(what)


def clean(browser):
    wrong = [line for line in browser.console if not line.startswith("warning")]
    expect(not wrong, f"the console has {wrong}")


def screen(browser):
    return browser.evaluate("new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))") or browser.screenshot()


def differs_from(picture, expected):
    """The largest difference of any channel of any pixel."""
    expect(len(picture["pixels"]) == len(expected), f"{len(picture['pixels'])} values, expected {len(expected)}")
    return max(abs(a - b) for a, b in zip(picture["pixels"], expected))


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


class Tests:
    """Each method that begins with `test` is one."""

    def __init__(self, site, etude):
        self.site = site
        self.expected = {
            "eta 0.5": sampled(etude, "--steps", "4", "--eta", "0.5", "--noise-seed", "3"),
            "40 steps": sampled(etude, "--steps", "40"),
        }

    def test_webgpu(self, browser):
        """The page draws, a link restores its controls, the picture is the desktop's, back and forward, wrong links."""
        start = time.monotonic()
        browser.go(self.site + link(eta=0.5, noise_seed=3))
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        painted = browser.wait("the page is painted", paint, PATIENCE) / 1e3
        known = wait_state(browser, "the first picture", finished)
        print(f"  painted after {painted:.2f} s, the first picture after {time.monotonic() - start:.1f} s", flush=True)
        if known["device"]["kind"] == "Cpu":
            return "no adapter"
        controls = known["controls"]
        expect((controls["eta"], controls["noise_seed"], controls["steps"], controls["model"]) == (0.5, 3, 4, "fashion"), f"{controls}")
        difference = differs_from(known["picture"], self.expected["eta 0.5"])
        expect(difference <= 1, f"a channel of a pixel is {difference} levels from the desktop's")
        print(f"  WebGPU: at most {difference} level from the desktop's processor", flush=True)
        before = screen(browser)
        # The slider of η lies under its number.
        browser.drag((16, 139), (200, 139))
        known = wait_state(browser, "another picture", lambda now: finished(now) and now["controls"]["eta"] > 0.6)
        expect(screen(browser) != before, "a drag of η changed no pixel")
        # Undone by the address, and done again.
        address = browser.wait("the address follows", "history.length > 2 && location.hash")
        browser.evaluate("history.back()")
        wait_state(browser, "back", lambda now: now["controls"]["eta"] == 0.5)
        browser.evaluate("history.forward()")
        wait_state(browser, "forward", lambda now: now["controls"]["eta"] > 0.6)
        expect(browser.evaluate("location.hash") == address, "the address is not what it was")
        # A wrong link: one sentence, and nothing changes.
        browser.evaluate("location.hash = '#r=nonsense'")
        known = wait_state(browser, "a sentence", lambda now: any("link" in text for text in now["said"]))
        expect(known["controls"]["eta"] > 0.6, "a wrong link changed the controls")
        clean(browser)

    def test_lost(self, browser):
        """A device that is destroyed in the middle of a run: the run goes on, and comes to the same picture."""
        browser.go(self.site + link(steps=40))
        known = wait_state(browser, "some steps", lambda now: now["run"] and now["run"]["progress"][0] >= 2)
        if known["device"]["kind"] == "Cpu":
            return "no adapter"
        destroyed = sum(browser.each(worker, "globalThis.GPUDevice?.prototype", "device => device.destroy()") for worker in browser.workers)
        expect(destroyed > 0, "no worker has a device")
        wait_state(browser, "the device is opened again", lambda now: any("opened again" in text for text in now["said"]))
        known = wait_state(browser, "the run goes on to its end", finished)
        expect(differs_from(known["picture"], self.expected["40 steps"]) <= 1, "the picture is another")
        return None

    def test_processor(self, browser):
        """Without WebGPU the processor computes, and the page says why; checkpoints and wrong files that are dropped."""
        browser.go(self.site + link(eta=0.5, noise_seed=3))
        known = wait_state(browser, "the first picture", finished)
        expect(known["device"]["kind"] == "Cpu" and "WebGPU" in known["reason"], f"{known['device']} {known['reason']}")
        difference = differs_from(known["picture"], self.expected["eta 0.5"])
        expect(difference <= 1, f"a channel of a pixel is {difference} levels from the desktop's")
        print(f"  wasm: at most {difference} level from the desktop's processor", flush=True)
        self.drop(browser, {"notes.txt": b"no picture at all"})
        known = wait_state(browser, "a wrong file is refused", lambda now: any("notes.txt" in text for text in now["said"]))
        expect(sum("notes.txt" in text for text in known["said"]) == 1, f"{known['said']}")
        names = ["config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors"]
        self.drop(browser, {name: (FASHION / name).read_bytes() for name in names})
        known = wait_state(browser, "the checkpoint runs", lambda now: (now["model"] or "").startswith("given/") and finished(now))
        self.restarts(browser)
        clean(browser)

    def restarts(self, browser):
        """The memory stays as it is over many restarts."""
        bytes_of = "(globalThis.etudeMemory?.() ?? 0)"
        seen = []
        for round in range(3):
            for _ in range(20):
                before = state(browser)["run"]["id"]
                browser.key("r", "KeyR", modifiers=2)
                wait_state(browser, "a restart", lambda now: now["run"]["id"] > before and finished(now))
            seen.append((browser.evaluate(bytes_of), browser.evaluate(bytes_of, browser.workers[-1]), state(browser)["textures"]))
        expect(seen[1] == seen[2], f"memory of page and worker and textures after 20, 40 and 60 restarts: {seen}")
        print(f"  60 restarts: {seen[2][0] / 2**20:.0f} MiB of the page, {seen[2][1] / 2**20:.0f} MiB of the worker, as after 40", flush=True)

    def drop(self, browser, files):
        """Drops files on the canvas."""
        entries = [[name, base64.b64encode(content).decode()] for name, content in files.items()]
        browser.evaluate(
            """(async entries => {
                const data = new DataTransfer();
                for (const [name, text] of entries) {
                    const bytes = await (await fetch("data:;base64," + text)).arrayBuffer();
                    data.items.add(new File([bytes], name));
                }
                const canvas = document.getElementById("etude");
                for (const kind of ["dragover", "drop"])
                    canvas.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
            })(%s)"""
            % json.dumps(entries)
        )


def main():
    if not found():
        print("expected a browser (chromium, google-chrome, or the one that ETUDE_BROWSER names), found none")
        return 3
    site, etude, only = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    handler = functools.partial(serve.Page, directory=site)
    failures = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tests = Tests(f"http://localhost:{server.server_port}/", etude)
        for name in [name for name in dir(tests) if name.startswith("test") and only in name]:
            print(name, flush=True)
            start = time.monotonic()
            for attempt in range(ATTEMPTS):
                with Browser(webgpu=name != "test_processor") as browser:
                    try:
                        result = getattr(tests, name)(browser)
                    except Failed as failure:
                        print(f"  failed: {failure}", flush=True)
                        browser.screenshot(os.path.join(tempfile.gettempdir(), f"etude-{name}.png"))
                        failures += 1
                        break
                if result != "no adapter":
                    print(f"  ok, {time.monotonic() - start:.0f} s", flush=True)
                    break
                print(f"  the browser offers no WebGPU adapter, attempt {attempt + 1} of {ATTEMPTS}", flush=True)
            else:
                failures += 1
        server.shutdown()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
