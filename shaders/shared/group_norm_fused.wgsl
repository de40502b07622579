// What group_norm_fused and group_norm_fused_wide bind, and what they make of a group's mean and variance.
@group(0) @binding(0) var<uniform> p: GroupNorm;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> a: array<C4>;                // [N, pixels, AC4]
@group(0) @binding(3) var<storage, read> b: array<C4>;                // [N, pixels, BC4]
@group(0) @binding(4) var<storage, read> affine: array<vec4<f32>>;    // [2, AC4 + BC4]: gamma, then beta
@group(0) @binding(5) var<storage, read> temb: array<vec4<f32>>;      // [rows, temb_stride]: scale, then shift
@group(0) @binding(6) var<storage, read_write> output: array<C4>;     // [N, pixels, AC4 + BC4]

// What the values of a C4 are multiplied with, and what is added.
struct Folded { factor: vec4<f32>, summand: vec4<f32> }

// For C4 `c4` of both sources: `inverse` is 1/sqrt(var + eps), of each channel's group, as `mean` is.
fn folded(image: u32, c4: u32, mean: vec4<f32>, inverse: vec4<f32>) -> Folded {
    let width = p.a_c4 + p.b_c4;
    var factor = affine[c4] * inverse;
    var summand = affine[width + c4] - mean * factor;
    if p.scale_shift != 0u {
        let time = (step.row_base + image * step.row_stride) * p.temb_stride + p.temb_offset;
        let scale = 1.0 + temb[time + c4];
        factor *= scale;
        summand = summand * scale + temb[time + width + c4];
    }
    // Padding channels become zero.
    let is_real = vec4(4u * c4) + vec4(0u, 1u, 2u, 3u) < vec4(p.channels);
    return Folded(select(vec4(0.0), factor, is_real), select(vec4(0.0), summand, is_real));
}
