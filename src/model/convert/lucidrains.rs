//! lucidrains' denoising-diffusion-pytorch: every version of its Unet has layers that no UNet2DModel has, so it is refused with the
//! reason and the key. Source: denoising_diffusion_pytorch.py of lucidrains/denoising-diffusion-pytorch.

use crate::{error::Error, weights::Weights};

/// Why the network cannot be run.
pub(super) fn refusal(weights: &Weights) -> Error {
    let names = weights.names();
    // Only linear attention projects its result by a sequence of layers: to_out.0, then a norm.
    let linear = names.iter().find_map(|name| {
        let block = name.strip_suffix("to_out.0.weight").filter(|_| name.starts_with("downs.") || name.starts_with("ups."))?;
        Some((format!("{block}to_qkv.weight"), "linear attention (a softmax over channels and another over pixels)"))
    });
    let find = |ending: &str, what: &'static str| names.iter().find(|n| n.ends_with(ending)).map(|n| (n.clone(), what));
    let reason = linear
        .or_else(|| find("mem_kv", "attention with memory keys and values of its own"))
        .or_else(|| find("ds_conv.weight", "the depthwise convolutions of ConvNeXt blocks"))
        .or_else(|| find("init_conv.weight", "a 7x7 convolution at its start"))
        .or_else(|| find(".g", "normalisation over the channels of each pixel"));
    let why = reason.map_or_else(
        || "has layers which no UNet2DModel has".to_owned(),
        |(key, what)| format!("uses {what}, as {key} shows, which no UNet2DModel has"),
    );
    Error::file(
        weights.origin(),
        format!("is a checkpoint of denoising-diffusion-pytorch (lucidrains); its network {why}, so this program cannot run it"),
    )
}
