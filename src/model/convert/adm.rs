//! openai's improved-diffusion and guided-diffusion (ADM), and what was made from them: `input_blocks.1.0.in_layers.2`,
//! `middle_block.1.qkv`, `output_blocks.0.0.emb_layers.1`. Source: guided_diffusion/unet.py.
//!
//! With L levels of R resnets, input_blocks holds the first convolution, then level by level R resnets and what halves the sides;
//! output_blocks holds level by level, from the deepest, R + 1 resnets, the last of them followed by what doubles the sides. As each
//! entry is a list, attention is `.1` and the upsampler `.1` or `.2`.

use super::names::{Converted, Names, common, sample_size};
use crate::{
    error::Result,
    schedule::{BetaSchedule, SchedulerConfig},
    weights::{Rows, Weights},
};
use serde_json::{Map, Value, json};

/// A network has no more entries.
const MAX: usize = 400;
/// Nor more levels: ten would halve the picture nine times.
const MAX_LEVELS: usize = 10;

/// What the tensors say of the network.
struct Structure {
    base: usize,
    channels: Vec<usize>,
    layers: usize,
    down_attention: Vec<bool>,
    /// From the deepest level.
    up_attention: Vec<bool>,
    resnets_resample: bool,
    scale_shift: bool,
    classes: Option<usize>,
    inputs: usize,
    outputs: usize,
}

/// What they do not say.
struct Assumed {
    /// Heads, or channels of each.
    heads: Heads,
    new_order: bool,
    steps: u32,
    cosine: bool,
}

#[derive(Clone, Copy)]
enum Heads {
    Count(usize),
    Channels(usize),
}

impl Heads {
    fn of(self, channels: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Channels(each) => channels / each.max(1),
        }
    }
}

pub(super) fn convert(weights: Weights, said: &Map<String, Value>) -> Result<Converted> {
    let mut names = Names::new(&weights);
    refuse_others(&names)?;
    let s = structure(&names, said)?;
    let assumed = assumed(&s, said, &names)?;
    rename(&mut names, &s, &assumed)?;
    let renamed = names.finish("guided-diffusion's network")?;
    let size = sample_size(&s.down_attention);
    let mut config = common(s.inputs, s.outputs, &s.channels, s.layers);
    let levels = s.channels.len();
    let types = |attention: &[bool], plain: &str, resnet: &str, resample: &dyn Fn(usize) -> bool| -> Value {
        let name = |(i, a): (usize, &bool)| match (a, s.resnets_resample && resample(i)) {
            (true, _) => format!("Attn{plain}"),
            (false, true) => resnet.to_owned(),
            (false, false) => plain.to_owned(),
        };
        attention.iter().enumerate().map(name).collect()
    };
    let sampler = if s.resnets_resample { "resnet" } else { "conv" };
    let own = json!({
        "sample_size": size,
        "down_block_types": types(&s.down_attention, "DownBlock2D", "ResnetDownsampleBlock2D", &|i| i + 1 < levels),
        "up_block_types": types(&s.up_attention, "UpBlock2D", "ResnetUpsampleBlock2D", &|i| i + 1 < levels),
        "downsample_type": sampler,
        "upsample_type": sampler,
        "attention_head_dim": if let Heads::Channels(each) = assumed.heads { Some(each) } else { None },
        // Under scale_shift diffusers has none in the middle unless it is named.
        "attn_norm_num_groups": 32,
        "norm_eps": 1e-5,
        "downsample_padding": 1,
        "freq_shift": 0,
        "flip_sin_to_cos": true,
        "resnet_time_scale_shift": if s.scale_shift { "scale_shift" } else { "default" },
        "num_class_embeds": s.classes,
    });
    config.extend(own.as_object().cloned().unwrap_or_default());
    let heads = if let Heads::Count(count) = assumed.heads { Some(count as u32) } else { None };
    let scheduler = SchedulerConfig {
        num_train_timesteps: assumed.steps,
        beta_schedule: if assumed.cosine { BetaSchedule::SquaredcosCapV2 } else { BetaSchedule::Linear },
        ..SchedulerConfig::default()
    };
    let each = match assumed.heads {
        Heads::Count(1) => "1 head".to_owned(),
        Heads::Count(count) => format!("{count} heads"),
        Heads::Channels(each) => format!("heads of {each} channels"),
    };
    let order = if assumed.new_order { "new" } else { "legacy" };
    Ok(Converted {
        config,
        heads,
        weights: weights.renamed(renamed)?,
        scheduler,
        whose: "guided-diffusion",
        assumed: format!("{each} in the {order} order, "),
        hint: if said.is_empty() { HINT } else { "; the rest is from config.json" },
    })
}

/// How to say what was assumed wrongly.
const HINT: &str = "; a config.json beside it may say otherwise (num_heads or num_head_channels, use_new_attention_order, noise_schedule, \
                    diffusion_steps, image_size)";

