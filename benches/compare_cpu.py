"""Étude's CPU executor beside the fast ones: milliseconds of one U-Net forward, every peer in turns within one run, on the same threads.

    python compare_cpu.py --etude ../target/release/etude                       # 9 M and 35.7 M parameters, batch 1 and 8
    python compare_cpu.py --channels 64,128,128,128 --batch 1,4 --rounds 3

Needs what compare_pytorch.py needs (tests/fixtures/requirements.txt); onnxruntime and OpenVINO take part where they are installed:

    pip install onnxruntime openvino onnx onnxscript

torch.compile needs a C++ compiler. A peer that is missing or refuses the network is named, and the others go on. A turn in which other
programs take a tenth of a core or more is repeated, up to three times, and what they took is told of. Prints a Markdown table: the median
of each peer's turns, and Étude's speed over that of the fastest peer of the same precision.
"""

import argparse
import importlib.util
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from compare_pytorch import etude_time, inputs, pytorch_times, random_model
from diffusers import UNet2DModel

# CIFAR-10's network of 9 M parameters in training/, and google/ddpm-cifar10-32's.
NETWORKS = ["64,128,128,128", "128,256,256,256"]
# Threads that wait for work by spinning take the processor from whoever is measured next; they sleep after so many seconds.
REST = 0.5

# Of a core, what other programs may take during a turn, and how often it is repeated where they take more.
OTHERS = 0.1
ATTEMPTS = 3

Measure = Callable[[float], list[float]]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", action="append", help=f"a network of 32x32x3 with these channels; default {' and '.join(NETWORKS)}")
    parser.add_argument("--batch", default="1,8", help="batch sizes, comma-separated")
    parser.add_argument("--etude", default=shutil.which("etude"), help="the binary")
    parser.add_argument("--precisions", default="f32,bf16", help="those of each peer that are measured, comma-separated")
    parser.add_argument("--peers", default="etude,openvino,onnxruntime,pytorch,compiled", help="who takes part, comma-separated")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a turn lasts")
    parser.add_argument("--rounds", type=int, default=3, help="turns of every peer")
    return parser.parse_args()


class Forward(torch.nn.Module):
    """The network as a function of tensors alone, for exporters."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, sample, timestep):
        return self.net(sample, timestep, return_dict=False)[0]


def timed(run: Callable[[], object], seconds: float) -> list[float]:
    run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def onnx_file(net, batch: int, folder: Path) -> Path:
    path = folder / f"batch{batch}.onnx"
    if not path.exists():
        torch.onnx.export(Forward(net), inputs(net, batch, "cpu"), path, dynamo=True, external_data=True, verbose=False)
    return path


def numpy_inputs(net, batch: int) -> list:
    return [tensor.numpy() for tensor in inputs(net, batch, "cpu")]


def onnxruntime(net, batch: int, folder: Path, precision: str, threads: int) -> Measure | None:
    if precision != "f32":
        return None  # its CPU kernels have no bf16 convolution
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(onnx_file(net, batch, folder), options, providers=["CPUExecutionProvider"])
    values = {i.name: v for i, v in zip(session.get_inputs(), numpy_inputs(net, batch), strict=True)}
    return lambda seconds: timed(lambda: session.run(None, values), seconds)


def openvino(net, batch: int, folder: Path, precision: str, threads: int) -> Measure | None:
    import openvino as ov

    core = ov.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return None
    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(core.read_model(onnx_file(net, batch, folder)), "CPU", hints).create_infer_request()
    values = numpy_inputs(net, batch)
    return lambda seconds: timed(lambda: request.infer(values), seconds)


def cast(net, precision: str):
    return net if precision == "f32" else UNet2DModel.from_config(net.config).eval().to(torch.bfloat16)


class InPrecision(torch.nn.Module):
    """Takes f32 and gives f32, so that every precision is called alike."""

    def __init__(self, net, precision: str):
        super().__init__()
        self.net, self.config, self.precision = net, net.config, torch.bfloat16 if precision == "bf16" else torch.float32

    def forward(self, sample, timestep):
        return self.net(sample.to(self.precision), timestep, return_dict=False)[0].float()


def pytorch(net, batch: int, _: Path, precision: str, __: int) -> Measure:
    net = InPrecision(cast(net, precision), precision)
    return lambda seconds: pytorch_times(net, batch, "cpu", seconds)


def compiled(net, batch: int, _: Path, precision: str, __: int) -> Measure:
    # Shapes of one batch size do not make those of the next dynamic, which would be slower.
    torch._dynamo.reset()
    net = InPrecision(cast(net, precision), precision)
    fast = torch.compile(net, dynamic=False)
    sample, timestep = inputs(net, batch, "cpu")
    with torch.no_grad():
        fast(sample, timestep)

    def measure(seconds: float) -> list[float]:
        with torch.no_grad():
            return timed(lambda: fast(sample, timestep), seconds)

    return measure


PEERS = {
    "openvino": ("OpenVINO", openvino),
    "onnxruntime": ("onnxruntime", onnxruntime),
    "pytorch": ("PyTorch", pytorch),
    "compiled": ("torch.compile", compiled),
}


def etude(program: str, model: Path, batch: int, precision: str, seconds: float) -> list[float]:
    return [etude_time(program, model, batch, "cpu", precision, seconds)]


def peers(args, net, batch: int, model: Path, folder: Path, threads: int) -> Iterator[tuple[str, str, Measure]]:
    """Name, precision and how to measure, of everyone that can take part."""
    chosen = args.peers.split(",")
    for precision in args.precisions.split(","):
        if "etude" in chosen and args.etude:
            measure = partial(etude, args.etude, model, batch, precision)
            try:
                measure(0.1)
                yield "Étude", precision, measure
            except SystemExit as error:
                print(f"Étude {precision} takes no part: {error}", file=sys.stderr)
        for key, (name, make) in PEERS.items():
            if key not in chosen:
                continue
            try:
                measure = make(net, batch, folder, precision, threads)
            except Exception as error:
                print(f"{name} {precision} takes no part: {str(error).splitlines()[0] if str(error) else error!r}", file=sys.stderr)
                continue
            if measure:
                yield name, precision, measure


def others() -> float:
    """Seconds that the processor's cores have spent on other programs; 0 where the system does not tell."""
    try:
        user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    except OSError:
        return 0.0
    return (user + nice + system) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def undisturbed(measure: Measure, seconds: float, what: str) -> list[float]:
    """A turn during which other programs leave the cores alone, as far as that can be had."""
    for attempt in range(ATTEMPTS):
        time.sleep(REST)
        before, start = others(), time.perf_counter()
        times = measure(seconds)
        share = (others() - before) / (time.perf_counter() - start)
        if share < OTHERS:
            break
        print(f"{what}: other programs took {share:.2f} of a core during attempt {attempt + 1} of {ATTEMPTS}", file=sys.stderr)
    return times


