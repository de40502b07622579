// resample: half the picture's sides, each pixel the mean of four (a resnet that goes down), or twice its sides, each pixel
// repeated (a resnet that goes up). Source: diffusers ResnetBlock2D with `down` or `up`. One invocation: one C4 of the output.
#import linear_index

struct Resample {
    batch: u32,
    height: u32,  // of the output
    width: u32,
    c4: u32,      // C4 per pixel
    down: u32,    // 1: half the sides, 0: twice
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> p: Resample;
@group(0) @binding(1) var<storage, read> input: array<C4>;          // [N, H, W, C4]
@group(0) @binding(2) var<storage, read_write> output: array<C4>;   // [N, H/2, W/2, C4] or [N, 2H, 2W, C4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= p.batch * p.height * p.width * p.c4 {
        return;
    }
    let c4 = i % p.c4;
    let pixel = i / p.c4;
    let x = pixel % p.width;
    let row = pixel / p.width;
    let y = row % p.height;
    let image = row / p.height;
    if p.down != 0u {
        let above = ((image * p.height + y) * 2u * 2u * p.width + 2u * x) * p.c4 + c4;
        let below = above + 2u * p.width * p.c4;
        let sum = (vec4<f32>(input[above]) + vec4<f32>(input[above + p.c4])) + (vec4<f32>(input[below]) + vec4<f32>(input[below + p.c4]));
        output[i] = C4(0.25 * sum);
    } else {
        let from_row = image * (p.height / 2u) + y / 2u;
        output[i] = input[(from_row * (p.width / 2u) + x / 2u) * p.c4 + c4];
    }
}