/// Networks with the same names and other layers in between.
fn refuse_others(names: &Names) -> Result<()> {
    let find = |part: &str| names.left.iter().find(|name| name.contains(part));
    if let Some(key) = find("transformer_blocks").or_else(|| find("attn2")) {
        return Err(names.bad(key, "a network conditioned on text or images, such as Stable Diffusion's, is not supported"));
    }
    if let Some(key) = find("in_layers.2.conv.weight").or_else(|| find("time_stack")) {
        return Err(names.bad(key, "a video network is not supported"));
    }
    Ok(())
}

fn structure(names: &Names, said: &Map<String, Value>) -> Result<Structure> {
    let entry = |list: &str, i: usize| names.left.iter().any(|n| n.starts_with(&format!("{list}.{i}.")));
    let (ins, outs) =
        ((0..MAX).take_while(|i| entry("input_blocks", *i)).count(), (0..MAX).take_while(|i| entry("output_blocks", *i)).count());
    let upsampler = |i: usize, part: &str| (1..3).any(|m| names.has(&format!("output_blocks.{i}.{m}.{part}")));
    let convs = (0..outs).filter(|i| upsampler(*i, "conv.weight")).count();
    let resnets = (0..outs).filter(|i| upsampler(*i, "in_layers.2.weight")).count();
    let levels = convs.max(resnets) + 1;
    let layers = (outs / levels).saturating_sub(1);
    if outs == 0
        || levels > MAX_LEVELS
        || levels * (layers + 1) != outs
        || 1 + levels * layers + levels - 1 != ins
        || (convs > 0 && resnets > 0)
    {
        let what = format!(
            "has {ins} input_blocks, {outs} output_blocks and {} upsamplers, which make no U-Net of guided-diffusion with learned resampling \
             (conv_resample = False is not supported)",
            convs + resnets
        );
        return Err(names.bad_file(what));
    }
    let first = |level: usize| 1 + level * (layers + 1);
    let channels: Vec<usize> =
        (0..levels).map(|i| names.side(&format!("input_blocks.{}.0.in_layers.2.weight", first(i)), 0)).collect::<Result<_>>()?;
    let base = names.side("time_embed.0.weight", 1)?;
    if names.side("input_blocks.0.0.weight", 0)? != base || channels.first() != Some(&base) {
        let what =
            format!("expected as many channels as in the first level ({}), got {base}; channel_mult[0] must be 1", channels[0]);
        return Err(names.bad("time_embed.0.weight", &what));
    }
    let (inputs, outputs) = (names.side("input_blocks.0.0.weight", 1)?, names.side("out.2.weight", 0)?);
    if inputs == 6 && outputs == 6 && !said.contains_key("in_channels") {
        let what = "has 6 inputs, as a network that enlarges a small picture which is its other input (64_256_upsampler.pt); such are not \
                    supported (in_channels in a config.json beside it says that it is none)";
        return Err(names.bad("input_blocks.0.0.weight", what));
    }
    let rows = names.side("input_blocks.1.0.emb_layers.1.weight", 0)?;
    Ok(Structure {
        base,
        down_attention: (0..levels).map(|i| names.has(&format!("input_blocks.{}.1.qkv.weight", first(i)))).collect(),
        up_attention: (0..levels).map(|u| names.has(&format!("output_blocks.{}.1.qkv.weight", u * (layers + 1)))).collect(),
        resnets_resample: resnets > 0,
        scale_shift: channels[0].checked_mul(2) == Some(rows),
        classes: names.has("label_emb.weight").then(|| names.side("label_emb.weight", 0)).transpose()?,
        inputs,
        outputs,
        channels,
        layers,
    })
}

/// Heads and noise as the published models of this size have them, unless config.json says otherwise.
///
/// guided-diffusion (README of openai/guided-diffusion) has resnets that change the sides, heads of 64 channels (its 128-pixel model: 4
/// heads) and linear betas; its 64-pixel model (192 channels) cosine betas and the new order. improved-diffusion has convolutions, 4 heads
/// and cosine betas of 4000 steps; its 256-pixel models (6 levels) one head and linear betas of 1000.
fn assumed(s: &Structure, said: &Map<String, Value>, names: &Names) -> Result<Assumed> {
    let levels = s.channels.len();
    let guided = s.resnets_resample;
    let deepest = s.channels.last().copied().unwrap_or(s.base);
    let known = match (guided, levels) {
        (true, 5) if s.base == 256 => Heads::Count(4),
        (true, _) if s.channels.iter().all(|c| c.is_multiple_of(64)) => Heads::Channels(64),
        (false, 6) => Heads::Count(1),
        _ => Heads::Count(4),
    };
    let number = |key: &str| said.get(key).and_then(Value::as_u64).filter(|n| (1..=16384).contains(n)).map(|n| n as usize);
    // num_head_channels = -1 is none.
    let heads = number("num_head_channels")
        .or_else(|| number("attention_head_dim"))
        .map(Heads::Channels)
        .or_else(|| number("num_heads").map(Heads::Count))
        .unwrap_or(known);
    if heads.of(deepest) == 0 || !deepest.is_multiple_of(heads.of(deepest)) {
        return Err(names.bad(
            "middle_block.1.qkv.weight",
            "its channels are no multiple of the heads; say num_heads in a config.json beside it",
        ));
    }
    let small = guided && levels == 4 && s.base == 192;
    let improved = !guided && levels < 6;
    let flag = |key: &str| said.get(key).and_then(Value::as_bool);
    Ok(Assumed {
        heads,
        new_order: flag("use_new_attention_order").unwrap_or(small),
        steps: said.get("diffusion_steps").and_then(Value::as_u64).map_or(if improved { 4000 } else { 1000 }, |n| n as u32),
        cosine: said.get("noise_schedule").and_then(Value::as_str).map_or(small || improved, |name| name == "cosine"),
    })
}

