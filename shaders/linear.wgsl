// linear: output = activation(input) * weights + bias, on rows of f32.
// Used for the time embedding of all steps at once, which runs once per run. One invocation: one output C4 of one row.
#import step
#import activation
#import linear_index

struct Linear {
    in_c4: u32,
    out_c4: u32,
    activation: u32,
    pad0: u32,
}

@group(0) @binding(0) var<uniform> p: Linear;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> input: array<vec4<f32>>;         // [rows, K4]
@group(0) @binding(3) var<storage, read> weights: array<C4>;              // [K, M4]: four output channels per element
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;          // [M4]
@group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;  // [rows, M4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= step.rows * p.out_c4 {
        return;
    }
    let row = i / p.out_c4;
    let column = i % p.out_c4;
    var sum = bias[column];
    for (var k = 0u; k < p.in_c4; k += 1u) {
        let x = activate(p.activation, input[row * p.in_c4 + k]);
        let w = k * 4u * p.out_c4 + column;
        sum += x.x * vec4<f32>(weights[w]);
        sum += x.y * vec4<f32>(weights[w + p.out_c4]);
        sum += x.z * vec4<f32>(weights[w + 2u * p.out_c4]);
        sum += x.w * vec4<f32>(weights[w + 3u * p.out_c4]);
    }
    output[i] = sum;
}
