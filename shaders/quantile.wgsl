// quantile: the quantile c.y of |x0| of each image, linearly interpolated as torch.quantile does it, clamped to [1, c.z]
// (diffusers' dynamic thresholding). One workgroup: one image. A search over the 31 bits of the float finds the value of a
// rank without sorting: non-negative floats are ordered as their bits are.
#import image
#import step

@group(0) @binding(0) var<uniform> p: Image;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> x: array<f32>;                       // [N, H, W, 4*C4]
@group(0) @binding(3) var<storage, read> model: array<Scalar>;                // [N, H, W, 4*MC4]
@group(0) @binding(4) var<storage, read_write> threshold: array<vec4<f32>>;   // [N]: s in x

var<workgroup> below: atomic<u32>;
var<workgroup> shared_count: u32;

fn magnitude(image: u32, k: u32) -> u32 {
    let pixel = image * p.pixels + k / p.channels;
    let c = k % p.channels;
    let predicted = step.a.x * x[pixel * 4u * p.c4 + c] + step.a.y * f32(model[pixel * 4u * p.model_c4 + c]);
    return bitcast<u32>(predicted) & 0x7fffffffu;
}

// The bits of the value of this rank (0 = smallest).
fn select_rank(image: u32, lid: u32, rank: u32) -> u32 {
    var found = 0u;
    for (var bit = 31u; bit > 0u; bit -= 1u) {
        let candidate = found | (1u << (bit - 1u));
        if lid == 0u {
            atomicStore(&below, 0u);
        }
        workgroupBarrier();
        var count = 0u;
        for (var k = lid; k < p.pixels * p.channels; k += 64u) {
            count += select(0u, 1u, magnitude(image, k) < candidate);
        }
        atomicAdd(&below, count);
        workgroupBarrier();
        if lid == 0u {
            shared_count = atomicLoad(&below);
        }
        if workgroupUniformLoad(&shared_count) <= rank {
            found = candidate;
        }
    }
    return found;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let last = p.pixels * p.channels - 1u;
    let position = step.c.y * f32(last);
    let low = min(u32(floor(position)), last);
    let first = bitcast<f32>(select_rank(wid.x, lid, low));
    let second = bitcast<f32>(select_rank(wid.x, lid, min(low + 1u, last)));
    if lid == 0u {
        let quantile = first + (second - first) * (position - f32(low));
        threshold[wid.x] = vec4(clamp(quantile, 1.0, max(step.c.z, 1.0)), 0.0, 0.0, 0.0);
    }
}
