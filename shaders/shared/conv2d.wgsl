// What conv2d and conv2d_wide bind: the geometry, the mirror of `Conv2dParams` in src/program/params.rs, and the tensors.
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
    shortcut_a_c4: u32,  // C4 per pixel of the first source of a shortcut, which is bound as b; 0 where there is no shortcut
    shortcut_b_c4: u32,  // C4 per pixel of its second source, which is bound as the residual; 0 for none
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> p: Conv2d;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> weights: array<C4>;           // [tap][4*(AC4 + BC4)][OC4]: four output channels per element;
                                                                       // behind them [4*(SAC4 + SBC4)][OC4] of a shortcut
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;       // [OC4]
@group(0) @binding(4) var<storage, read> a: array<C4>;                 // [N, IH, IW, AC4]
@group(0) @binding(5) var<storage, read> b: array<C4>;                 // [N, IH, IW, BC4]
@group(0) @binding(6) var<storage, read> temb: array<vec4<f32>>;       // [rows, temb_stride]
@group(0) @binding(7) var<storage, read> residual: array<C4>;          // [N, OH, OW, OC4]
@group(0) @binding(8) var<storage, read_write> output: array<C4>;      // [N, OH, OW, OC4]