def compare(args, channels: str, threads: int) -> Iterator[tuple[str, dict]]:
    """For each batch size the medians by peer and precision."""
    with tempfile.TemporaryDirectory() as temporary:
        model = Path(temporary) / "model"
        random_model([int(c) for c in channels.split(",")], model)
        net = UNet2DModel.from_pretrained(model, torch_dtype=torch.float32, low_cpu_mem_usage=False).eval()
        for batch in map(int, args.batch.split(",")):
            measured = {}
            taking_part = list(peers(args, net, batch, model, Path(temporary), threads))
            for _ in range(args.rounds):
                for name, precision, measure in taking_part:
                    times = undisturbed(measure, args.seconds, f"{name} {precision}, batch {batch}")
                    measured.setdefault((name, precision), []).extend(times)
            yield (
                f"{channels.replace(',', ', ')} ({net.num_parameters() / 1e6:.1f} M), {batch}",
                {key: statistics.median(times) for key, times in measured.items()},
            )


def ratios(row: dict, precision: str) -> str:
    """Étude's speed over that of the fastest peer, and of OpenVINO where it is another."""
    own = row.get(("Étude", precision))
    others = {name: ms for (name, p), ms in row.items() if p == precision and name != "Étude"}
    if own is None or not others:
        return "-"
    fastest = min(others, key=others.get)
    named = [fastest] + (["OpenVINO"] if "OpenVINO" in others and fastest != "OpenVINO" else [])
    return ", ".join(f"{others[name] / own:.2f} × {name}" for name in named)


def main():
    args = arguments()
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(threads)
    if not args.etude:
        print("no etude binary: the peers alone", file=sys.stderr)
    for module in ("onnxruntime", "openvino"):
        if not importlib.util.find_spec(module):
            print(f"{module} is not installed and takes no part", file=sys.stderr)
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        print(f"load average {os.getloadavg()[0]:.1f}: something else is running, and spinning threads take it badly", file=sys.stderr)
    rows = [row for channels in args.channels or NETWORKS for row in compare(args, channels, threads)]
    precisions = args.precisions.split(",")
    columns = list(dict.fromkeys(key for _, row in rows for key in row))
    columns.sort(key=lambda key: precisions.index(key[1]))
    print("| channels, batch | " + " | ".join(f"{name} {p}" for name, p in columns) + " | " + " | ".join(f"Étude {p} is" for p in precisions) + " |")
    print("|---" * (1 + len(columns) + len(precisions)) + "|")
    for name, row in rows:
        cells = [f"{row[key]:.1f}" if key in row else "-" for key in columns]
        print(f"| {name} | " + " | ".join(cells + [ratios(row, p) for p in precisions]) + " |")


if __name__ == "__main__":
    main()
