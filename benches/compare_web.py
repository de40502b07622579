"""The page beside the program of this machine, and beside onnxruntime-web in the same browser: milliseconds per step at batch 1, in turns.

    scripts/web.sh build && cargo build --release
    python3 benches/compare_web.py                  # the page and the program: nothing else is needed
    python3 benches/compare_web.py --onnxruntime    # needs npm, and torch, diffusers, onnx and onnxscript for Python

Through WebGPU both sides compute on SwiftShader, which Chromium carries with it, so that the ratio says what the browser costs; on the processor
both have one thread. The page's number is what its status bar shows, pictures of every step included; the program's is `etude bench`'s.
"""

import argparse
import functools
import http.server
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests/web"), str(ROOT / "web"), str(ROOT / "benches")]
import serve  # noqa: E402
from devtools import Browser, Failed, found  # noqa: E402
from viewer import Viewer, finished, link  # noqa: E402

ORT = "onnxruntime-web@1.30.0"
RUNNER = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module">
import * as ort from "./ort/ort.webgpu.min.mjs";
ort.env.wasm.wasmPaths = new URL("./ort/", location.href).href;
globalThis.measure = async runs => {
    const session = await ort.InferenceSession.create("model.onnx", { executionProviders: ["webgpu"] });
    const { shape } = await (await fetch("shape.json")).json();
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(n));
    const times = [];
    for (let run = 0; run < runs; run++) {
        const start = performance.now();
        const out = await session.run({ sample: new ort.Tensor("float32", values, shape), timestep: new ort.Tensor("int64", [500n], [1]) });
        await Object.values(out)[0].getData();
        times.push(performance.now() - start);
    }
    // The first compiles the shaders.
    return times.slice(1);
};
globalThis.ready = true;
</script>
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", default=ROOT / "target/web", type=pathlib.Path, help="what `scripts/web.sh build` made")
    parser.add_argument("--etude", default=ROOT / "target/release/etude", help="the program")
    parser.add_argument("--model", default="fashion,emoji", help="embedded models, comma-separated")
    parser.add_argument("--rounds", type=int, default=3, help="turns")
    parser.add_argument("--onnxruntime", action="store_true", help="measure onnxruntime-web's WebGPU, too")
    return parser.parse_args()


def serving(folder):
    handler = functools.partial(serve.Page, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://localhost:{server.server_port}/"


def page(site, model, webgpu, runs=3):
    """Milliseconds per step of the page's quickest run, or None where the browser offers no adapter."""
    with Browser(webgpu=webgpu) as browser:
        viewer = Viewer(browser)
        browser.go(site + link(model=model, steps=20))
        known = viewer.wait("the first picture", finished)
        if webgpu and known["device"]["kind"] == "Cpu":
            return None
        times = []
        for _ in range(runs):
            before = viewer.state()["run"]["id"]
            browser.key("r", "KeyR", modifiers=2)
            known = viewer.wait("a run", lambda now: now["run"]["id"] > before and finished(now))
            times.append(known["run"]["milliseconds"])
        return min(times)


def program(etude, model, webgpu):
    """Milliseconds per step of the program on the same device: SwiftShader, or one thread."""
    environment, before = dict(os.environ), []
    if webgpu:
        environment["VK_DRIVER_FILES"] = str(pathlib.Path(os.path.realpath(found())).parent / "vk_swiftshader_icd.json")
        for folder in ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"]:
            if pathlib.Path(folder, "vk_swiftshader_icd.json").exists():
                environment["VK_DRIVER_FILES"] = f"{folder}/vk_swiftshader_icd.json"
    else:
        before = ["taskset", "-c", "0"]
    command = [*before, str(etude), "bench", "--model", model, "--batch", "1", "--device", "software" if webgpu else "cpu", "--json"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["ms_per_step"]


def export(model, folder):
    """The same U-Net for onnxruntime."""
    import torch
    from diffusers import UNet2DModel

    net = UNet2DModel.from_pretrained(ROOT / "assets/models" / model).eval()
    size = net.config.sample_size
    shape = [1, net.config.in_channels, *(size if isinstance(size, (list, tuple)) else [size, size])]
    given = (torch.randn(shape), torch.tensor([500]), False)

    class Only(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, sample, timestep):
            return self.net(sample, timestep, return_dict=False)[0]

    torch.onnx.export(Only(), given[:2], str(folder / "model.onnx"), input_names=["sample", "timestep"], output_names=["epsilon"], dynamo=True, external_data=False)  # fmt: skip
    (folder / "shape.json").write_text(json.dumps({"shape": shape}))


def onnxruntime(model, runs=3):
    """Milliseconds per forward of onnxruntime-web through WebGPU, the median of some runs after the first."""
    kept = ROOT / "target/onnxruntime-web"
    if not (kept / "node_modules/onnxruntime-web").is_dir():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", kept, ORT], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(kept / "node_modules/onnxruntime-web/dist", folder / "ort")
        export(model, folder)
        (folder / "index.html").write_text(RUNNER)
        site = serving(folder)
        for _ in range(4):
            with Browser(webgpu=True) as browser:
                browser.go(site)
                browser.wait("the page", "globalThis.ready", 60)
                try:
                    return statistics.median(browser.evaluate(f"measure({runs + 1})", timeout=600))
                except Failed as failure:
                    # An adapter is sometimes not offered.
                    last = failure
        raise last


def main():
    asked = arguments()
    site = serving(asked.site)
    print("| model | through | page, ms per step | program, ms per step | page / program |\n|---|---|---|---|---|")
    for model in asked.model.split(","):
        for webgpu in [True, False]:
            pages, programs = [], []
            for _ in range(asked.rounds):
                pages.append(page(site, model, webgpu) or page(site, model, webgpu))
                programs.append(program(asked.etude, model, webgpu))
            pages = [time for time in pages if time is not None]
            mine, theirs = statistics.median(pages), statistics.median(programs)
            through = "WebGPU on SwiftShader" if webgpu else "the processor, one thread"
            print(f"| {model} | {through} | {mine:.1f} | {theirs:.1f} | {mine / theirs:.2f} |", flush=True)
            if webgpu and asked.onnxruntime:
                other = onnxruntime(model)
                print(f"| {model} | WebGPU on SwiftShader, onnxruntime-web | {other:.1f} | | étude's page is {other / mine:.1f} times as fast |", flush=True)


if __name__ == "__main__":
    main()
