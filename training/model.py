"""A network that can sample, from a model folder of export.py or a run of train.py."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

import checkpoint
import diffusion
from files import TrainingError, read_json
from unet import UNet, UNetShape

BATCH = 64


def load(path, which="ema", device="cpu"):
    """(network, what it predicts); `which` weights of a run, see checkpoint.weights.

    Raises TrainingError where the folder holds neither.
    """
    path = Path(path)
    if checkpoint.path_in(path).exists():
        state = checkpoint.load(path, device)
        return checkpoint.network(state, which, device), state["args"]["prediction"]
    config, scheduler = read_json(path / "config.json"), read_json(path / "scheduler_config.json")
    weights = path / "diffusion_pytorch_model.safetensors"
    try:
        net = UNet(UNetShape.from_config(config)).to(device, memory_format=torch.channels_last)
        net.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
        prediction = scheduler["prediction_type"]
    except (OSError, KeyError, RuntimeError, ValueError, SafetensorError) as e:
        raise TrainingError(f"{path}: not a model of export.py ({(str(e).splitlines() or ['empty'])[-1].strip()})") from e
    return net.eval().requires_grad_(False), prediction


def pixels(x):
    """[N, C, H, W] in [-1, 1] -> uint8 [N, H, W, C]."""
    return ((x.float().cpu() + 1) * 127.5 + 0.5).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def sample(net, prediction, count, seed, steps, device="cpu"):
    """uint8 [count, H, W, C] after `steps` DDIM steps at eta = 0 from the x_T of a torch seed."""
    shape = net.shape
    x = torch.randn((count, shape.channels, shape.size, shape.size), generator=torch.Generator().manual_seed(seed))
    return pixels(torch.cat([diffusion.ddim(net, part.to(device), steps, prediction).cpu() for part in x.split(BATCH)]))
