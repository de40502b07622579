"""How time and memory grow with batch, picture side and S, on the processor and on a software Vulkan driver: writes docs/growth.svg.

    cargo build --release
    python3 benches/growth.py                       # needs matplotlib; some minutes on two cores
    python3 benches/growth.py --numbers growth.json # draws what an earlier run has measured

Each point is `etude bench` on the embedded model `fashion` (2.2 M parameters): the least milliseconds of a step of a batch, and the memory of the
device. Lines are what work alone predicts: the first point's time, times the ratio of operations. Against S it is `etude sample` as a whole,
the start of the program and the files included, beside the time of one step times S added to that of one step.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCHES = [1, 2, 4, 8, 16, 32, 64]
SIDES = [16, 32, 64, 128, 256]
STEPS = [1, 2, 5, 10, 20, 50, 100, 200]
DEVICES = {"cpu": "processor, two threads", "software": "lavapipe"}
COLOURS = {"cpu": "#0969a8", "software": "#b35900"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--etude", default=ROOT / "target/release/etude", help="the program")
    parser.add_argument("--model", default="fashion")
    parser.add_argument("--seconds", default="1", help="of measuring per point")
    parser.add_argument("--numbers", type=pathlib.Path, help="a file with measured numbers: read where it is there, else written")
    parser.add_argument("--out", default=ROOT / "docs/growth.svg", type=pathlib.Path)
    return parser.parse_args()


def bench(asked, device, batch, side):
    command = [asked.etude, "bench", "--model", asked.model, "--device", device, "--batch", str(batch), "--size", str(side)]
    done = subprocess.run([*command, "--seconds", asked.seconds, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    report = json.loads(done.stdout)
    keys = ["ms_per_step_min", "gflop_per_step", "memory_allocated", "memory_weights_and_live_activations"]
    print(device, f"batch {batch}, side {side}:", {key: round(report[key], 3) for key in keys}, flush=True)
    return {key: report[key] for key in keys}


def sample(asked, device, steps):
    """Seconds of the whole command, the least of three."""
    with tempfile.TemporaryDirectory() as folder:
        command = [asked.etude, "sample", "--model", asked.model, "--device", device, "--count", "1", "--steps", str(steps), "--out", f"{folder}/x.png"]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([*command, "--quiet"], check=True)
            times.append(time.perf_counter() - start)
    print(device, f"S = {steps}: {min(times):.3f} s", flush=True)
    return min(times)


def measure(asked):
    numbers = {}
    for device in DEVICES:
        numbers[device] = {
            "batch": [bench(asked, device, batch, 32) for batch in BATCHES],
            "side": [bench(asked, device, 1, side) for side in SIDES],
            "steps": [sample(asked, device, steps) for steps in STEPS],
        }
    return numbers


def draw(numbers, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "etude", "axes.grid": True, "grid.alpha": 0.3})
    figure, axes = plt.subplots(2, 3, figsize=(10, 6), constrained_layout=True)
    for device, name in DEVICES.items():
        colour = COLOURS[device]
        for column, (key, places, label) in enumerate([("batch", BATCHES, "batch, of 32 x 32"), ("side", SIDES, "side of one picture, pixels")]):
            points = numbers[device][key]
            times = [point["ms_per_step_min"] for point in points]
            work = [point["gflop_per_step"] for point in points]
            axes[0, column].loglog(places, times, "o", color=colour, label=name)
            axes[0, column].loglog(places, [times[0] * w / work[0] for w in work], "-", lw=1, color=colour)
            axes[1, column].loglog(places, [point["memory_allocated"] / 2**20 for point in points], "o", color=colour)
            needed = [point["memory_weights_and_live_activations"] / 2**20 for point in points]
            axes[1, column].loglog(places, needed, "-", lw=1, color=colour)
            axes[0, column].set(xlabel=label, ylabel="ms per step", xticks=places, xticklabels=places)
            axes[1, column].set(xlabel=label, ylabel="memory, MiB", xticks=places, xticklabels=places)
        step = numbers[device]["batch"][0]["ms_per_step_min"] / 1e3
        seconds = numbers[device]["steps"]
        axes[0, 2].loglog(STEPS, seconds, "o", color=colour)
        axes[0, 2].loglog(STEPS, [seconds[0] + step * (steps - 1) for steps in STEPS], "-", lw=1, color=colour)
    axes[0, 2].set(xlabel="S, steps of one picture", ylabel="seconds of `etude sample`", xticks=STEPS, xticklabels=STEPS)
    for axis in axes.flat:
        axis.minorticks_off()
    axes[0, 0].legend(frameon=False)
    axes[1, 2].axis("off")
    axes[1, 2].text(0, 0.9, "Points: measured.\nLines, above: the first point times the ratio\nof operations; against S the time of a step\ntimes S.\nLines, below: weights and the activations\nalive at one moment.", va="top")
    figure.savefig(path, metadata={"Date": None})


def main():
    asked = arguments()
    if asked.numbers and asked.numbers.exists():
        numbers = json.loads(asked.numbers.read_text())
    else:
        numbers = measure(asked)
        if asked.numbers:
            asked.numbers.write_text(json.dumps(numbers))
    draw(numbers, asked.out)


if __name__ == "__main__":
    main()
