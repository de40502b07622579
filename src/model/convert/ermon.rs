//! ermongroup/ddim (ckpt.pth) and pesser/pytorch_diffusion (.ckpt), which share names with the TensorFlow DDPM: `down.0.block.0.norm1`,
//! `mid.attn_1.q`, `up.0.block.0.nin_shortcut`. `up` is counted by resolution, `up.0` being the picture's own; diffusers counts it in the
//! order of evaluation. Source: models/diffusion.py of ermongroup/ddim, scripts/convert_ddpm_original_checkpoint_to_diffusers.py.

use super::names::{Converted, Names, common, sample_size};
use crate::{error::Result, schedule::SchedulerConfig, weights::Weights};
use serde_json::{Value, json};

/// A network is no deeper: ten levels would halve the picture nine times.
const MAX_LEVELS: usize = 10;
/// Nor has it more resnets per level.
const MAX_LAYERS: usize = 64;

pub(super) fn convert(weights: Weights) -> Result<Converted> {
    let mut names = Names::new(&weights);
    let count = |max: usize, name: &dyn Fn(usize) -> String| (0..max).take_while(|i| names.has(&name(*i))).count();
    let levels = count(MAX_LEVELS, &|i| format!("down.{i}.block.0.conv1.weight"));
    let layers = count(MAX_LAYERS, &|j| format!("down.0.block.{j}.conv1.weight"));
    let channels: Vec<usize> =
        (0..levels).map(|i| names.side(&format!("down.{i}.block.0.conv1.weight"), 0)).collect::<Result<_>>()?;
    let (base, time) = (names.side("conv_in.weight", 0)?, names.side("temb.dense.0.weight", 1)?);
    if channels.first() != Some(&base) || base != time {
        let got = format!("expected as many channels at the first level and in the embedding, got {base}, {channels:?} and {time}");
        return Err(names.bad("conv_in.weight", &got));
    }
    let attention: Vec<bool> = (0..levels).map(|i| names.has(&format!("down.{i}.attn.0.q.weight"))).collect();
    let up_attention: Vec<bool> = (0..levels).rev().map(|i| names.has(&format!("up.{i}.attn.0.q.weight"))).collect();
    let (inputs, outputs) = (names.side("conv_in.weight", 1)?, names.side("conv_out.weight", 0)?);
    // Parameters that the sampler has no use for: a learned log-variance of its own per timestep.
    names.left.remove("logvar");
    for (from, to) in [
        ("temb.dense.0", "time_embedding.linear_1"),
        ("temb.dense.1", "time_embedding.linear_2"),
        ("conv_in", "conv_in"),
        ("norm_out", "conv_norm_out"),
        ("conv_out", "conv_out"),
    ] {
        names.layer(from, to);
    }
    for i in 0..levels {
        let up = levels - 1 - i;
        for j in 0..layers {
            resnet(&mut names, &format!("down.{i}.block.{j}"), &format!("down_blocks.{i}.resnets.{j}"))?;
            attend(&mut names, &format!("down.{i}.attn.{j}"), &format!("down_blocks.{i}.attentions.{j}"));
        }
        for j in 0..=layers {
            resnet(&mut names, &format!("up.{i}.block.{j}"), &format!("up_blocks.{up}.resnets.{j}"))?;
            attend(&mut names, &format!("up.{i}.attn.{j}"), &format!("up_blocks.{up}.attentions.{j}"));
        }
        if i + 1 < levels {
            let from = ["conv", "op"].map(|name| format!("down.{i}.downsample.{name}"));
            let Some(from) = from.iter().find(|name| names.has(&format!("{name}.weight"))) else {
                return Err(names.bad(
                    &format!("{}.weight", from[0]),
                    "is missing; resamp_with_conv = False (average pooling) is not supported",
                ));
            };
            names.layer(from, &format!("down_blocks.{i}.downsamplers.0.conv"));
        }
        if i > 0 {
            names.layer(&format!("up.{i}.upsample.conv"), &format!("up_blocks.{up}.upsamplers.0.conv"));
        }
    }
    let mid_attention = names.has("mid.attn_1.q.weight");
    for (from, to) in [("mid.block_1", "mid_block.resnets.0"), ("mid.block_2", "mid_block.resnets.1")] {
        resnet(&mut names, from, to)?;
    }
    attend(&mut names, "mid.attn_1", "mid_block.attentions.0");
    let renamed = names.finish("ermongroup/ddim's network")?;
    let size = sample_size(&attention);
    let mut config = common(inputs, outputs, &channels, layers);
    let types = |plain: &str, attention: &[bool]| -> Value {
        attention.iter().map(|a| if *a { format!("Attn{plain}") } else { plain.to_owned() }).collect()
    };
    let own = json!({
        "sample_size": size,
        "down_block_types": types("DownBlock2D", &attention),
        "up_block_types": types("UpBlock2D", &up_attention),
        "add_attention": mid_attention,
        "attention_head_dim": null,
        "norm_eps": 1e-6,
        "downsample_padding": 0,
        "freq_shift": 1,
        "flip_sin_to_cos": false,
    });
    config.extend(own.as_object().cloned().unwrap_or_default());
    Ok(Converted {
        config,
        heads: None,
        weights: weights.renamed(renamed)?,
        scheduler: SchedulerConfig::default(),
        whose: "ermongroup/ddim",
        assumed: String::new(),
        hint: "",
    })
}

fn resnet(names: &mut Names, from: &str, to: &str) -> Result<()> {
    let convolution = format!("{from}.conv_shortcut.weight");
    if names.has(&convolution) {
        return Err(names.bad(&convolution, "a shortcut of 3x3 is not supported, only nin_shortcut of 1x1"));
    }
    for (part, other) in [
        ("norm1", "norm1"),
        ("conv1", "conv1"),
        ("temb_proj", "time_emb_proj"),
        ("norm2", "norm2"),
        ("conv2", "conv2"),
        ("nin_shortcut", "conv_shortcut"),
    ] {
        names.layer(&format!("{from}.{part}"), &format!("{to}.{other}"));
    }
    Ok(())
}

fn attend(names: &mut Names, from: &str, to: &str) {
    for (part, other) in [("norm", "group_norm"), ("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")] {
        names.layer(&format!("{from}.{part}"), &format!("{to}.{other}"));
    }
}
