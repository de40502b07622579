// group_norm_stats: mean and sum of squared deviations of each channel over chunks of pixels (Welford's recurrence, f32).
// The sources a and b are concatenated along channels without a copy. One invocation: one C4 of one chunk of one image.
#import group_norm
#import linear_index

@group(0) @binding(0) var<uniform> p: GroupNorm;
@group(0) @binding(1) var<storage, read> a: array<C4>;                      // [N, pixels, AC4]
@group(0) @binding(2) var<storage, read> b: array<C4>;                      // [N, pixels, BC4]
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;  // [N, chunks, 2, AC4 + BC4]: mean, then squares

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    let width = p.a_c4 + p.b_c4;
    if i >= p.batch * p.chunks * width {
        return;
    }
    let c4 = i % width;
    let part = i / width;
    let image = part / p.chunks;
    let first = (part % p.chunks) * p.chunk;
    let count = min(p.chunk, p.pixels - first);
    let start = image * p.pixels + first;
    var mean = vec4(0.0);
    var squares = vec4(0.0);
    for (var k = 0u; k < count; k += 1u) {
        var x: vec4<f32>;
        if c4 < p.a_c4 {
            x = vec4<f32>(a[(start + k) * p.a_c4 + c4]);
        } else {
            x = vec4<f32>(b[(start + k) * p.b_c4 + c4 - p.a_c4]);
        }
        let delta = x - mean;
        mean += delta / f32(k + 1u);
        squares += delta * (x - mean);
    }
    partials[part * 2u * width + c4] = mean;
    partials[(part * 2u + 1u) * width + c4] = squares;
}
