"""What changes over a run, as functions of the share of the budget that is spent: learning rate, batch, side of the pictures."""

import math

LAST_LR = 0.02  # share of the learning rate left at the end of a cosine


def falling(decay, start, done):
    """The factor on the learning rate: 1 up to the share `start`, then a half cosine down to LAST_LR, or sqrt(start / done).

    The inverse square root is the schedule of Karras et al. 2023 ("Analyzing and Improving the Training Dynamics of Diffusion Models"), which
    leaves the last calming down to the average of the weights.
    """
    if done < start:
        return 1
    if decay == "inverse-sqrt":
        return math.sqrt(start / done)
    return max(LAST_LR, 0.5 * (1 + math.cos(math.pi * min(1, (done - start) / (1 - start)))))


def learning_rate(args, steps, done):
    """After `steps` steps, which took the share `done` of the budget."""
    return args.lr * min(1, (steps + 1) / args.warm_up) * falling(args.decay, args.decay_from, done)


def batch_size(args, done):
    """--batch, doubled at each share of --double-batch (Smith et al. 2018: instead of a lower rate, or with it)."""
    return args.batch * 2 ** sum(done >= share for share in args.double_batch)


def halved(args, done):
    """Whether the pictures are averaged to half their side now."""
    return done < args.half_size
