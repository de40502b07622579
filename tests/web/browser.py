"""Opens a page of a folder in headless Chromium and waits for what it posts.

    python3 browser.py FOLDER PAGE SECONDS
    python3 browser.py --find

The page posts lines of its log to /log, and one result to /result: "ok ...", or anything else, which is a failure. WebGPU runs on
SwiftShader, so that no graphics card is needed; where it offers no adapter ("no adapter"), as sometimes happens, the browser is started
again. The second form only prints which browser it would be; ETUDE_BROWSER names one where it has none of the usual names. The exit
code is 0, 1 for a failure, 3 where there is no browser.
"""

import functools
import http.server
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = """--headless=new --no-sandbox --no-first-run --disable-background-networking --disable-component-update --disable-quic
    --disable-sync --disable-dev-shm-usage --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader --enable-features=Vulkan
    --use-angle=swiftshader --enable-unsafe-swiftshader --enable-logging=stderr""".split()
ATTEMPTS = 5
# A busy machine may start it so slowly that its own processes give each other up; then it loads nothing any more.
START = 60


class Page(http.server.SimpleHTTPRequestHandler):
    """Files of the folder, and what the page posts."""

    def __init__(self, *arguments, results, asked, **named):
        self.results, self.asked = results, asked
        super().__init__(*arguments, **named)

    def do_GET(self):
        # The last thing that a page asks for by itself.
        if self.path.endswith(".wasm"):
            self.asked.set()
        super().do_GET()

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.send_response(204)
        self.end_headers()
        if self.path == "/result":
            self.results.put(text)
        else:
            print(f"page: {text}", flush=True)

    def log_message(self, *_):
        pass


def attempt(browser, address, results, asked, seconds):
    """What the page posts, or why it posts nothing. A browser that has not loaded the page in a minute has not started well."""
    asked.clear()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, open(os.path.join(home, "log"), "w+") as log:
        command = [browser, *FLAGS, f"--user-data-dir={home}/profile", address]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            start = time.monotonic()
            while process.poll() is None and time.monotonic() < start + seconds:
                if not asked.is_set() and time.monotonic() > start + START:
                    return "no page"
                try:
                    return results.get(timeout=1)
                except queue.Empty:
                    pass
            log.seek(0)
            lines = log.read().splitlines()[-20:]
            what = "ended" if process.poll() is not None else f"posted nothing in {seconds} s"
            return "\n".join([f"the browser {what}; its last words:", *lines])
        finally:
            # The browser's own processes are of its group.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def main():
    found = [os.environ["ETUDE_BROWSER"]] if "ETUDE_BROWSER" in os.environ else [p for p in map(shutil.which, NAMES) if p]
    if not found:
        print(f"expected a browser ({', '.join(NAMES)}, or the one that ETUDE_BROWSER names), found none")
        return 3
    if sys.argv[1:] == ["--find"]:
        print(found[0])
        return 0
    folder, page, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    results, asked = queue.Queue(), threading.Event()
    handler = functools.partial(Page, directory=folder, results=results, asked=asked)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for number in range(ATTEMPTS):
            result = attempt(found[0], f"http://127.0.0.1:{server.server_port}/{page}", results, asked, seconds)
            if result not in ("no adapter", "no page"):
                break
            print(f"the browser has {result}, attempt {number + 1} of {ATTEMPTS}", flush=True)
        server.shutdown()
    print(result)
    return 0 if result.startswith("ok") else 1


if __name__ == "__main__":
    sys.exit(main())
