"""The viewer in a real window on a display of its own (Xvfb), with a hand on mouse and keyboard and an eye on its pixels.

Used by latency.py and live.py. The window is drawn by lavapipe, the network computes on the CPU. The display keeps its picture in a file
that is mapped into memory here, so that a look at a pixel costs microseconds and nothing of what is measured.
"""
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

WIDTH, HEIGHT = 1280, 800
# Whoever ends the script ends its display and its viewer as well.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def say(text):
    print(text, file=sys.stderr, flush=True)


def need_packages(*packages):
    """Installs what a bare Debian or Ubuntu machine lacks, as the other scripts do."""
    common = os.path.join(ROOT, "scripts", "common.sh")
    if subprocess.run(["bash", "-c", '. "$0"; need_packages "$@"', common, *packages]).returncode:
        sys.exit(2)


def release_build(path=None):
    """The program: the one at `path`, else a release build of what is checked out."""
    if path:
        if not os.access(path, os.X_OK):
            say(f"--etude: expected a program, got: {path}")
            sys.exit(2)
        return os.path.abspath(path)
    manifest = os.path.join(ROOT, "Cargo.toml")
    if subprocess.run(["cargo", "build", "--release", "--quiet", "--manifest-path", manifest]).returncode:
        sys.exit(1)
    return os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "etude")


class Window:
    """A display with the viewer in it, settings as on the first start. A context manager: both end with it."""

    def __init__(self, etude, *arguments, **environment):
        self.home = tempfile.mkdtemp()
        self.processes = []
        try:
            self._open(etude, arguments, environment)
        except BaseException:
            self.close()
            raise

    def _open(self, etude, arguments, environment):
        read, write = os.pipe()
        # Without -noreset it refuses the viewer now and then, as it starts anew whenever its last client, a search for the window, goes.
        screen = ["Xvfb", "-noreset", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", self.home]
        self._start(screen, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with open(read) as line:
            display = ":" + line.readline().strip()
        # Where there is a real GPU as well, lavapipe still draws.
        ours = {"DISPLAY": display, "HOME": self.home, "XDG_DATA_HOME": self.home, "XDG_RUNTIME_DIR": self.home}
        self.env = {**os.environ, **ours, "VK_LOADER_DRIVERS_SELECT": "*lvp*", **environment}
        for name in ("WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_CONFIG_HOME"):
            self.env.pop(name, None)
        log = open(os.path.join(self.home, "log"), "w+")
        command = [etude, "view", "--device", "cpu", "--theme", "dark", *arguments]
        app = self._start(command, env=self.env, cwd=self.home, stderr=log)
        search = ["xdotool", "search", "--onlyvisible", "--class", "etude"]
        while subprocess.run(search, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            if app.poll() is not None:
                log.seek(0)
                say(log.read().strip())
                sys.exit(1)
            time.sleep(0.2)
        subprocess.run([*search, "windowfocus"], env=self.env, check=True)
        # One xdotool that reads commands: to start one per move or press would take as long as what is measured.
        self.hand = self._start(["xdotool", "-"], env=self.env, stdin=subprocess.PIPE, text=True)
        # What a newcomer is told lies over the pictures: it is put away.
        time.sleep(1.0)
        self.do("key Escape")
        with open(os.path.join(self.home, "Xvfb_screen0"), "rb") as file:
            self.frame = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        # The header of an XWD file, and its colour map of 12 bytes per entry. A pixel is blue, green, red and a byte unused.
        word = lambda index: int.from_bytes(self.frame[4 * index : 4 * index + 4], "big")
        self.start, self.stride = word(0) + 12 * word(19), word(12)

    def _start(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def do(self, *commands):
        """Commands of xdotool, as "key F1" or "mousemove 10 20"."""
        self.hand.stdin.write("".join(command + "\n" for command in commands))
        self.hand.stdin.flush()

    def row(self, x, y, width):
        """The bytes of `width` pixels from (x, y)."""
        at = self.start + y * self.stride + 4 * x
        return self.frame[at : at + 4 * width]

    def close(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
