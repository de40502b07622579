//! diffusers' config.json of a UNet2DModel -> [`UnetConfig`]. Missing keys take the library's defaults; a value we cannot run is
//! refused by name.

use super::block_types::{DOWN, UP, list};
use crate::{
    error::{Error, Result},
    json::{self, Fields, whole},
    program::Activation,
};
use serde_json::Value;
use std::path::Path;

/// The most classes of a network.
const MAX_CLASSES: u32 = 1 << 16;

/// Every switch of diffusers' UNet2DModel that this program runs.
#[derive(Clone, Debug, PartialEq)]
pub struct UnetConfig {
    /// Channels of the sample.
    pub in_channels: u32,
    /// Channels of the prediction.
    pub out_channels: u32,
    /// Height and width it was trained at, where the file says.
    pub sample_size: Option<(u32, u32)>,
    /// Channels of each level.
    pub block_out_channels: Vec<u32>,
    /// Whether each level going down has attention (`AttnDownBlock2D`).
    pub down_attention: Vec<bool>,
    /// Whether each level going up has attention (`AttnUpBlock2D`).
    pub up_attention: Vec<bool>,
    /// Whether each level ends going down in a resnet that halves the sides, and not in a convolution (`ResnetDownsampleBlock2D`, or
    /// `downsample_type` resnet with attention). The last level has neither.
    pub down_resnet: Vec<bool>,
    /// Whether each level ends going up in a resnet that doubles the sides, and not in a convolution.
    pub up_resnet: Vec<bool>,
    /// Resnets per level going down; going up one more.
    pub layers_per_block: u32,
    /// Groups of every normalisation.
    pub norm_num_groups: u32,
    /// Groups of the middle block's attention, where it differs.
    pub attn_norm_num_groups: Option<u32>,
    /// Added to every variance.
    pub norm_eps: f32,
    /// Channels per head; `None` is one head of full width.
    pub attention_head_dim: Option<u32>,
    /// Heads of every attention, whatever its width, in the place of `attention_head_dim`: improved-diffusion's `num_heads`.
    pub attention_heads: Option<u32>,
    /// Classes of a class-conditional network.
    pub num_classes: Option<u32>,
    /// Whether there is a middle block at all (`mid_block_type` may be null).
    pub mid_block: bool,
    /// Whether the middle block has attention.
    pub add_attention: bool,
    /// The timestep embedding's frequency shift.
    pub freq_shift: f32,
    /// cos before sin in the timestep embedding.
    pub flip_sin_to_cos: bool,
    /// Width of the embedding after its two layers; `None` is four times the first level's channels.
    pub time_embedding_dim: Option<u32>,
    /// 1: symmetric zero padding before a stride-2 convolution; 0: right and bottom only.
    pub downsample_padding: u32,
    /// The middle block's results are divided by it.
    pub mid_block_scale_factor: f32,
    /// The time embedding scales and shifts the second normalisation, instead of being added before it.
    pub scale_shift: bool,
    /// The sample is mapped to 2x − 1 first.
    pub center_input_sample: bool,
    /// The resnets' non-linearity.
    pub activation: Activation,
}

fn channels(fields: &Fields) -> Result<Vec<u32>> {
    let Some(list) = list(fields, "block_out_channels")? else { return Ok(vec![224, 448, 672, 896]) };
    let channels: Option<Vec<u32>> = list.iter().map(|v| whole(v, 1, 16384)).collect();
    channels.ok_or_else(|| fields.wrong("block_out_channels", "whole numbers from 1 to 16384"))
}

fn sample_size(fields: &Fields) -> Result<Option<(u32, u32)>> {
    let wrong = || fields.wrong("sample_size", "a whole number, or [height, width], each from 1 to 8192");
    let one = |v: &Value| whole(v, 1, 8192);
    match fields.value("sample_size") {
        None => Ok(None),
        Some(Value::Array(pair)) => match pair.iter().map(one).collect::<Option<Vec<_>>>().as_deref() {
            Some([h, w]) => Ok(Some((*h, *w))),
            _ => Err(wrong()),
        },
        Some(value) => one(value).map(|n| Some((n, n))).ok_or_else(wrong),
    }
}

/// Keys that diffusers fails on where they are null; docs/checkpoints.md has the table of what null means for the others.
const NEVER_NULL: [&str; 14] = [
    "in_channels",
    "out_channels",
    "time_embedding_type",
    "freq_shift",
    "down_block_types",
    "up_block_types",
    "block_out_channels",
    "layers_per_block",
    "mid_block_scale_factor",
    "downsample_padding",
    "act_fn",
    "norm_num_groups",
    "norm_eps",
    "resnet_time_scale_shift",
];

