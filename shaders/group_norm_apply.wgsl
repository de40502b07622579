// group_norm_apply: output = activation(x*factor + summand) on the concatenation of a and b.
// The concatenation is written here and nowhere else. One invocation: one output lane.
#import group_norm
#import activation
#import linear_index

@group(0) @binding(0) var<uniform> p: GroupNorm;
@group(0) @binding(1) var<storage, read> a: array<Lane>;               // [N, pixels, AC4]
@group(0) @binding(2) var<storage, read> b: array<Lane>;               // [N, pixels, BC4]
@group(0) @binding(3) var<storage, read> folded: array<vec4<f32>>;     // [N, 2, AC4 + BC4]: factor, then summand
@group(0) @binding(4) var<storage, read_write> output: array<Lane>;    // [N, pixels, AC4 + BC4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    let width = p.a_c4 + p.b_c4;
    if i >= p.batch * p.pixels * width {
        return;
    }
    let lane = i % width;
    let pixel = i / width;
    let at = (pixel / p.pixels) * 2u * width + lane;
    var x: vec4<f32>;
    if lane < p.a_c4 {
        x = vec4<f32>(a[pixel * p.a_c4 + lane]);
    } else {
        x = vec4<f32>(b[pixel * p.b_c4 + lane - p.a_c4]);
    }
    output[i] = Lane(activate(p.activation, x * folded[at] + folded[at + width]));
}
