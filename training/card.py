"""The model card: FOLDER/card.json holds the facts, which `etude info` prints, and FOLDER/README.md says the same to a reader."""

from files import TrainingError, read_json, write_json, write_text

LOSSES = {
    "epsilon": "simple loss (Eq. 5 with γ = 1), the network predicts ε",
    "v_prediction": "Eq. 5 with γ_t = 1/ᾱ_t, the network predicts v = √ᾱ ε − √(1−ᾱ) x0",
}


def facts(state, weights_sha256, note):
    """Everything the card says, from a checkpoint's state."""
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
            prediction=args["prediction"],
            loss=LOSSES[args["prediction"]],
            timestep_power=args["timestep_power"],
            images=state["images"],
            steps=state["steps"],
            batch=args["batch"],
            learning_rate=args["lr"],
            warm_up=args["warm_up"],
            ema=args["ema"],
            dropout=args["dropout"],
            flip=args["flip"],
            precision=args["precision"],
            seed=args["seed"],
            minutes=round(state["seconds"] / 60, 1),
            hardware=state["hardware"],
            torch=state["torch"],
            last_loss=round(sum(loss for _, loss in last) / len(last), 5) if last else None,
        ),
        sheet=64,
        note=note,
    )


def read(folder):
    """The facts in a model folder.

    Raises TrainingError where there is no card.
    """
    path = folder / "card.json"
    if not path.exists():
        raise TrainingError(f"{path}: not found; export.py writes it")
    return read_json(path)


def write(folder, facts):
    write_json(folder / "card.json", facts)
    write_text(folder / "README.md", markdown(folder.name, facts))


def fid_markdown(fid):
    etas = list(next(iter(fid["table"].values())))
    lines = [
        f"## FID\n\n{fid['samples']} samples a cell against {fid['reference']}; {fid['how']}.\n",
        "| S | " + " | ".join(f"η = {eta}" if eta != "sigma-hat" else "σ̂" for eta in etas) + " |",
        "|---" * (len(etas) + 1) + "|",
    ]
    for steps, row in fid["table"].items():
        cells = [f"{row[eta]:.2f}" if eta in row else "–" for eta in etas]
        lines.append(f"| {steps} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def markdown(name, facts):
    data, network, training = facts["data"], facts["network"], facts["training"]
    power = training["timestep_power"]
    grey = data["size"][2] == 1
    text = f"""# {name}: a DDPM U-Net for {data["title"]}

{facts.get("origin", "Written by training/export.py from the run itself.")}

- Network: diffusers' UNet2DModel, google/ddpm-cifar10-32 conventions, channels {", ".join(map(str, network["widths"]))}, {network["layers"]} resnets a level, attention at {", ".join(f"{a}×{a}" for a in network["attention"])}, {network["parameters"]:,} parameters; averaged weights in f16, SHA-256 {network["weights_sha256"]}.
- Data: {data["pictures"]:,} {"grey" if grey else "colour"} pictures, {data["size"][0]}×{data["size"][1]}; {data["source"]}. Licence: {data["licence"]}. SHA-256 of the pictures {data["sha256"]}.
- Training: {training["loss"]}; linear β 1e-4 … 0.02, T = 1000, {"t uniform" if power == 1 else f"t = T u^{power:g}, u uniform"}. {training["images"]:,} images seen ({training["images"] / data["pictures"]:.0f} times each on average) in {training["steps"]:,} steps of {training["batch"]}, AdamW (0.9, 0.99) at {training["learning_rate"]:g} with {training["warm_up"]} steps of warm-up and cosine decay, gradient norm clipped at 1, EMA {training["ema"]:g}, dropout {training["dropout"]:g}, {"mirrored half the time" if training["flip"] else "not mirrored"}, {training["precision"]}, seed {training["seed"]}.
- Hardware and time: {"; ".join(training["hardware"])}; {training["minutes"]:g} minutes, PyTorch {training["torch"]}.
- Mean loss at the end: {training["last_loss"]:g} (training weights).
- samples.png: {facts["sheet"]} samples, 50 DDIM steps, η = 0, torch seed 0, not chosen.{" loss.png: the loss." if training["last_loss"] and "origin" not in facts else ""}
"""
    if facts["note"]:
        text += f"- {facts['note']}\n"
    fid = facts.get("fid")
    text += "\n" + fid_markdown(fid) if fid else "- FID: not measured.\n"
    return text