/// Keys of before 2022, or of other codes, and what UNet2DModel calls the same; diffusers would take its default in silence.
const OLD_KEYS: [(&str, &str); 16] = [
    ("block_channels", "block_out_channels"),
    ("down_blocks", "down_block_types"),
    ("up_blocks", "up_block_types"),
    ("num_res_blocks", "layers_per_block"),
    ("image_size", "sample_size"),
    ("resolution", "sample_size"),
    ("downscale_freq_shift", "freq_shift"),
    ("resnet_num_groups", "norm_num_groups"),
    ("num_groups", "norm_num_groups"),
    ("resnet_act_fn", "act_fn"),
    ("resnet_eps", "norm_eps"),
    ("num_head_channels", "attention_head_dim"),
    ("num_classes", "num_class_embeds"),
    ("use_scale_shift_norm", "resnet_time_scale_shift"),
    ("resamp_with_conv", "downsample_type"),
    ("ch_mult", "block_out_channels"),
];

/// Old names of keys that are there while the new ones are not: what they say would be passed over.
fn refuse_old_keys(fields: &Fields) -> Result<()> {
    let old = OLD_KEYS.iter().filter(|(old, new)| fields.value(old).is_some() && !fields.contains(new));
    let old: Vec<String> = old.map(|(old, new)| format!("{old} is called {new}")).collect();
    if old.is_empty() {
        return Ok(());
    }
    Err(fields.about(&format!("has names of keys that UNet2DModel does not read: {}; rename them", old.join(", "))))
}

/// Keys whose presence means a network we do not run.
fn refuse_unsupported(fields: &Fields) -> Result<()> {
    refuse_old_keys(fields)?;
    fields.choice("_class_name", &["UNet2DModel"])?;
    fields.choice("time_embedding_type", &["positional"])?;
    fields.choice("mid_block_type", &["UNetMidBlock2D"])?;
    if fields.value("class_embed_type").is_some() {
        return Err(fields.wrong("class_embed_type", "null (classes are supported where num_class_embeds says how many)"));
    }
    Ok(())
}

impl UnetConfig {
    /// Parses config.json; `origin` is what messages call it.
    ///
    /// # Errors
    /// Not JSON, a value of the wrong kind, or one that names a network this program does not run.
    pub fn from_json(json: &[u8], origin: &Path) -> Result<Self> {
        let value = json::parse(json).map_err(|e| Error::file(origin, format!("not valid JSON: {e}")))?;
        let fields = Fields::new(&value, origin, "a UNet2DModel")?;
        fields.not_null(&NEVER_NULL)?;
        refuse_unsupported(&fields)?;
        let activations = [
            ("silu", Activation::Silu),
            ("swish", Activation::Silu),
            ("mish", Activation::Mish),
            ("gelu", Activation::Gelu),
            ("relu", Activation::Relu),
        ];
        let (down, up) = (DOWN.levels(&fields)?, UP.levels(&fields)?);
        let config = Self {
            in_channels: fields.integer("in_channels", 1, 4096)?.unwrap_or(3),
            out_channels: fields.integer("out_channels", 1, 4096)?.unwrap_or(3),
            sample_size: sample_size(&fields)?,
            block_out_channels: channels(&fields)?,
            down_attention: down.iter().map(|level| level.attention).collect(),
            up_attention: up.iter().map(|level| level.attention).collect(),
            down_resnet: down.iter().map(|level| level.resnet).collect(),
            up_resnet: up.iter().map(|level| level.resnet).collect(),
            layers_per_block: fields.integer("layers_per_block", 1, 64)?.unwrap_or(2),
            norm_num_groups: fields.integer("norm_num_groups", 1, 16384)?.unwrap_or(32),
            attn_norm_num_groups: fields.integer("attn_norm_num_groups", 1, 16384)?,
            norm_eps: fields.float("norm_eps")?.unwrap_or(1e-5),
            attention_head_dim: if fields.contains("attention_head_dim") {
                fields.integer("attention_head_dim", 1, 16384)?
            } else {
                Some(8)
            },
            attention_heads: None,
            num_classes: fields.integer("num_class_embeds", 1, MAX_CLASSES)?,
            mid_block: !fields.contains("mid_block_type") || fields.value("mid_block_type").is_some(),
            add_attention: fields.flag("add_attention", true)?,
            freq_shift: fields.float("freq_shift")?.unwrap_or(0.0),
            flip_sin_to_cos: fields.flag("flip_sin_to_cos", true)?,
            time_embedding_dim: fields.integer("time_embedding_dim", 1, 65536)?,
            downsample_padding: fields.integer("downsample_padding", 0, 1)?.unwrap_or(1),
            mid_block_scale_factor: fields.float("mid_block_scale_factor")?.unwrap_or(1.0),
            scale_shift: fields.choice("resnet_time_scale_shift", &["default", "scale_shift"])? == Some(1),
            center_input_sample: fields.flag("center_input_sample", false)?,
            activation: activations[fields.choice("act_fn", &activations.map(|a| a.0))?.unwrap_or(0)].1,
        };
        config.check(&fields)?;
        Ok(config)
    }

