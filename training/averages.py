"""Averages of the weights over a training: an exponential one, and those with the power-function profiles of Karras et al. 2023.

A profile ("Analyzing and Improving the Training Dynamics of Diffusion Models", section 3) weighs the weights after n images by n^gamma: it
forgets the beginning however long the run, and its width is a share sigma_rel of the run. Several can be kept at once, and the best be exported.
"""

import functools

import torch

MAX_SIGMA_REL = 0.28  # at 0.2887 gamma is 0, the plain mean


@functools.cache
def exponent(sigma_rel):
    """gamma of a profile whose standard deviation is sigma_rel of the run: sigma_rel^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3))."""
    low, high = 0.0, 2 / sigma_rel  # about 1 / sigma_rel for narrow ones
    for _ in range(100):
        middle = (low + high) / 2
        if (middle + 1) / ((middle + 2) ** 2 * (middle + 3)) > sigma_rel**2:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def decay(sigma_rel, before, after):
    """How much of the average stays when the images seen grow from `before` to `after`: all is new at first."""
    return (before / after) ** (exponent(sigma_rel) + 1)


def name(sigma_rel):
    """Under which a profile is kept in the checkpoint and asked for."""
    return f"{sigma_rel:g}"


def copied(net):
    return {key: value.detach().clone() for key, value in net.state_dict().items()}


@torch.no_grad()
def move(average, net, kept):
    """average = kept average + (1 - kept) net, for two sets of tensors by name."""
    torch._foreach_lerp_([average[key] for key in net], list(net.values()), 1 - kept)
