//! Recording self-attention: the projections of the checkpoint as one, the scores in chunks.

use super::{
    Model,
    blocks::{ConvSpec, Recorder},
};
use crate::{
    error::Result,
    program::{
        Activation, AttentionApply, AttentionChunk, AttentionFused, AttentionScores, AttentionSoftmax, Element, Kernel, Life,
        Shape, Stage, TensorId, layout,
    },
};

/// The most bytes of attention scores alive at once; more tokens go in chunks. Half the smallest binding limit of WebGPU.
const SCORES_BYTES: u64 = 64 << 20;

impl Recorder<'_> {
    /// Self-attention over the pixels with its residual: diffusers' Attention. `groups` is `None` where there is no normalisation.
    pub fn attention(&mut self, name: &str, x: TensorId, groups: Option<u32>, output_scale: f32) -> Result<TensorId> {
        let input = self.program.shape(x);
        let channels = input.channels;
        let (heads, dim) = self.model.config.heads(channels);
        let head_c4 = dim.div_ceil(4);
        let y = match groups {
            Some(groups) => self.group_norm(&format!("{name}.group_norm"), x.into(), groups, Activation::None, None)?,
            None => x,
        };
        let width = heads * head_c4 * 4;
        let names = self.projections(name);
        let (weight_names, bias_names) = (names.map(|n| format!("{name}.{n}.weight")), names.map(|n| format!("{name}.{n}.bias")));
        let inner = (heads * dim) as usize;
        let (qkv_names, qkv_bias_names) = (weight_names[..3].to_vec(), bias_names[..3].to_vec());
        let qkv_key = format!("{name}.to_qkv.weight");
        let qkv_weights = self.constant(&qkv_key, Shape::rows(layout::padded(channels) as u32, 3 * width), Element::C4, |m| {
            let mut all = vec![0.0; 3 * width as usize * channels as usize];
            for (part, key) in qkv_names.iter().enumerate() {
                let values = m.weights().get(key, &[inner, channels as usize], true)?;
                for (row, values) in values.chunks_exact(channels as usize).enumerate() {
                    let (head, d) = (row / dim as usize, row % dim as usize);
                    let at = (part * width as usize + head * head_c4 as usize * 4 + d) * channels as usize;
                    all[at..at + channels as usize].copy_from_slice(values);
                }
            }
            Ok(layout::pack_conv(&all, 3 * width, &[channels], 1))
        })?;
        let pad_heads = move |v: &[f32]| layout::pack_vector(v, &vec![dim; heads as usize]);
        let qkv_bias = self.constant(&format!("{name}.to_qkv.bias"), Shape::rows(1, 3 * width), Element::F32, |m| {
            let mut all = Vec::with_capacity(3 * width as usize);
            for key in &qkv_bias_names {
                all.extend(pad_heads(&optional_bias(m, key, inner)?));
            }
            Ok(all)
        })?;
        let qkv = self.packed_conv(&format!("{name}.to_qkv"), y.into(), qkv_weights, qkv_bias, 3 * width, ConvSpec::pointwise())?;
        let attended = self.attend(name, qkv, heads, dim);
        let (out_key, out_bias) = (&weight_names[3], &bias_names[3]);
        let weights = self.constant(out_key, Shape::rows(width, channels), Element::C4, |m| {
            let values = m.weights().get(out_key, &[channels as usize, inner], true)?;
            Ok(layout::pack_conv(&values, channels, &vec![dim; heads as usize], 1))
        })?;
        let bias = self.bias(out_bias, channels)?;
        let spec = ConvSpec { residual: Some(x), scale: 1.0 / output_scale, ..ConvSpec::pointwise() };
        self.packed_conv(&format!("{name}.to_out.0"), attended.into(), weights, bias, channels, spec)
    }

    /// softmax(q·kᵀ/√d)·v, in chunks that keep the scores within [`SCORES_BYTES`].
    fn attend(&mut self, name: &str, qkv: TensorId, heads: u32, dim: u32) -> TensorId {
        let input = self.program.shape(qkv);
        let (tokens, head_c4) = (input.pixels(), dim.div_ceil(4));
        let row_bytes = u64::from(tokens.div_ceil(4)) * 16;
        let rows_at_once = (SCORES_BYTES / row_bytes).max(1);
        let groups_all = input.batch * heads;
        let (groups, rows) = if rows_at_once >= u64::from(tokens) {
            ((rows_at_once / u64::from(tokens)).min(u64::from(groups_all)) as u32, tokens)
        } else {
            (1, rows_at_once as u32)
        };
        let output = self.program.scratch(name, Shape::new(input.batch, input.height, input.width, heads * head_c4 * 4));
        if self.fused.attention && tokens <= AttentionFused::MAX_TOKENS {
            let scale = 1.0 / (dim as f32).sqrt();
            let chunk =
                AttentionChunk { tokens, heads, head_c4, group_base: 0, groups: groups_all, row_base: 0, rows: tokens, scale };
            self.program.call(Stage::Network, name, Kernel::AttentionFused(AttentionFused { qkv, output, chunk }));
            return output;
        }
        let scores =
            self.program.tensor(format!("{name} scores"), Shape::new(groups, rows, 1, tokens), Element::F32, Life::Scratch);
        for group_base in (0..groups_all).step_by(groups as usize) {
            for row_base in (0..tokens).step_by(rows as usize) {
                let chunk = AttentionChunk {
                    tokens,
                    heads,
                    head_c4,
                    group_base,
                    groups: groups.min(groups_all - group_base),
                    row_base,
                    rows: rows.min(tokens - row_base),
                    scale: 1.0 / (dim as f32).sqrt(),
                };
                let calls = [
                    Kernel::AttentionScores(AttentionScores { qkv, scores, chunk }),
                    Kernel::AttentionSoftmax(AttentionSoftmax { scores, chunk }),
                    Kernel::AttentionApply(AttentionApply { qkv, scores, output, chunk }),
                ];
                for call in calls {
                    self.program.call(Stage::Network, name, call);
                }
            }
        }
        output
    }

    /// The names of q, k, v and the output projection in this file: today's, or those of older exports.
    fn projections(&self, name: &str) -> [&'static str; 4] {
        if self.model.weights().contains(&format!("{name}.query.weight")) {
            ["query", "key", "value", "proj_attn"]
        } else {
            ["to_q", "to_k", "to_v", "to_out.0"]
        }
    }
}

/// A bias that may be missing altogether (a projection without one).
fn optional_bias(model: &Model, key: &str, len: usize) -> Result<Vec<f32>> {
    if model.weights().contains(key) { model.weights().get(key, &[len], false) } else { Ok(vec![0.0; len]) }
}
