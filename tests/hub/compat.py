#!/usr/bin/env python3
"""Étude and Python's huggingface_hub share one cache: each reads what the other has fetched, without a request.

    python3 -m venv /tmp/hubvenv && /tmp/hubvenv/bin/pip install huggingface_hub
    /tmp/hubvenv/bin/python tests/hub/compat.py target/debug/etude

With diffusers and torch installed as well, UNet2DModel.from_pretrained loads what étude has fetched. Both clients ask the same small server,
which behaves like the Hub: an API, HEAD with ETag and X-Linked-ETag, a redirect to a storage on another port, ranges.

    tests/hub/compat.py --serve FOLDER [BYTES PER SECOND]

serves the models in FOLDER/owner/name until it is ended, to try the viewer's list by hand: HF_ENDPOINT is the address it prints.
"""
import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXTURE = os.path.join(ROOT, "tests", "fixtures", "trajectories", "model")
LARGE = (".safetensors", ".bin", ".png")


class Hub:
    """The models of a folder, as the Hub gives them; `seen` are the requests."""

    def __init__(self, folder, rate=None):
        self.folder, self.rate, self.seen = folder, rate, []
        self.hub = self.start(self.answer_hub)
        self.storage = self.start(self.answer_storage)
        self.endpoint = f"http://127.0.0.1:{self.hub}"

    def start(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                answer(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    def files(self, name):
        root = os.path.join(self.folder, *name.split("/"))
        paths = [os.path.relpath(os.path.join(at, file), root) for at, _, files in os.walk(root) for file in files]
        return {path.replace(os.sep, "/"): os.path.join(root, path) for path in sorted(paths)}

    @staticmethod
    @functools.lru_cache
    def hashes(path):
        with open(path, "rb") as file:
            data = file.read()
        return len(data), hashlib.sha256(data).hexdigest(), hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def commit(self, name):
        text = json.dumps([(path, self.hashes(file)[1]) for path, file in self.files(name).items()])
        return hashlib.sha1(text.encode()).hexdigest()

    def answer_hub(self, request):
        url = urllib.parse.urlsplit(request.path)
        path = urllib.parse.unquote(url.path).strip("/")
        self.seen.append(f"hub {request.command} {request.path}")
        if path.startswith("api/models/"):
            words = path.split("/")
            name, files = "/".join(words[2:4]), self.files("/".join(words[2:4]))
            if not files:
                return self.refuse(request, 401, "RepoNotFound")
            entries = []
            for entry, file in files.items():
                size, sha256, sha1 = self.hashes(file)
                lfs = {"size": size, "sha256": sha256, "oid": sha256, "pointerSize": 135} if entry.endswith(LARGE) else None
                known = {"type": "file", "path": entry, "rfilename": entry, "size": size, "oid": sha1, "blobId": sha1}
                entries.append({**known, **({"lfs": lfs} if lfs else {})})
            if len(words) > 4 and words[4] == "tree":
                return self.send(request, json.dumps(entries).encode(), {"Content-Type": "application/json"})
            about = {"id": name, "modelId": name, "sha": self.commit(name), "private": False, "gated": False, "disabled": False,
                     "downloads": 1, "likes": 1, "tags": [], "siblings": entries}
            return self.send(request, json.dumps(about).encode(), {"Content-Type": "application/json"})
        name, _, rest = path.partition("/resolve/")
        revision, _, entry = rest.partition("/")
        file = self.files(name).get(entry)
        common = {"X-Repo-Commit": self.commit(name)}
        if revision not in ("main", common["X-Repo-Commit"]):
            return self.refuse(request, 404, "RevisionNotFound")
        if file is None:
            return self.refuse(request, 404, "EntryNotFound", common)
        size, sha256, sha1 = self.hashes(file)
        if not entry.endswith(LARGE):
            with open(file, "rb") as opened:
                return self.send(request, opened.read(), {**common, "ETag": f'"{sha1}"'})
        location = f"http://127.0.0.1:{self.storage}/{name}/{entry}?signature=x"
        linked = {"X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(size), "Location": location}
        return self.send(request, b"", {**common, "ETag": f'"{sha1}"', **linked}, 302)

    def answer_storage(self, request):
        path = urllib.parse.unquote(urllib.parse.urlsplit(request.path).path).strip("/")
        self.seen.append(f"storage {request.command} {request.path}")
        if "authorization" in {header.lower() for header in request.headers}:
            return self.refuse(request, 400, "TheTokenIsNobodysBusiness")
        owner, name, entry = path.split("/", 2)
        with open(self.files(f"{owner}/{name}")[entry], "rb") as file:
            data = file.read()
        start = request.headers.get("Range", "bytes=0-")[len("bytes="):].split("-")[0]
        headers, status = {"Accept-Ranges": "bytes", "ETag": '"x"'}, 200
        if "Range" in request.headers:
            headers["Content-Range"], status = f"bytes {start}-{len(data) - 1}/{len(data)}", 206
        return self.send(request, data[int(start):], headers, status, self.rate)

    @staticmethod
    def refuse(request, status, code, headers=None):
        Hub.send(request, b"", {**(headers or {}), "X-Error-Code": code, "X-Error-Message": code}, status)

    @staticmethod
    def send(request, body, headers, status=200, rate=None):
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command == "HEAD":
            return
        try:
            for at in range(0, len(body), 1 << 14):
                request.wfile.write(body[at:at + (1 << 14)])
                if rate:
                    time.sleep((1 << 14) / rate)
        except OSError:
            # The client has gone: some are made to.
            pass


def check(what, condition):
    print(("ok     " if condition else "WRONG  ") + what)
    if not condition:
        sys.exit(1)


def fill(folder):
    """Two models: one with everything at its root, one in a pipeline's folders, with files beside them that nobody needs."""
    plain, pipeline = (os.path.join(folder, "someone", name) for name in ("plain", "pipeline"))
    shutil.copytree(FIXTURE, plain)
    shutil.copytree(FIXTURE, os.path.join(pipeline, "unet"))
    scheduler = {"_class_name": "DDPMScheduler", "num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}
    index = {"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"], "scheduler": ["diffusers", "DDPMScheduler"]}
    os.makedirs(os.path.join(pipeline, "scheduler"))
    for root, place in ((plain, "."), (pipeline, "scheduler")):
        with open(os.path.join(root, place, "scheduler_config.json"), "w") as file:
            json.dump(scheduler, file)
        with open(os.path.join(root, "model_index.json"), "w") as file:
            json.dump(index, file)
        for name, data in (("README.md", b"# A model"), ("example.png", bytes(5000)), ("flax_model.msgpack", bytes(5000))):
            with open(os.path.join(root, name), "wb") as file:
                file.write(data)


def main(etude):
    work = tempfile.mkdtemp()
    try:
        fill(os.path.join(work, "models"))
        hub = Hub(os.path.join(work, "models"))
        both_ways(etude, hub, work)
    finally:
        shutil.rmtree(work)


def run(program, hub, cache, *arguments, **more):
    env = {**os.environ, "HF_HUB_CACHE": cache, "HF_ENDPOINT": hub.endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", **more}
    for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        env.pop(name, None)
    return subprocess.run([*program, *arguments], env=env, capture_output=True, text=True)


def python(hub, cache, code, **more):
    result = run([sys.executable, "-c"], hub, cache, code, **more)
    if result.returncode:
        print(result.stderr)
    return result.stdout.strip() if result.returncode == 0 else None


def both_ways(etude, hub, work):
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:1"}
    for name in ("someone/plain", "someone/pipeline"):
        cache = os.path.join(work, "ours-" + name.replace("/", "-"))
        result = run([etude], hub, cache, "info", name)
        check(f"{name}: etude fetches it", result.returncode == 0 and any(line.startswith("storage") for line in hub.seen))
        needless = [line for line in hub.seen if any(word in line for word in ("README", "example", "flax"))]
        check(f"{name}: and nothing that is not needed", not needless)
        hub.seen.clear()
        unet = "unet/" if name.endswith("pipeline") else ""
        files = [unet + "config.json", unet + "diffusion_pytorch_model.safetensors", "model_index.json"]
        read = python(hub, cache, f"""
from huggingface_hub import snapshot_download, hf_hub_download, try_to_load_from_cache, scan_cache_dir
folder = snapshot_download({name!r}, local_files_only=True)
for file in {files!r}:
    assert open(hf_hub_download({name!r}, file, local_files_only=True), 'rb').read() == open(folder + '/' + file, 'rb').read()
    assert isinstance(try_to_load_from_cache({name!r}, file), str)
info = scan_cache_dir()
assert not info.warnings, info.warnings
repository, = info.repos
revision, = repository.revisions
assert repository.repo_id == {name!r} and revision.refs == {{'main'}}, repository
print('read', len(revision.files))
""", HF_HUB_OFFLINE="1")
        check(f"{name}: huggingface_hub reads our cache offline, and scans it without a warning", read == "read 4")
        online = python(hub, cache, f"""
from huggingface_hub import hf_hub_download
print(all('/snapshots/' in hf_hub_download({name!r}, file) for file in {files!r}))
""")
        fetched = [line for line in hub.seen if "GET" in line and "/api/" not in line]
        check(f"{name}: online it fetches none of our files again", online == "True" and not fetched)
        hub.seen.clear()
        theirs = os.path.join(work, "theirs-" + name.replace("/", "-"))
        wrote = python(hub, theirs, f"from huggingface_hub import snapshot_download; print(snapshot_download({name!r}))")
        check(f"{name}: huggingface_hub fetches it from this server", wrote is not None and os.path.isdir(wrote))
        hub.seen.clear()
        ours, again = run([etude], hub, cache, "info", name), run([etude], hub, theirs, "info", name)
        check(f"{name}: etude reads it without a request", again.returncode == 0 and not hub.seen)
        check(f"{name}: and without a network, or with HF_HUB_OFFLINE", all(
            run([etude], hub, theirs, "info", name, **more).returncode == 0 for more in (nowhere, {"HF_HUB_OFFLINE": "1"})))
        same = [line for line in ours.stdout.splitlines() if "CRC-32" in line][0].split("CRC-32")[1]
        check(f"{name}: it is the same model", same in again.stdout)
        listed = run([etude], hub, theirs, "models", **nowhere)
        check(f"{name}: etude models lists it", name in listed.stdout)
        partial = os.path.join(work, "partial-" + name.replace("/", "-"))
        weights = unet + "diffusion_pytorch_model.safetensors"
        python(hub, partial, f"from huggingface_hub import hf_hub_download; [hf_hub_download({name!r}, f) for f in ({unet + 'config.json'!r}, {weights!r})]")
        hub.seen.clear()
        rest = run([etude], hub, partial, "info", name)
        check(f"{name}: of what huggingface_hub fetched in part, etude fetches the rest", rest.returncode == 0 and not any(
            line.startswith("storage") for line in hub.seen))
        try:
            import diffusers  # noqa: F401
        except ImportError:
            print(f"       {name}: diffusers is not installed, so UNet2DModel.from_pretrained is left out")
            continue
        subfolder = {"subfolder": "unet"} if unet else {}
        loaded = python(hub, cache, f"""
from diffusers import UNet2DModel
model = UNet2DModel.from_pretrained({name!r}, **{subfolder!r})
print(sum(p.numel() for p in model.parameters()))
""", HF_HUB_OFFLINE="1")
        check(f"{name}: UNet2DModel.from_pretrained loads what etude fetched, offline", loaded is not None and f"parameters  {loaded}" in ours.stdout)
    locks(etude, hub, work)


def locks(etude, hub, work):
    """A lock that Python holds keeps étude waiting, and the other way round nothing hangs."""
    cache = os.path.join(work, "locked")
    sha256 = hub.hashes(hub.files("someone/plain")["diffusion_pytorch_model.safetensors"])[1]
    lock = os.path.join(cache, ".locks", "models--someone--plain", f"{sha256}.lock")
    holder = subprocess.Popen([sys.executable, "-c", f"""
import os, time
from huggingface_hub.utils import WeakFileLock
os.makedirs(os.path.dirname({lock!r}))
with WeakFileLock({lock!r}):
    print('held', flush=True)
    time.sleep(2)
"""], stdout=subprocess.PIPE, text=True)
    holder.stdout.readline()
    start = time.monotonic()
    result = run([etude], hub, cache, "info", "someone/plain")
    waited = time.monotonic() - start
    holder.wait()
    check(f"etude waits for a lock that huggingface_hub holds ({waited:.1f} s)", result.returncode == 0 and waited > 1.0)


if __name__ == "__main__":
    if len(sys.argv) >= 3 and sys.argv[1] == "--serve":
        served = Hub(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else None)
        print(f"HF_ENDPOINT={served.endpoint}", flush=True)
        threading.Event().wait()
    if len(sys.argv) != 2:
        sys.exit("expected the program étude, as target/debug/etude, or --serve FOLDER [BYTES PER SECOND]")
    main(os.path.abspath(sys.argv[1]))
