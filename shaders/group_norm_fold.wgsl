// group_norm_fold: group mean and variance from the partials (Chan's combination), folded with gamma, beta and, under
// scale_shift, the time embedding into one factor and one summand per channel, so that applying is one multiply-add:
//   factor = gamma/sqrt(var + eps) * (1 + scale),  summand = (beta - mean*gamma/sqrt(var + eps)) * (1 + scale) + shift.
// Scalars here, for a group may have any number of channels. One invocation: one group of one image.
#import group_norm
#import step
#import linear_index

@group(0) @binding(0) var<uniform> p: GroupNorm;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> partials: array<f32>;        // [N, chunks, 2, 4*(AC4 + BC4)]: mean, then squares
@group(0) @binding(3) var<storage, read> affine: array<f32>;          // [2, 4*(AC4 + BC4)]: gamma, then beta
@group(0) @binding(4) var<storage, read> temb: array<f32>;            // [rows, 4*temb_stride]: scale, then shift
@group(0) @binding(5) var<storage, read_write> folded: array<f32>;    // [N, 2, 4*(AC4 + BC4)]: factor, then summand

// Where a channel lies in the padded concatenation.
fn place(c: u32) -> u32 {
    return select(4u * p.a_c4 + c - p.a_c, c, c < p.a_c);
}

fn pixels_of(chunk: u32) -> f32 {
    return f32(min(p.chunk, p.pixels - chunk * p.chunk));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= p.batch * p.groups {
        return;
    }
    let width = 4u * (p.a_c4 + p.b_c4);
    let image = i / p.groups;
    let size = p.channels / p.groups;
    let first = (i % p.groups) * size;
    let total = f32(p.pixels) * f32(size);
    var sum = 0.0;
    for (var k = 0u; k < p.chunks; k += 1u) {
        let at = (image * p.chunks + k) * 2u * width;
        for (var c = first; c < first + size; c += 1u) {
            sum += pixels_of(k) * partials[at + place(c)];
        }
    }
    let mean = sum / total;
    var squares = 0.0;
    for (var k = 0u; k < p.chunks; k += 1u) {
        let at = (image * p.chunks + k) * 2u * width;
        for (var c = first; c < first + size; c += 1u) {
            let off = partials[at + place(c)] - mean;
            squares += partials[at + width + place(c)] + pixels_of(k) * off * off;
        }
    }
    let inverse = 1.0 / sqrt(squares / total + p.eps);
    let row = step.row_base + image * step.row_stride;
    let time = 4u * (row * p.temb_stride + p.temb_offset);
    for (var c = first; c < first + size; c += 1u) {
        let at = place(c);
        var factor = affine[at] * inverse;
        var summand = affine[width + at] - mean * factor;
        if p.scale_shift != 0u {
            let scale = 1.0 + temb[time + at];
            factor = factor * scale;
            summand = summand * scale + temb[time + width + at];
        }
        folded[image * 2u * width + at] = factor;
        folded[(image * 2u + 1u) * width + at] = summand;
    }
    // Padding channels become zero; the last group clears them.
    if first + size == p.channels {
        clear(image, width);
    }
}

// Zero factor and summand of the padding behind both parts.
fn clear(image: u32, width: u32) {
    for (var at = p.a_c; at < 4u * p.a_c4; at += 1u) {
        folded[image * 2u * width + at] = 0.0;
        folded[(image * 2u + 1u) * width + at] = 0.0;
    }
    for (var at = 4u * p.a_c4 + (p.channels - p.a_c); at < width; at += 1u) {
        folded[image * 2u * width + at] = 0.0;
        folded[(image * 2u + 1u) * width + at] = 0.0;
    }
}
