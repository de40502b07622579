// pack_picture: RGBA8 of x in [-1, 1]: clamp(x/2 + 0.5)*255 rounded half to even; grey where there are fewer than 3 channels.
// One invocation: one pixel.
#import image
#import linear_index

@group(0) @binding(0) var<uniform> p: Image;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;         // [N, H, W, C4]
@group(0) @binding(2) var<storage, read_write> pixels: array<u32>;    // [N, H, W]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= p.batch * p.pixels {
        return;
    }
    var colour = x[i * p.c4].xyz;
    if p.channels < 3u {
        colour = vec3(colour.x);
    }
    // WGSL's round goes half to even.
    let byte = vec3<u32>(round(clamp(colour * 0.5 + 0.5, vec3(0.0), vec3(1.0)) * 255.0));
    pixels[i] = byte.x | (byte.y << 8u) | (byte.z << 16u) | 0xff000000u;
}
