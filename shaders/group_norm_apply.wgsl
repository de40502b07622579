// group_norm_apply: output = activation(x*factor + summand) on the concatenation of a and b.
// The concatenation is written here and nowhere else. One invocation: one C4 of up to 8 pixels of one image, so that factor and
// summand are loaded once for them.
#import group_norm
#import activation
#import linear_index

@group(0) @binding(0) var<uniform> p: GroupNorm;
@group(0) @binding(1) var<storage, read> a: array<C4>;                 // [N, pixels, AC4]
@group(0) @binding(2) var<storage, read> b: array<C4>;                 // [N, pixels, BC4]
@group(0) @binding(3) var<storage, read> folded: array<vec4<f32>>;     // [N, 2, AC4 + BC4]: factor, then summand
@group(0) @binding(4) var<storage, read_write> output: array<C4>;      // [N, pixels, AC4 + BC4]

const PIXELS_PER_INVOCATION: u32 = 8u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    let width = p.a_c4 + p.b_c4;
    let blocks = (p.pixels + PIXELS_PER_INVOCATION - 1u) / PIXELS_PER_INVOCATION;
    if i >= p.batch * blocks * width {
        return;
    }
    let c4 = i % width;
    let block = i / width;
    let image = block / blocks;
    let factor = folded[image * 2u * width + c4];
    let summand = folded[(image * 2u + 1u) * width + c4];
    let first = (block % blocks) * PIXELS_PER_INVOCATION;
    let last = min(first + PIXELS_PER_INVOCATION, p.pixels);
    for (var k = first; k < last; k += 1u) {
        let pixel = image * p.pixels + k;
        var x: vec4<f32>;
        if c4 < p.a_c4 {
            x = vec4<f32>(a[pixel * p.a_c4 + c4]);
        } else {
            x = vec4<f32>(b[pixel * p.b_c4 + c4 - p.a_c4]);
        }
        output[pixel * width + c4] = C4(activate(p.activation, x * factor + summand));
    }
}
