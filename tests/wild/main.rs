//! Files as they are found: one small case for each public report, its source in a comment. Where diffusers is the reference, the values
//! are diffusers'; `tests/fixtures/making/` holds the scripts that made them.

mod checkpoints;
mod noise;
mod recipe;
mod scheduler;
mod steps;
mod unet_config;

use etude::{model::EMBEDDED, schedule::SchedulerConfig};
use serde_json::{Value, json};

/// The scheduler_config.json of an embedded model with some keys changed, as text.
fn scheduler_json(changes: &Value) -> String {
    let mut config: Value = serde_json::from_slice(EMBEDDED[0].scheduler).expect("JSON");
    for (key, value) in changes.as_object().expect("an object") {
        config[key] = value.clone();
    }
    config.to_string()
}

/// The same, read.
fn scheduler(changes: &Value) -> Result<SchedulerConfig, String> {
    SchedulerConfig::from_json(scheduler_json(changes), "scheduler_config.json").map_err(|error| error.to_string())
}

#[test]
fn the_embedded_scheduler_is_read() {
    scheduler(&json!({})).expect("right");
}
