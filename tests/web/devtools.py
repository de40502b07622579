"""A headless Chromium, driven through its DevTools protocol by a pipe: no other package is needed.

WebGPU runs on SwiftShader, so that no graphics card is needed. ETUDE_BROWSER names a browser where it has none of the usual names.
"""

import base64
import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = """--headless=new --no-sandbox --no-first-run --disable-background-networking --disable-component-update --disable-quic
    --disable-sync --disable-dev-shm-usage --use-angle=swiftshader --enable-unsafe-swiftshader --hide-scrollbars""".split()
WEBGPU = "--enable-unsafe-webgpu --use-webgpu-adapter=swiftshader --enable-features=Vulkan".split()
NO_WEBGPU = ["--disable-features=WebGPU", "--disable-blink-features=WebGPU"]


def found():
    """The browser's path, or None."""
    names = [os.environ["ETUDE_BROWSER"]] if "ETUDE_BROWSER" in os.environ else NAMES
    return next((path for path in map(shutil.which, names) if path), None)


class Failed(Exception):
    """What the browser or the page says went wrong."""


class Browser:
    """A browser with one page."""

    def __init__(self, webgpu=True, size=(1280, 800), extra=()):
        self.home = tempfile.mkdtemp(prefix="etude-web-")
        # Chromium reads commands from descriptor 3 and writes answers to 4.
        read, self.write_end = os.pipe()
        self.read_end, write = os.pipe()
        flags = [*FLAGS, *(WEBGPU if webgpu else NO_WEBGPU), *extra, f"--window-size={size[0]},{size[1]}"]
        command = [found(), *flags, f"--user-data-dir={self.home}/profile", "--remote-debugging-pipe", "about:blank"]

        def descriptors():
            # First out of each other's way.
            high_read, high_write = os.dup(read), os.dup(write)
            high_read = os.dup2(high_read, 100)
            high_write = os.dup2(high_write, 101)
            os.dup2(100, 3)
            os.dup2(101, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        self.log = open(os.path.join(self.home, "log"), "w+")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, start_new_session=True, close_fds=False, preexec_fn=descriptors
        )
        os.close(read)
        os.close(write)
        self.number = 0
        self.answers = {}
        self.arrived = threading.Condition()
        self.console = []
        self.workers = []
        self.chooser = None
        self.ended = False
        threading.Thread(target=self.listen, daemon=True).start()
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.page(f"{domain}.enable")
        # As a window that the user is in.
        self.page("Emulation.setFocusEmulationEnabled", enabled=True)
        self.page("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)
        self.resize(*size)

    def listen(self):
        rest = b""
        while True:
            try:
                piece = os.read(self.read_end, 1 << 20)
            except OSError:
                piece = b""
            if not piece:
                with self.arrived:
                    self.ended = True
                    self.arrived.notify_all()
                return
            rest += piece
            *messages, rest = rest.split(b"\0")
            for message in messages:
                self.take(json.loads(message))

    def take(self, message):
        with self.arrived:
            if "id" in message:
                self.answers[message["id"]] = message
                self.arrived.notify_all()
                return
            method, parameters = message.get("method"), message.get("params", {})
            if method == "Target.attachedToTarget" and parameters["targetInfo"]["type"] == "worker":
                worker = parameters["sessionId"]
                self.workers.append(worker)
                self.post("Runtime.enable", worker, {})
                self.post("Runtime.runIfWaitingForDebugger", worker, {})
            elif method == "Page.fileChooserOpened":
                self.chooser = parameters["backendNodeId"]
            elif method == "Fetch.requestPaused":
                self.answer(parameters["requestId"], parameters["request"]["url"])
            elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                text = " ".join(str(value.get("value", value.get("description", ""))) for value in parameters["args"])
                self.console.append(f"{parameters['type']}: {text}")
            elif method == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.console.append(f"exception: {details.get('exception', {}).get('description', details.get('text'))}")
            elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
                self.console.append(f"log: {parameters['entry']['text']} {parameters['entry'].get('url', '')}")

    def each(self, session, prototype, action):
        """Does something to all objects of a kind that a worker has; how many there are."""
        kind = self.send("Runtime.evaluate", session, expression=prototype)["result"]
        if "objectId" not in kind:
            return 0
        objects = self.send("Runtime.queryObjects", session, prototypeObjectId=kind["objectId"])["objects"]["objectId"]
        body = f"function () {{ this.forEach({action}); return this.length; }}"
        done = self.send("Runtime.callFunctionOn", session, functionDeclaration=body, objectId=objects, returnByValue=True)
        return done["result"]["value"]

    def post(self, method, session, parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        return self.number

    def send(self, method, session=None, timeout=60, **parameters):
        with self.arrived:
            number = self.post(method, session, parameters)
            end = time.monotonic() + timeout
            while number not in self.answers:
                if self.ended or not self.arrived.wait(max(0.0, end - time.monotonic())):
                    raise Failed(f"{method}: {'the browser ended' if self.ended else f'no answer in {timeout} s'}\n{self.last_words()}")
            answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error'].get('message')}")
        return answer.get("result", {})

    def last_words(self):
        self.log.flush()
        with open(self.log.name) as log:
            return "\n".join(log.read().splitlines()[-10:])

    def page(self, method, **parameters):
        return self.send(method, self.session, **parameters)

    def evaluate(self, expression, session=None, timeout=60):
        """The value of a JavaScript expression, which may be a promise."""
        result = self.send(
            "Runtime.evaluate", session or self.session, timeout, expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failed(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def wait(self, what, expression, seconds=300, session=None):
        """Waits until an expression is true, and returns it."""
        end = time.monotonic() + seconds
        while True:
            value = self.evaluate(expression, session)
            if value:
                return value
            if time.monotonic() > end:
                raise Failed(f"{what}: still {value!r} after {seconds} s; console: {self.console[-5:]}")
            time.sleep(0.05)

    def go(self, address):
        self.page("Page.navigate", url=address)

    def resize(self, width, height, scale=1, mobile=False):
        """Sets the page's size; a scale of 0 is that of the screen (`--force-device-scale-factor`), the only one in which pages measure in
        the screen's own pixels."""
        self.page("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def screenshot(self, path=None):
        data = base64.b64decode(self.page("Page.captureScreenshot", format="png")["data"])
        if path:
            with open(path, "wb") as file:
                file.write(data)
        return data

    def mouse(self, kind, x, y, button="left", buttons=1):
        self.page("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=buttons, clickCount=1)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y, "none", 0)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y, buttons=0)

    def drag(self, start, end, steps=10, pause=0.05):
        self.mouse("mouseMoved", *start, "none", 0)
        self.mouse("mousePressed", *start)
        for step in range(1, steps + 1):
            share = step / steps
            self.mouse("mouseMoved", *(a + (b - a) * share for a, b in zip(start, end)))
            time.sleep(pause)
        self.mouse("mouseReleased", *end, buttons=0)

    def draw(self):
        """Waits until the page has drawn once more, all that it does for a frame included."""
        self.evaluate("new Promise(then => requestAnimationFrame(() => setTimeout(then)))")

    def touch_screen(self):
        """From now on the page is told of fingers."""
        self.page("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)

    def touch(self, kind, *points):
        self.page("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)])

    def lift(self):
        self.touch("touchEnd")

    def tap(self, x, y):
        self.touch("touchStart", (x, y))
        # A finger stays longer than a frame lasts, also where the processor draws it, and shorter than 0.8 s, which is no tap any more.
        self.draw()
        self.lift()
        self.draw()

    def hold(self, x, y, seconds):
        """Puts a finger down and leaves it there."""
        self.touch("touchStart", (x, y))
        time.sleep(seconds)

    def swipe(self, start, end, steps=10, pause=0.05):
        self.touch("touchStart", start)
        for step in range(1, steps + 1):
            self.touch("touchMove", tuple(a + (b - a) * step / steps for a, b in zip(start, end)))
            time.sleep(pause)
        self.lift()

    def pinch(self, middle, before, after, steps=10):
        """Moves two fingers from `before` to `after` pixels on either side of the middle."""
        (x, y), apart = middle, before
        self.touch("touchStart", (x - apart, y), (x + apart, y))
        for step in range(1, steps + 1):
            apart = before + (after - before) * step / steps
            self.touch("touchMove", (x - apart, y), (x + apart, y))
            time.sleep(0.05)
        self.lift()

    def type(self, text):
        for letter in text:
            self.key(letter, text=letter)

    def save_in(self, folder):
        """Downloads go to a folder."""
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)

    @contextlib.contextmanager
    def choosing(self, files):
        """The next dialog for files is answered with these."""
        self.chooser = None
        self.page("Page.setInterceptFileChooserDialog", enabled=True)
        yield
        end = time.monotonic() + 30
        while self.chooser is None:
            if time.monotonic() > end:
                raise Failed("no dialog for files was opened in 30 s")
            time.sleep(0.05)
        self.page("DOM.setFileInputFiles", files=[str(file) for file in files], backendNodeId=self.chooser)
        self.page("Page.setInterceptFileChooserDialog", enabled=False)

    def answer_for(self, host, answers):
        """In a host's place answers what its paths are to answer, and 404 to the others."""
        self.answers_of_host = (host, answers)
        self.page("Fetch.enable", patterns=[{"urlPattern": f"{host}/*"}])

    def answer(self, request, address):
        host, answers = self.answers_of_host
        content = answers.get(address.removeprefix(host))
        headers = [{"name": "access-control-allow-origin", "value": "*"}, {"name": "content-length", "value": str(len(content or b""))}]
        body = base64.b64encode(content or b"").decode()
        code = 404 if content is None else 200
        self.post("Fetch.fulfillRequest", self.session, {"requestId": request, "responseCode": code, "responseHeaders": headers, "body": body})

    def key(self, key, code=None, modifiers=0, text=None):
        for kind in ["keyDown", "keyUp"]:
            more = {"text": text} if text and kind == "keyDown" else {}
            # A key that changes a text is known by its number alone.
            more |= {"windowsVirtualKeyCode": 8} if key == "Backspace" else {}
            self.page("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, modifiers=modifiers, **more)

    def close(self):
        # The browser's own processes are of its group.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()
        for end in [self.write_end, self.read_end]:
            try:
                os.close(end)
            except OSError:
                pass
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
