"""Étude beside PyTorch: milliseconds of one U-Net forward on the same model and batch, measured in turns (A B A B).

    python compare_pytorch.py --model ../assets/models/fashion --batch 1,4 --etude ../target/release/etude
    python compare_pytorch.py --random 64,128,128,128 --batch 1,4      # a CIFAR-like network with random weights

PyTorch: diffusers' UNet2DModel, f32, eager, no_grad, all threads. Étude: `etude bench --json`, its key ms_per_step.
Without an etude binary only PyTorch is measured. Needs tests/fixtures/requirements.txt.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from diffusers import UNet2DModel


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", type=Path, help="folder with config.json and weights, or with unet/ inside")
    model.add_argument("--random", metavar="CHANNELS", help="e.g. 64,128,128,128: 32x32x3, two layers, attention at the second level")
    parser.add_argument("--batch", default="1,4", help="batch sizes, comma-separated")
    parser.add_argument("--etude", default=shutil.which("etude"), help="the binary")
    parser.add_argument("--device", default="cpu", help="passed on to etude; anything but cpu puts PyTorch on cuda or mps, where there is one")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long PyTorch is measured at each batch size, over all rounds")
    parser.add_argument("--rounds", type=int, default=2, help="turns of PyTorch, then Étude")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


def random_model(channels: list[int], folder: Path) -> None:
    levels = len(channels)
    down = ["DownBlock2D"] * levels
    up = ["UpBlock2D"] * levels
    if levels > 1:
        down[1], up[-2] = "AttnDownBlock2D", "AttnUpBlock2D"
    torch.manual_seed(0)
    net = UNet2DModel(sample_size=32, block_out_channels=channels, down_block_types=down, up_block_types=up, layers_per_block=2,
                      attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6)  # fmt: skip
    net.save_pretrained(folder)


def inputs(net: UNet2DModel, batch: int, device: str):
    size = net.config.sample_size
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    sample = torch.randn(batch, net.config.in_channels, height, width, generator=torch.Generator().manual_seed(0))
    return sample.to(device), torch.full((batch,), 500, device=device)


def synchronise(device: str) -> None:
    if device != "cpu":
        getattr(torch, device).synchronize()


@torch.no_grad()
def pytorch_times(net, batch: int, device: str, seconds: float) -> list[float]:
    sample, timestep = inputs(net, batch, device)
    for _ in range(3):
        net(sample, timestep)
    synchronise(device)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        net(sample, timestep)
        synchronise(device)
        times.append(1e3 * (time.perf_counter() - start))
    return times


def etude_time(etude: str, model: Path, batch: int, device: str, precision: str = "f32", seconds: float = 3.0) -> float:
    command = [etude, "bench", "--model", model, "--batch", str(batch), "--device", device, "--json"]
    command += ["--precision", precision, "--seconds", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"etude bench failed with {done.returncode}")
    answer = json.loads(done.stdout)
    answer = answer[0] if isinstance(answer, list) else answer
    return float(answer["ms_per_step"])


def compare(args, model: Path) -> list[dict]:
    folder = model / "unet" if (model / "unet").is_dir() else model
    device = "cpu" if args.device == "cpu" else "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    net = UNet2DModel.from_pretrained(folder, torch_dtype=torch.float32, low_cpu_mem_usage=False).eval().to(device)
    etude = args.etude if args.etude and shutil.which(args.etude) else None
    threads = torch.get_num_threads()
    name = f"random {args.random}" if args.random else model.name
    print(f"{name}: {net.num_parameters() / 1e6:.2f} M parameters; torch {torch.__version__} on {device}, {threads} threads", file=sys.stderr)
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        print(f"load average {os.getloadavg()[0]:.1f}: something else is running, and spinning threads take it badly", file=sys.stderr)
    if not etude:
        print("no etude binary: PyTorch alone", file=sys.stderr)
    rows = []
    for batch in map(int, args.batch.split(",")):
        torch_ms, etude_ms = [], []
        for _ in range(args.rounds):
            torch_ms += pytorch_times(net, batch, device, args.seconds / args.rounds)
            etude_ms += [etude_time(etude, model, batch, args.device)] if etude else []
        row = {"batch": batch, "pytorch_ms": statistics.median(torch_ms), "pytorch_fastest_ms": min(torch_ms)}
        if etude:
            row["etude_ms"] = statistics.median(etude_ms)
            row["speed_ratio"] = row["pytorch_ms"] / row["etude_ms"]
        rows.append(row)
    return rows


def main():
    args = arguments()
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    with tempfile.TemporaryDirectory() as temporary:
        model = args.model
        if args.random:
            model = Path(temporary)
            random_model([int(c) for c in args.random.split(",")], model)
        rows = compare(args, model)
    if args.json:
        print(json.dumps(rows))
        return
    print(f"{'batch':>5} {'PyTorch ms':>11} {'(fastest)':>10} {'Étude ms':>9} {'Étude speed / PyTorch speed':>28}")
    for row in rows:
        etude, ratio = (f"{row['etude_ms']:.2f}", f"{row['speed_ratio']:.2f}") if "etude_ms" in row else ("-", "-")
        print(f"{row['batch']:>5} {row['pytorch_ms']:>11.2f} {row['pytorch_fastest_ms']:>10.2f} {etude:>9} {ratio:>28}")


if __name__ == "__main__":
    main()
