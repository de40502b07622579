// Geometry of a convolution; the mirror of `Conv2dParams` in src/program/params.rs.
struct Conv2d {
    batch: u32,
    out_h: u32,
    out_w: u32,
    out_c4: u32,       // output [N, OH, OW, OC4]
    in_h: u32,         // stored input, before upsampling
    in_w: u32,
    a_c4: u32,         // C4 per pixel of source a
    b_c4: u32,         // C4 per pixel of source b, concatenated behind a; 0 for none
    kernel: u32,       // 1 or 3
    stride: u32,       // 1 or 2
    pad: u32,          // zero rows above and columns to the left
    upsample: u32,     // 1 or 2: nearest, before the convolution
    temb_offset: u32,  // C4 offset of this layer in a row of the embedding table
    temb_stride: u32,  // C4 per row of the embedding table
    flags: u32,        // bit 0: add the time embedding; bit 1: add the residual
    scale: f32,        // factor of the whole result
}
