"""Files that appear by rename, errors of one line, and memory that stays with the program."""

import contextlib
import ctypes
import json
import os
import sys
import zipfile
import zlib
from pathlib import Path


class TrainingError(Exception):
    """Something a user can mend; printed as one line, exit code 2."""


class DiskError(TrainingError):
    """A file that could not be written; what stood there before still does."""


@contextlib.contextmanager
def appearing(path):
    """A temporary path beside `path`; it takes the name when the block ends well, and is removed when it does not.

    Raises DiskError where the disk is full or the folder cannot be written; what stood at `path` before is then still there.
    """
    path = Path(path)
    # The ending stays, since some writers choose the format by it.
    beside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        with open(beside, "rb") as f:
            os.fsync(f.fileno())
        os.replace(beside, path)
    except OSError as e:
        raise DiskError(f"{path}: not written ({e.strerror or e}); free some space or choose another folder") from e
    finally:
        beside.unlink(missing_ok=True)


def write_text(path, text):
    with appearing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path, value):
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path):
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as e:
        raise TrainingError(f"{path}: not read ({e.strerror})") from e
    except ValueError as e:
        raise TrainingError(f"{path}: expected JSON, got something else ({e})") from e


def read_npz(path, expected):
    """The arrays of an .npz by name.

    Raises TrainingError, which says that `expected` was expected, where the file is not there, torn or something else.
    """
    import numpy as np  # here, so that status.py runs under any Python

    try:
        with open(path, "rb") as file, np.load(file) as f:
            return {name: f[name] for name in f.files}
    except FileNotFoundError as e:
        raise TrainingError(f"{path}: not found; expected {expected}") from e
    except (OSError, EOFError, AttributeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as e:
        raise TrainingError(f"{path}: expected {expected}, got something else ({type(e).__name__}); make it again") from e


def keep_memory():
    """Lets glibc keep what was freed: else each large tensor is fresh pages, a fifth of the time on a CPU. Elsewhere nothing happens."""
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4  # malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
    mallopt(m_top_pad, 64 << 20)


def run_as_program(main):
    """Calls main(); a TrainingError becomes one line on standard error and exit code 2."""
    keep_memory()
    try:
        sys.exit(main())
    except TrainingError as e:
        print(f"error: {e}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
