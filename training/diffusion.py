"""The forward process, the training loss and a DDIM sampler, as the paper writes them (Song, Meng, Ermon 2020).

alpha_bar is the cumulative product of 1 - beta (the paper's alpha), linear betas 1e-4 … 0.02, T = 1000.
"""

import torch

T = 1000
BETA_START, BETA_END = 1e-4, 0.02


def alpha_bars(device="cpu"):
    """[T] alpha_bar, multiplied in f64, kept in f32."""
    betas = torch.linspace(BETA_START, BETA_END, T, dtype=torch.float64)
    return torch.cumprod(1 - betas, 0).float().to(device)


def scheduler_config(prediction):
    """scheduler_config.json of diffusers' DDIMScheduler."""
    return dict(
        _class_name="DDIMScheduler",
        beta_start=BETA_START,
        beta_end=BETA_END,
        beta_schedule="linear",
        num_train_timesteps=T,
        clip_sample=True,
        set_alpha_to_one=True,
        steps_offset=0,
        prediction_type=prediction,
    )


def column(values):
    """[N] -> [N, 1, 1, 1], to multiply pictures."""
    return values[:, None, None, None]


def stratified(count, device):
    """[count] numbers, one uniform in each of `count` equal parts of 0 … 1."""
    return (torch.arange(count, device=device) + torch.rand(count, device=device)) / count


def stratified_timesteps(count, power=1.0, device="cpu"):
    """[count] timesteps t = T u^power, with one u uniform in each of `count` equal parts of 0 … 1.

    power 1 is uniform over T, as the paper has it; above 1 small t, where pictures take shape, come more often, which is a factor
    t^(1/power - 1) in gamma_t of Eq. 5.
    """
    u = stratified(count, device)
    return (T * u**power).long().clamp_(0, T - 1)


def log_normal_timesteps(count, mean, deviation, alpha_bar):
    """[count] timesteps whose noise against the picture, sqrt((1 - alpha_bar) / alpha_bar), is log-normal (Karras et al. 2022, who take -1.2 and 1.2).

    `mean` and `deviation` are of its natural logarithm; what lies beyond the ends of T falls on them. Stratified as above.
    """
    wanted = mean + deviation * torch.special.ndtri(stratified(count, alpha_bar.device).double())
    levels = 0.5 * ((1 - alpha_bar.double()) / alpha_bar.double()).log()
    return torch.bucketize(wanted, (levels[1:] + levels[:-1]) / 2)


def add_noise(x0, eps, alpha_bar):
    """x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) epsilon (Eq. 4)."""
    return column(alpha_bar.sqrt()) * x0 + column((1 - alpha_bar).sqrt()) * eps


def target(x0, eps, alpha_bar, prediction):
    """What the network is asked for: epsilon, or v = sqrt(alpha_bar) epsilon - sqrt(1 - alpha_bar) x0."""
    if prediction == "epsilon":
        return eps
    return column(alpha_bar.sqrt()) * eps - column((1 - alpha_bar).sqrt()) * x0


def loss(output, x0, eps, alpha_bar, prediction, min_snr=0.0):
    """Eq. 5, the mean over pixels and batch of gamma_t (epsilon - epsilon_theta)^2.

    For `epsilon` gamma_t = 1, DDPM's simple loss. For `v_prediction`, the square error of v, gamma_t = 1 / alpha_bar_t.
    With min_snr above 0 gamma_t = min(1, min_snr / SNR_t) for both (Hang et al. 2023: min(SNR_t, min_snr) on the square error of x0).
    """
    errors = (output.float() - target(x0, eps, alpha_bar, prediction)).square()
    if min_snr:
        errors = column(min_snr_weight(alpha_bar, prediction, min_snr)) * errors
    return errors.mean()


def min_snr_weight(alpha_bar, prediction, gamma):
    """The weight of the square error of epsilon, min(SNR, gamma) / SNR, or of v, min(SNR, gamma) / (SNR + 1); SNR = alpha_bar / (1 - alpha_bar)."""
    snr = alpha_bar / (1 - alpha_bar)
    return snr.clamp(max=gamma) / (snr if prediction == "epsilon" else snr + 1)


def epsilon_of(output, x, alpha_bar, prediction):
    """The epsilon a network's output means at x and alpha_bar (a scalar)."""
    if prediction == "epsilon":
        return output
    return alpha_bar.sqrt() * output + (1 - alpha_bar).sqrt() * x


def linear_timesteps(steps, start=T):
    """The timesteps tau_1 < … < tau_S below `start`, equally far apart."""
    return [i * start // steps for i in range(steps)]


@torch.no_grad()
def ddim(model, x, steps, prediction="epsilon", eta=0.0, noise=None, start=T):
    """Eq. 12 from x at the last of `linear_timesteps`: [N, C, H, W], clamped to [-1, 1] at the end; `noise` is a torch.Generator for eta > 0."""
    alpha_bar = alpha_bars(x.device)
    one = torch.ones((), device=x.device)
    taus = linear_timesteps(steps, start)
    for t, s in zip(reversed(taus), [*reversed(taus[:-1]), -1]):
        a, a_s = alpha_bar[t], alpha_bar[s] if s >= 0 else one
        output = model(x, torch.full((len(x),), t, device=x.device)).float()
        eps = epsilon_of(output, x, a, prediction)
        x0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        sigma = eta * ((1 - a_s) / (1 - a)).sqrt() * (1 - a / a_s).sqrt()  # Eq. 16
        x = a_s.sqrt() * x0 + (1 - a_s - sigma**2).clamp(min=0).sqrt() * eps
        if sigma > 0:
            x += sigma * torch.randn(x.shape, generator=noise, device=x.device)
    return x.clamp(-1, 1)