    fn check(&self, fields: &Fields) -> Result<()> {
        let levels = self.block_out_channels.len();
        for (key, types) in [("down_block_types", &self.down_attention), ("up_block_types", &self.up_attention)] {
            if types.len() != levels {
                return Err(fields.wrong(key, &format!("{levels} entries, one for each of block_out_channels")));
            }
        }
        let groups = self.norm_num_groups;
        if let Some(c) = self.block_out_channels.iter().find(|c| *c % groups != 0) {
            return Err(fields.wrong("norm_num_groups", &format!("a divisor of every level's channels (not of {c})")));
        }
        if let (Some(groups), Some(c)) = (self.attn_norm_num_groups, self.block_out_channels.last())
            && c % groups != 0
        {
            return Err(fields.wrong("attn_norm_num_groups", &format!("a divisor of the last level's {c} channels")));
        }
        if let (Some(dim), Some(least)) = (self.attention_head_dim, self.attention_levels().map(|(_, channels)| channels).min())
            && dim > least
        {
            return Err(fields.wrong("attention_head_dim", &format!("at most the {least} channels of a level with attention")));
        }
        // The embedding divides by half its width less the shift; beyond half, its frequencies would grow without bound.
        let half = self.block_out_channels[0] / 2;
        if half == 0 {
            return Err(fields.wrong("block_out_channels", "a first level of 2 channels or more (sine and cosine of the timestep)"));
        }
        if self.freq_shift >= half as f32 {
            return Err(fields.wrong("freq_shift", &format!("a number below {half}, half the first level's channels")));
        }
        // What is divided by it must stay finite.
        if self.mid_block_scale_factor.abs() < 1e-6 {
            return Err(fields.wrong("mid_block_scale_factor", "a number other than 0, of 1e-6 or more"));
        }
        if self.norm_eps < 0.0 {
            return Err(fields.wrong("norm_eps", "a number of 0 or more"));
        }
        Ok(())
    }

    /// Level (0 is the picture's size, each further one halves it) and channels of everything that has attention.
    pub(super) fn attention_levels(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        let levels = self.block_out_channels.iter().copied().enumerate();
        let down = levels.clone().zip(self.down_attention.iter().copied());
        let up = levels.clone().rev().zip(self.up_attention.iter().copied());
        let mid = levels.clone().next_back().zip(Some(self.mid_block && self.add_attention));
        down.chain(up).chain(mid).filter(|(_, attention)| *attention).map(|(level, _)| level)
    }

    /// Heads and channels per head for attention over `channels`.
    pub fn heads(&self, channels: u32) -> (u32, u32) {
        if let Some(heads) = self.attention_heads {
            return (heads, channels / heads);
        }
        match self.attention_head_dim {
            Some(dim) => (channels / dim, dim),
            None => (1, channels),
        }
    }

    /// Width of the time embedding after its two layers.
    pub fn time_dim(&self) -> u32 {
        self.time_embedding_dim.unwrap_or(self.block_out_channels[0] * 4)
    }

    /// Whether the network has outputs for the variance behind those of its prediction: twice as many as the sample has channels
    /// (Nichol and Dhariwal 2021).
    pub fn learns_variance(&self) -> bool {
        self.out_channels == 2 * self.in_channels
    }

    /// Channels of the prediction alone, without those of a learned variance.
    pub fn prediction_channels(&self) -> u32 {
        if self.learns_variance() { self.in_channels } else { self.out_channels }
    }

    /// Both sides of a sample must be multiples of this.
    pub fn size_step(&self) -> u32 {
        1 << (self.block_out_channels.len() - 1)
    }
}