/// Gives every tensor its place.
fn rename(names: &mut Names, s: &Structure, assumed: &Assumed) -> Result<()> {
    let (levels, layers) = (s.channels.len(), s.layers);
    for (from, to) in [
        ("time_embed.0", "time_embedding.linear_1"),
        ("time_embed.2", "time_embedding.linear_2"),
        ("input_blocks.0.0", "conv_in"),
        ("out.0", "conv_norm_out"),
        ("out.2", "conv_out"),
    ] {
        names.layer(from, to);
    }
    names.tensor("label_emb.weight", "class_embedding.weight", None);
    for level in 0..levels {
        let channels = s.channels[level];
        for j in 0..layers {
            let (from, to) = (format!("input_blocks.{}", 1 + level * (layers + 1) + j), format!("down_blocks.{level}"));
            resnet(names, &format!("{from}.0"), &format!("{to}.resnets.{j}"));
            attend(names, &format!("{from}.1"), &format!("{to}.attentions.{j}"), channels, assumed)?;
        }
        if level + 1 < levels {
            let (from, to) =
                (format!("input_blocks.{}.0", (level + 1) * (layers + 1)), format!("down_blocks.{level}.downsamplers.0"));
            if s.resnets_resample {
                resnet(names, &from, &to);
            } else {
                names.layer(&format!("{from}.op"), &format!("{to}.conv"));
            }
        }
        let up = levels - 1 - level;
        for j in 0..=layers {
            let (from, to) = (format!("output_blocks.{}", up * (layers + 1) + j), format!("up_blocks.{up}"));
            resnet(names, &format!("{from}.0"), &format!("{to}.resnets.{j}"));
            attend(names, &format!("{from}.1"), &format!("{to}.attentions.{j}"), channels, assumed)?;
            if j == layers && level > 0 {
                // Behind the attention, where there is one.
                let at = if names.has(&format!("{from}.1.qkv.weight")) { 2 } else { 1 };
                if s.resnets_resample {
                    resnet(names, &format!("{from}.{at}"), &format!("{to}.upsamplers.0"));
                } else {
                    names.layer(&format!("{from}.{at}.conv"), &format!("{to}.upsamplers.0.conv"));
                }
            }
        }
    }
    resnet(names, "middle_block.0", "mid_block.resnets.0");
    resnet(names, "middle_block.2", "mid_block.resnets.1");
    attend(names, "middle_block.1", "mid_block.attentions.0", s.channels[levels - 1], assumed)
}

fn resnet(names: &mut Names, from: &str, to: &str) {
    for (part, other) in [
        ("in_layers.0", "norm1"),
        ("in_layers.2", "conv1"),
        ("emb_layers.1", "time_emb_proj"),
        ("out_layers.0", "norm2"),
        ("out_layers.3", "conv2"),
        ("skip_connection", "conv_shortcut"),
    ] {
        names.layer(&format!("{from}.{part}"), &format!("{to}.{other}"));
    }
}

/// q, k and v are the rows of one 1x1 convolution: all of q, then all of k, then all of v (new order), or q, k and v of the first head,
/// then of the second (legacy).
fn attend(names: &mut Names, from: &str, to: &str, channels: usize, assumed: &Assumed) -> Result<()> {
    let qkv = format!("{from}.qkv");
    if !names.has(&format!("{qkv}.weight")) {
        return Ok(());
    }
    let heads = assumed.heads.of(channels);
    if heads == 0 || !channels.is_multiple_of(heads) {
        let what = format!("its {channels} channels are no multiple of its heads; say num_heads in a config.json beside it");
        return Err(names.bad(&format!("{qkv}.weight"), &what));
    }
    names.layer(&format!("{from}.norm"), &format!("{to}.group_norm"));
    names.layer(&format!("{from}.proj_out"), &format!("{to}.to_out.0"));
    let groups = if assumed.new_order { 1 } else { heads };
    for (part, name) in ["to_q", "to_k", "to_v"].into_iter().enumerate() {
        for kind in ["weight", "bias"] {
            let rows = Rows { heads: groups, parts: 3, part };
            names.tensor(&format!("{qkv}.{kind}"), &format!("{to}.{name}.{kind}"), Some(rows));
        }
    }
    Ok(())
}
