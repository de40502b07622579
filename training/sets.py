"""A training set: FOLDER/NAME.npz with `images` and `draws`, and FOLDER/NAME.json with its facts, which go into the model card.

`images` is uint8 [N, H, W, C]; `draws` float32 [N] says how often a picture is drawn relative to the others.
"""

import hashlib
from pathlib import Path

import numpy as np

from files import TrainingError, appearing, read_json, read_npz, write_json


def save(folder, name, images, facts, draws=None):
    images = np.ascontiguousarray(images)
    draws = np.ones(len(images), np.float32) if draws is None else draws.astype(np.float32)
    facts = dict(name=name, **facts, pictures=len(images), size=list(images.shape[1:]), sha256=hashlib.sha256(images.tobytes()).hexdigest())
    with appearing(folder / f"{name}.npz") as beside:
        np.savez(beside, images=images, draws=draws)
    write_json(folder / f"{name}.json", facts)
    print(f"{folder / name}.npz: {images.shape}, SHA-256 {facts['sha256']}")


def load(path):
    """(images, draws, facts) of NAME.npz, checked against the facts' SHA-256."""
    path = Path(path)
    arrays = read_npz(path, "a set as data.py writes it")
    if not {"images", "draws"} <= arrays.keys():
        raise TrainingError(f"{path}: expected the arrays images and draws, got {', '.join(arrays)}; make the set with data.py")
    return checked(path, arrays["images"], arrays["draws"], read_json(path.with_suffix(".json")))


def checked(path, images, draws, facts):
    """The three, if the facts are of these images and there is a draw for each."""
    got = hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()
    if got != facts.get("sha256"):
        raise TrainingError(f"{path}: expected images of SHA-256 {facts.get('sha256')}, got {got}; make the set again with data.py")
    if draws.shape != (len(images),):
        raise TrainingError(f"{path}: expected {len(images)} draws, got {list(draws.shape)}; make the set again with data.py")
    return images, draws, facts
