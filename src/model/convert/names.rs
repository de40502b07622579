//! What every conversion needs: the names that are left to place, and the result.

use crate::{
    error::{Error, Result},
    schedule::{BetaSchedule, SchedulerConfig},
    weights::{Renamed, Rows, Weights},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A network by diffusers' names.
#[derive(Debug)]
pub(crate) struct Converted {
    /// What diffusers' config.json of it would say.
    pub config: Map<String, Value>,
    /// Heads at every level of attention, where they are counted and not their channels.
    pub heads: Option<u32>,
    pub weights: Weights,
    /// The noise it was trained with, as far as is known.
    pub scheduler: SchedulerConfig,
    /// Whose names they are.
    pub whose: &'static str,
    /// What was assumed of the network.
    pub assumed: String,
    /// How to say otherwise.
    pub hint: &'static str,
}

impl Converted {
    /// What was assumed, in a sentence; of the noise only where no scheduler_config.json says it.
    pub fn note(&self, has_scheduler: bool) -> String {
        let s = &self.scheduler;
        let betas = match (&s.trained_betas, s.beta_schedule) {
            (Some(_), _) => "the betas in it".to_owned(),
            (None, BetaSchedule::SquaredcosCapV2) => "cosine betas".to_owned(),
            (None, _) => format!("linear betas {} to {}", s.beta_start, s.beta_end),
        };
        let noise = if has_scheduler {
            String::new()
        } else {
            format!(", {betas}, T = {}, predicts {}", s.num_train_timesteps, s.prediction_type)
        };
        let size = self.config.get("sample_size").unwrap_or(&Value::Null);
        format!(
            "a checkpoint by the names of {}, without its options; assumed: {}pictures of {size} x {size}{noise}{}",
            self.whose, self.assumed, self.hint
        )
    }
}

/// The names in a checkpoint, and which of them have been given a place.
pub(super) struct Names<'w> {
    weights: &'w Weights,
    pub left: BTreeSet<String>,
    renamed: Vec<Renamed>,
}

impl<'w> Names<'w> {
    pub fn new(weights: &'w Weights) -> Self {
        Self { weights, left: weights.names().into_iter().collect(), renamed: Vec::new() }
    }

    pub fn has(&self, name: &str) -> bool {
        self.weights.contains(name)
    }

    /// A side of a tensor's shape.
    ///
    /// # Errors
    /// The tensor is missing or has fewer sides.
    pub fn side(&self, name: &str, side: usize) -> Result<usize> {
        let shape = self.weights.shape(name).ok_or_else(|| self.bad(name, "is missing"))?;
        shape.get(side).copied().ok_or_else(|| self.bad(name, &format!("has shape {shape:?}, expected more sides")))
    }

    /// An error about a tensor.
    pub fn bad(&self, name: &str, what: &str) -> Error {
        Error::file(self.weights.origin(), format!("tensor {name}: {what}"))
    }

    /// An error about the whole file.
    pub fn bad_file(&self, what: String) -> Error {
        Error::file(self.weights.origin(), what)
    }

    /// Gives the weight and bias of a layer another name.
    pub fn layer(&mut self, from: &str, to: &str) {
        for part in ["weight", "bias"] {
            self.tensor(&format!("{from}.{part}"), &format!("{to}.{part}"), None);
        }
    }

    /// Gives a tensor, or some of its rows, another name; one that is missing is found to be so when the network is recorded.
    pub fn tensor(&mut self, from: &str, to: &str, rows: Option<Rows>) {
        self.left.remove(from);
        if self.has(from) {
            self.renamed.push(Renamed { from: from.to_owned(), to: to.to_owned(), rows });
        }
    }

    /// Everything by its new name.
    ///
    /// # Errors
    /// Tensors that have no place in the network as it was understood: it would be another one without them.
    pub fn finish(self, what: &str) -> Result<Vec<Renamed>> {
        match self.left.first() {
            None => Ok(self.renamed),
            Some(name) => Err(self.bad(name, &format!("has no place in {what} as its other tensors describe it"))),
        }
    }
}

/// The parts of config.json that all codes share.
pub(super) fn common(in_channels: usize, out_channels: usize, channels: &[usize], layers: usize) -> Map<String, Value> {
    let value = json!({
        "_class_name": "UNet2DModel",
        "sample_size": null,
        "in_channels": in_channels,
        "out_channels": out_channels,
        "block_out_channels": channels,
        "layers_per_block": layers,
        "norm_num_groups": 32,
        "act_fn": "silu",
        "center_input_sample": false,
    });
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// The pictures' side, from the levels that have attention: at 16 x 16 pixels where it is one level, down to 8 x 8 where they are more;
/// the published models of all these codes have it so. Without attention the last level has 4 x 4.
pub(super) fn sample_size(attention: &[bool]) -> usize {
    let with: Vec<usize> = (0..attention.len()).filter(|level| attention[*level]).collect();
    match with.as_slice() {
        [] => 4 << attention.len().saturating_sub(1),
        [one] => 16 << one,
        [.., deepest] => 8 << deepest,
    }
}
