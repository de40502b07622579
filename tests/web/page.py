"""Drives the page in a real browser, as a user would: python3 page.py SITE ETUDE [NAME]

SITE is the folder that `scripts/web.sh build` made, ETUDE the program for this machine, whose pictures the page's are compared with. With a
NAME only the tests whose names contain it. The exit code is 0, 1 for a failure, 3 where there is no browser.
"""

import functools
import http.server
import os
import pathlib
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "web")]
import serve  # noqa: E402
from computing import Computing  # noqa: E402
from devtools import Browser, Failed, found  # noqa: E402
from using import Using  # noqa: E402

# An adapter is sometimes not offered, and comes with the next start of the browser.
ATTEMPTS = 4
# These tests are about WebGPU; the others compute on the processor, which takes no time to compile shaders.
WEBGPU = ["test_webgpu", "test_lost"]
# A phone's screen.
MORE = {"test_phone": ["--force-device-scale-factor=2"]}


class Counted(serve.Page):
    """The site, under a path as a static host might have it, and what was asked for."""

    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        if not self.path.startswith("/some/path/"):
            self.send_error(404)
            return
        self.path = self.path.removeprefix("/some/path")
        super().do_GET()


class Tests(Computing, Using):
    """Each method that begins with `test` is one."""

    def __init__(self, site, etude):
        self.site, self.etude = site, etude

    def asked_for(self, part):
        """How often a file was asked for whose path contains this."""
        return sum(part in path for path in Counted.asked)


def main():
    if not found():
        print("expected a browser (chromium, google-chrome, or the one that ETUDE_BROWSER names), found none")
        return 3
    site, etude, only = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""
    failures = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Counted, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tests = Tests(f"http://localhost:{server.server_port}/some/path/", etude)
        for name in [name for name in dir(tests) if name.startswith("test") and only in name]:
            print(name, flush=True)
            failures += not passes(name, getattr(tests, name))
        server.shutdown()
    return 1 if failures else 0


def passes(name, test):
    """Whether a test passes; it is begun again where the browser offers no adapter."""
    start = time.monotonic()
    for attempt in range(ATTEMPTS):
        with Browser(webgpu=name in WEBGPU, extra=MORE.get(name, [])) as browser:
            try:
                result = test(browser)
            except Failed as failure:
                print(f"  failed: {failure}", flush=True)
                browser.screenshot(os.path.join(tempfile.gettempdir(), f"etude-{name}.png"))
                return False
        if result != "no adapter":
            print(f"  ok, {time.monotonic() - start:.0f} s", flush=True)
            return True
        print(f"  the browser offers no WebGPU adapter, attempt {attempt + 1} of {ATTEMPTS}", flush=True)
    return False


if __name__ == "__main__":
    sys.exit(main())
