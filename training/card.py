"""The model card: FOLDER/card.json holds the facts, which `etude info` prints, and FOLDER/README.md says the same to a reader."""

import math

from files import TrainingError, read_json, write_json, write_text

WEIGHTS_LICENCE = "MIT, as Étude"
PREDICTIONS = {"epsilon": "the network predicts ε", "v_prediction": "the network predicts v = √ᾱ ε − √(1−ᾱ) x0"}
LOSSES = {"epsilon": "simple loss (Eq. 5 with γ = 1)", "v_prediction": "Eq. 5 with γ_t = 1/ᾱ_t"}


def loss(args):
    """What was minimised, in words."""
    min_snr = args.get("min_snr", 0)
    weighted = f"Eq. 5 with γ_t = min(1, {min_snr:g}/SNR_t), SNR = ᾱ/(1−ᾱ)" if min_snr else LOSSES[args["prediction"]]
    return f"{weighted}, {PREDICTIONS[args['prediction']]}"


def facts(state, which, weights_sha256, sheet, note):
    """Everything the card says, from a checkpoint's state; `which` of its weights they are; `sheet` samples are in samples.png."""
    shape, args, log = state["shape"], state["args"], state["log"]
    last = log[-max(1, len(log) // 50) :]
    return dict(
        data=state["data"],
        network=dict(
            widths=shape.widths(),
            layers=shape.layers,
            attention=list(shape.attention),
            parameters=sum(v.numel() for v in state["net"].values()),
            weights_sha256=weights_sha256,
        ),
        training=dict(
            start=state.get("start"),
            changes=state.get("changes", []),
            prediction=args["prediction"],
            loss=loss(args),
            timestep_power=args["timestep_power"],
            log_normal=list(args.get("log_normal", ())),
            images=state["images"],
            steps=state["steps"],
            batch=args["batch"],
            optimizer=args.get("optimizer", "adamw"),
            learning_rate=args["lr"],
            warm_up=args["warm_up"],
            ema=args["ema"],
            weights=which,
            decay=args.get("decay", "cosine"),
            decay_from=args.get("decay_from", 0.6),
            double_batch=list(args.get("double_batch", ())),
            half_size=args.get("half_size", 0.0),
            dropout=args["dropout"],
            flip=args["flip"],
            precision=args["precision"],
            seed=args["seed"],
            minutes=round(state["seconds"] / 60, 1),
            hardware=state["hardware"],
            torch=state["torch"],
            last_loss=round(sum(loss for _, loss in last) / len(last), 5) if last else None,
        ),
        sheet=sheet,
        note=note,
    )


# Table 1 of the paper, CIFAR-10: S -> (eta -> FID).
PAPER = {
    steps: dict(zip(("0", "0.2", "0.5", "1", "sigma-hat"), row))
    for steps, row in {
        "10": (13.36, 14.04, 16.66, 41.07, 367.43),
        "20": (6.84, 7.11, 8.35, 18.36, 133.37),
        "50": (4.67, 4.77, 5.25, 8.01, 32.72),
        "100": (4.16, 4.25, 4.46, 5.78, 9.99),
    }.items()
}


def read(folder):
    """The facts in a model folder.

    Raises TrainingError where there is no card.
    """
    path = folder / "card.json"
    if not path.exists():
        raise TrainingError(f"{path}: not found; export.py writes it")
    return read_json(path)


def images_in_all(facts):
    """Images seen by a model and by those it began with."""
    training = facts["training"]
    return training["images"] + (training["start"]["images"] if training.get("start") else 0)


def write(folder, facts):
    write_json(folder / "card.json", facts)
    write_text(folder / "README.md", markdown(folder.name, facts))


def by_number(table):
    return sorted(table.items(), key=lambda item: int(item[0]))


def fid_markdown(fid):
    # As in the paper, whatever was measured first.
    rows = [row for table in (fid["table"], *fid.get("seeds", {}).values()) for row in table.values()]
    etas = sorted({eta for row in rows for eta in row}, key=lambda eta: math.inf if eta == "sigma-hat" else float(eta))
    floor = f"; as many pictures of the data itself have {fid['floor']['fid']:.2f}, `--data {fid['floor']['data']}`" if "floor" in fid else ""
    lines = [
        f"## FID\n\n{fid['samples']:,} samples a cell against {fid['reference']}; {fid['how']}. In brackets the paper's Table 1: CIFAR-10, "
        f"a network of 35.7 M parameters, 50,000 samples (few samples alone raise an FID{floor}; compare within a table).\n",
        "| S | " + " | ".join(f"η = {eta}" if eta != "sigma-hat" else "σ̂" for eta in etas) + " |",
        "|---" * (len(etas) + 1) + "|",
    ]
    for steps, row in by_number(fid["table"]):
        paper = PAPER.get(steps, {})
        cells = [(f"{row[eta]:.2f}" if eta in row else "–") + (f" ({paper[eta]:.2f})" if eta in paper else "") for eta in etas]
        lines.append(f"| {steps} | {' | '.join(cells)} |")
    # Beside the table's own, seed 0.
    for seed, table in by_number(fid.get("seeds", {})):
        for steps, row in by_number(table):
            lines.append(f"| {steps}, seed {seed} | {' | '.join(f'{row[eta]:.2f}' if eta in row else '–' for eta in etas)} |")
    return "\n".join(lines) + "\n"


def percent(share):
    return f"{100 * share:g} %"


def batches(training):
    doubled = " and ".join(percent(share) for share in training.get("double_batch", []))
    half = training.get("half_size", 0)
    return (
        f"{training['batch']}"
        + (f", doubled after {doubled} of the budget" if doubled else "")
        + (f", at half the side, averaged, in the first {percent(half)} of the budget" if half else "")
    )


def decay(training):
    if training.get("decay", "cosine") == "cosine":
        start = training.get("decay_from", 0.6)
        return "cosine decay" + (f" after {percent(start)} of the budget" if start != 0.6 else "")
    return f"decay by the inverse square root after {percent(training['decay_from'])} of the budget"


def times(count):
    return "once" if 0.95 <= count < 1.05 else f"{count:.1f} times" if count < 1.95 else f"{count:.0f} times"


def timesteps(training):
    """How often each t came."""
    if training.get("log_normal"):
        mean, deviation = training["log_normal"]
        return f"t by log-normal noise, ln √((1−ᾱ)/ᾱ) of mean {mean:g} and deviation {deviation:g}"
    power = training["timestep_power"]
    return "t uniform" if power == 1 else f"t = T u^{power:g}, u uniform"


def optimizer(training):
    return "Muon and AdamW (0.9, 0.99)" if training.get("optimizer") == "muon" else "AdamW (0.9, 0.99)"


def average(training):
    which = training.get("weights", "ema")
    if which == "ema":
        return f"EMA {training['ema']:g}"
    return "not averaged" if which == "net" else f"averaged with the power-function profile of σ_rel {which} (Karras et al. 2023)"


def nearest_markdown(nearest):
    heads = " | ".join("least" if p == 0 else f"{p} %" for p in nearest["percentiles"])
    lines = [
        f"## Nearest training pictures\n\nHow far {nearest['samples']} samples ({nearest['how']}) are from the nearest of {nearest['of']}, as percentiles: "
        f"by pixels, root mean square of 255, and by the features of the FID's Inception network. Beside them {nearest['others']}. "
        "Copies of training pictures would be much nearer than these. Written by training/nearest.py.\n",
        f"| | {heads} |",
        "|---" * (len(nearest["percentiles"]) + 1) + "|",
    ]
    for space, found in nearest["distances"].items():
        for name, values in found.items():
            lines.append(f"| {space}, {name if name == 'samples' else nearest['others']} | {' | '.join(f'{value:.2f}' for value in values)} |")
    shares = " and ".join(f"{100 * share:.1f} % by {space}" for space, share in nearest["nearer"].items())
    lines.append(f"\nNearer than 95 % of {nearest['others']}: {shares} of the samples.")
    return "\n".join(lines) + "\n"


def rows(facts):
    """(what, text) of the card's table; nothing about what is not known."""
    data, network, training = facts["data"], facts["network"], facts["training"]
    height, width, channels = data["size"]
    seen = training["images"]
    yield "Network", (
        f"diffusers' UNet2DModel, google/ddpm-cifar10-32 conventions; channels {', '.join(map(str, network['widths']))}; "
        f"{network['layers']} resnets a level; attention at {', '.join(f'{side}×{side}' for side in network['attention'])}; "
        f"{network['parameters']:,} parameters; {'' if training.get('weights') == 'net' else 'averaged '}weights in f16, SHA-256 {network['weights_sha256']}"
    )
    yield "Data", (
        f"{data['title']}: {data['pictures']:,} {'grey' if channels == 1 else 'colour'} pictures, {height}×{width}; {data['source']}; "
        f"SHA-256 of the pictures {data['sha256']}"
    )
    yield "Licence", f"of the data: {data['licence']}; of the weights: {WEIGHTS_LICENCE}"
    yield "Loss", f"{training['loss']}; linear β 1e-4 … 0.02, T = 1000, {timesteps(training)}"
    if start := training.get("start"):
        widened = start.get("widths", network["widths"]) != network["widths"]
        how = f", widened from {'-'.join(map(str, start['widths']))} channels" if widened else ""
        yield "Begun with", f"the weights of {start['name']} ({start['images']:,} images seen in all, SHA-256 {start['weights_sha256']}){how}"
    yield "Training", (
        f"{seen:,} images seen ({times(seen / data['pictures'])} each on average) in {training['steps']:,} steps of {batches(training)}; "
        f"{optimizer(training)} at {training['learning_rate']:g} with {training['warm_up']} steps of warm-up and {decay(training)}, gradient norm "
        f"clipped at 1, {average(training)}, dropout {training['dropout']:g}, "
        f"{'mirrored half the time' if training['flip'] else 'not mirrored'}, {training['precision']}, "
        + (f"seed {training['seed']}" if training["seed"] is not None else "seed not recorded")
    )
    if training.get("changes"):
        yield "Changed on the way", "; ".join(training["changes"])
    yield "Hardware", f"{'; '.join(training['hardware'])}; {training['minutes']:g} minutes, PyTorch {training['torch']}"
    if training["last_loss"] is not None:
        yield "Result", f"mean loss at the end {training['last_loss']:g} (training weights)"
    if facts["note"]:
        yield "Note", facts["note"]


def markdown(name, facts):
    lines = [
        f"# {name}: a DDPM U-Net for {facts['data']['title']}\n",
        f"![{facts['sheet']} samples](samples.png)\n",
        f"{facts['sheet']} samples, 50 DDIM steps, η = 0 (torch seed 0). {facts.get('origin', 'Written by training/export.py from the run itself.')}\n",
        "| | |\n|---|---|",
        *(f"| {what} | {text} |" for what, text in rows(facts)),
        "",
    ]
    fid = facts.get("fid")
    parts = ["\n".join(lines) + "\n" + (fid_markdown(fid) if fid else "FID: not measured.\n")]
    if facts.get("nearest"):
        parts.append(nearest_markdown(facts["nearest"]))
    return "\n".join(parts)
