"""What a run needs to go on: one file, FOLDER/checkpoint.pt, that appears by rename.

It holds the network, its averages, the optimizer, the counts and the log. There is no random state in it: every step draws
from a generator of its own, seeded by (seed, step), so a resumed run draws what an uninterrupted one would have drawn.
"""

import pickle
import zipfile
from dataclasses import asdict
from pathlib import Path

import torch

from files import TrainingError, appearing
from unet import UNet, UNetShape


def path_in(folder):
    return Path(folder) / "checkpoint.pt"


def save(folder, state):
    """`state`: net, ema, optimizer (state dicts), profiles (state dicts by name), shape (UNetShape) and plain values under any other name."""
    with appearing(path_in(folder)) as beside:
        try:
            torch.save(dict(state, shape=asdict(state["shape"])), beside)
        except RuntimeError as e:  # torch's writer turns a full disk into this
            raise OSError(f"{e}".splitlines()[0]) from e


def load(folder, device="cpu"):
    """The state as saved.

    Raises TrainingError where there is no checkpoint or it cannot be read.
    """
    path = path_in(folder)
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        shape = {k: tuple(v) if isinstance(v, list) else v for k, v in state["shape"].items()}
        return dict(state, shape=UNetShape(**shape))
    except FileNotFoundError as e:
        raise TrainingError(f"{path}: no checkpoint there; train.py writes one") from e
    except (RuntimeError, EOFError, KeyError, TypeError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as e:
        raise TrainingError(f"{path}: not a whole checkpoint ({type(e).__name__}); delete it to begin anew") from e


def weights(state, which="ema"):
    """Weights by name: averaged ("ema"), averaged with a profile (its sigma_rel, as "0.1"), or those in training ("net").

    Raises TrainingError where the run keeps no such ones.
    """
    kept = dict(ema=state["ema"], net=state["net"], **state.get("profiles", {}))
    if which not in kept:
        raise TrainingError(f"--weights {which}: expected one of what the run keeps, {', '.join(kept)}")
    return kept[which]


def network(state, which="ema", device="cpu"):
    """The network with those weights, ready to sample."""
    net = UNet(state["shape"]).to(device, memory_format=torch.channels_last)
    net.load_state_dict(weights(state, which))
    return net.eval().requires_grad_(False)
