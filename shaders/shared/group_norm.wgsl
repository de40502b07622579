// Geometry of the group normalisation kernels; the mirror of `GroupNormParams` in src/program/params.rs.
struct GroupNorm {
    batch: u32,
    pixels: u32,       // pixels per image
    a_c4: u32,         // C4 per pixel of source a
    b_c4: u32,         // C4 per pixel of source b, 0 for none
    a_c: u32,          // channels of source a, without padding
    channels: u32,     // channels of both
    groups: u32,
    chunks: u32,       // partial sums per image
    chunk: u32,        // pixels per partial sum
    scale_shift: u32,  // 1 where scale and shift come from the time embedding
    temb_offset: u32,  // C4 offset of this layer in a row of the embedding table
    temb_stride: u32,  // C4 per row of the embedding table
    eps: f32,
    activation: u32,
    run: u32,          // C4 that a workgroup of group_norm_fused normalises
    pad0: u32,
}
