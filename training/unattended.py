"""What a training does with nobody by it: it is the only one in its folder, sleeps while asked to, and says how far it is.

RUN/pause, or a file of that name in the folder above, which pauses all runs in there, makes it sleep; RUN/status.json is what status.py
prints; a lock on RUN, which ends with the process however it ends, says that it lives.
"""

import contextlib
import os
import time
from pathlib import Path

from files import DiskError, TrainingError, write_json

try:
    import fcntl
except ImportError:  # Windows: no locks, so nobody knows what is running
    fcntl = None

PAUSE, STATUS = "pause", "status.json"
POLL_SECONDS = 0.5


def pause_files(run):
    """Where a pause can be asked for."""
    run = Path(run).absolute()
    return [run / PAUSE, run.parent / PAUSE]


def pause_asked(run):
    """The file that asks for a pause, if one does."""
    return next((path for path in pause_files(run) if path.is_file()), None)


def sleep_while_asked(run, stopped):
    """Returns once no file asks for a pause, or `stopped` is no longer empty."""
    while pause_asked(run) and not stopped:
        time.sleep(POLL_SECONDS)


def stand_back():
    """Gives this process and its children the lowest priority, and its session, if it leads one (setsid), the lowest among sessions.

    Linux weighs sessions against each other first (autogroup): without that, nice counts only among the programs of one session.
    """
    os.nice(19)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # no such file on other systems
            Path("/proc/self/autogroup").write_text("19", encoding="ascii")


@contextlib.contextmanager
def alone(run):
    """Makes the folder and holds its lock.

    Raises TrainingError where another process holds it.
    """
    try:
        Path(run).mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise DiskError(f"{run}: not a folder that can be made ({e.strerror})") from e
    lock = locked(run)
    if lock is False:
        raise TrainingError(f"{run}: another training is at work there; wait for it, or choose another --run")
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def locked(run):
    """A descriptor that holds the lock on a folder until it is closed; False where another holds it, None where there are no locks."""
    if fcntl is None:
        return None
    descriptor = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except BlockingIOError:
        os.close(descriptor)
        return False
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None


def running(run):
    """Whether a training is at work in the folder; None where there are no locks to tell."""
    lock = locked(run)
    if lock:
        os.close(lock)
    return None if lock is None else lock is False


def tell(run, **facts):
    """Writes the facts that status.py prints; a full disk is not their business, but the checkpoint's."""
    with contextlib.suppress(DiskError):
        write_json(Path(run) / STATUS, dict(facts, at=time.time()))
