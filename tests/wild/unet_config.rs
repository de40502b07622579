//! null in the config.json of a UNet2DModel: what diffusers 0.42 does with None, key by key.

use etude::model::{EMBEDDED, UnetConfig};
use serde_json::{Value, json};
use std::path::Path;

/// An embedded model's config.json with one key changed; `None` leaves it out.
fn config(key: &str, value: Option<Value>) -> Result<UnetConfig, String> {
    let mut config: Value = serde_json::from_slice(EMBEDDED[0].config).expect("JSON");
    let fields = config.as_object_mut().expect("an object");
    match value {
        Some(value) => drop(fields.insert(key.to_owned(), value)),
        None => drop(fields.remove(key)),
    }
    UnetConfig::from_json(config.to_string().as_bytes(), Path::new("config.json")).map_err(|error| error.to_string())
}

#[test]
fn null_means_what_diffusers_means() {
    // None is false to an `if`.
    for key in ["flip_sin_to_cos", "add_attention", "center_input_sample"] {
        assert_eq!(config(key, Some(Value::Null)), config(key, Some(json!(false))), "{key}");
    }
    assert_ne!(config("flip_sin_to_cos", Some(Value::Null)), config("flip_sin_to_cos", None));
    for key in
        ["time_embedding_dim", "attn_norm_num_groups", "downsample_type", "upsample_type", "class_embed_type", "num_class_embeds"]
    {
        assert_eq!(config(key, Some(Value::Null)), config(key, None), "{key}");
    }
    assert_eq!(config("attention_head_dim", Some(Value::Null)).expect("one head").attention_head_dim, None);
    assert_eq!(config("attention_head_dim", None).expect("the default").attention_head_dim, Some(8));
    assert!(!config("mid_block_type", Some(Value::Null)).expect("none").mid_block);
    assert_eq!(config("sample_size", Some(Value::Null)).expect("not said").sample_size, None);
}

#[test]
fn null_that_diffusers_cannot_run_is_refused_by_name() {
    for key in [
        "in_channels",
        "out_channels",
        "block_out_channels",
        "down_block_types",
        "up_block_types",
        "layers_per_block",
        "act_fn",
        "norm_num_groups",
        "norm_eps",
        "freq_shift",
        "time_embedding_type",
        "resnet_time_scale_shift",
        "downsample_padding",
        "mid_block_scale_factor",
    ] {
        let error = config(key, Some(Value::Null)).expect_err(key);
        assert_eq!(error, format!("config.json: {key}: expected a value, or no such key for diffusers' default, got null"));
    }
}
