// network_input: output = x*scale + shift, from the sampler's f32 to the network's storage precision.
// scale 2, shift -1 where the config says center_input_sample. Padding channels meet zero weights later.
// One invocation: one C4.
#import image
#import linear_index

@group(0) @binding(0) var<uniform> p: Image;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;           // [N, H, W, C4]
@group(0) @binding(2) var<storage, read_write> output: array<C4>;       // [N, H, W, C4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i < p.batch * p.pixels * p.c4 {
        output[i] = C4(x[i] * p.scale + p.shift);
    }
}
