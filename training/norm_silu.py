"""Group normalisation and SiLU on a CPU in bf16, by norm_silu.c: what PyTorch's compiler makes of them is a quarter of a training step.

`norm_silu(norm, x)` is F.silu(norm(x)) of an nn.GroupNorm, by C where that suits and there is a C compiler (gcc, or what CC names), else by PyTorch.
"""

import ctypes
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F

SOURCE = Path(__file__).with_suffix(".c")
MAX_CHANNELS = 1024  # as in norm_silu.c
WIDTH = 16  # as there
FLAGS = ["-O3", "-march=native", "-fno-math-errno", "-Wno-psabi", "-fopenmp", "-shared", "-fPIC"]


def load():
    """norm_silu.c, compiled once for this processor, or None where it cannot be."""
    compiler = os.environ.get("CC", "gcc")
    try:
        cpu = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0] if os.path.exists("/proc/cpuinfo") else ""
        flags = next((line for line in cpu.splitlines() if line.startswith("flags")), "")
        name = hashlib.sha256(SOURCE.read_bytes() + " ".join([compiler, *FLAGS, flags]).encode()).hexdigest()[:16]
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "etude-training"
        folder.mkdir(parents=True, exist_ok=True)
        built = folder / f"norm_silu-{name}.so"
        if not built.exists():
            with tempfile.TemporaryDirectory(dir=folder) as beside:
                new = Path(beside) / built.name
                subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(new), "-lm"], check=True, capture_output=True, text=True)
                new.replace(built)
        return ctypes.CDLL(str(built))
    except (OSError, subprocess.CalledProcessError) as e:
        why = (getattr(e, "stderr", None) or str(e)).strip().splitlines()
        print(f"warning: {SOURCE.name}: not built ({why[0] if why else e}); PyTorch normalises, an eighth slower", file=sys.stderr, flush=True)
        return None


# At once, as PyTorch's compiler cannot look into it.
LIBRARY = None if torch.cuda.is_available() else load()


def pointers(*tensors):
    return [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]


def sizes(x, groups):
    n, c, h, w = x.shape
    return ctypes.c_int64(n), ctypes.c_int64(h * w), ctypes.c_int(c), ctypes.c_int(groups)


def side_by_side(x):
    return x.contiguous(memory_format=torch.channels_last)


@torch.library.custom_op("etude::norm_silu", mutates_args=())
def forward(
    x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, groups: int, eps: float, silu: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(y as x, mean [N, C], rstd [N, C]) of x bf16 [N, C, H, W]."""
    x, gamma, beta = side_by_side(x), gamma.contiguous(), beta.contiguous()
    y = torch.empty_like(x)
    mean, rstd = (torch.empty(x.shape[:2], dtype=torch.float32) for _ in range(2))
    LIBRARY.norm_silu_forward(*pointers(x, gamma, beta, y, mean, rstd), *sizes(x, groups), ctypes.c_float(eps), ctypes.c_int(silu))
    return y, mean, rstd


@forward.register_fake
def _(x, gamma, beta, groups, eps, silu):
    stats = [torch.empty(x.shape[:2], dtype=torch.float32, device=x.device) for _ in range(2)]
    return torch.empty_like(x, memory_format=torch.channels_last), *stats


@torch.library.custom_op("etude::norm_silu_backward", mutates_args=())
def backward(
    x: torch.Tensor, grad: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, mean: torch.Tensor, rstd: torch.Tensor, groups: int, silu: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The gradients of x, gamma and beta."""
    x, grad, gamma, beta = side_by_side(x), side_by_side(grad), gamma.contiguous(), beta.contiguous()
    grad_x = torch.empty_like(x)
    grad_gamma, grad_beta = (torch.empty_like(mean) for _ in range(2))
    arrays = pointers(x, grad, gamma, beta, mean.contiguous(), rstd.contiguous(), grad_x, grad_gamma, grad_beta)
    LIBRARY.norm_silu_backward(*arrays, *sizes(x, groups), ctypes.c_int(silu))
    return grad_x, grad_gamma.sum(0), grad_beta.sum(0)


@backward.register_fake
def _(x, grad, gamma, beta, mean, rstd, groups, silu):
    return torch.empty_like(x, memory_format=torch.channels_last), torch.empty_like(gamma), torch.empty_like(beta)


def setup_context(ctx, inputs, output):
    x, gamma, beta, ctx.groups, _, ctx.silu = inputs
    ctx.save_for_backward(x, gamma, beta, *output[1:])


def gradients(ctx, grad, _mean, _rstd):
    x, gamma, beta, mean, rstd = ctx.saved_tensors
    return *backward(x, grad.to(x.dtype), gamma, beta, mean, rstd, ctx.groups, ctx.silu), None, None, None


forward.register_autograd(gradients, setup_context=setup_context)


def suits(x):
    fits = x.shape[1] <= MAX_CHANNELS and x.shape[1] % WIDTH == 0
    return x.device.type == "cpu" and x.dtype == torch.bfloat16 and fits and LIBRARY is not None


def norm_silu(norm, x, silu=True):
    """F.silu(norm(x)), or norm(x), of an nn.GroupNorm and x [N, C, H, W]."""
    if suits(x):
        return forward(x, norm.weight, norm.bias, norm.num_groups, norm.eps, silu)[0]
    return F.silu(norm(x)) if silu else norm(x)
