// ddim_step: one step of the sampler in place (paper, Eq. 12, every coefficient computed on the host in f64):
//   x0 = a.x*x + a.y*m,  epsilon = a.z*x + a.w*m,  x0 thresholded or clipped,
//   x_s = b.x*x + b.y*x0 + b.z*epsilon + b.w*z.
// One set of coefficients serves epsilon, sample and v prediction, DDIM and the larger variance. One invocation: one C4.
#import image
#import step
#import linear_index

@group(0) @binding(0) var<uniform> p: Image;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> model: array<C4>;             // m: [N, H, W, MC4]
@group(0) @binding(3) var<storage, read> noise: array<vec4<f32>>;      // z: [N, H, W, C4]
@group(0) @binding(4) var<storage, read> threshold: array<vec4<f32>>;  // [N]: s in x
@group(0) @binding(5) var<storage, read_write> x: array<vec4<f32>>;    // [N, H, W, C4]: x_t in, x_s out
@group(0) @binding(6) var<storage, read_write> x0: array<vec4<f32>>;   // [N, H, W, C4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= p.batch * p.pixels * p.c4 {
        return;
    }
    let current = x[i];
    let m = vec4<f32>(model[(i / p.c4) * p.model_c4 + i % p.c4]);
    var predicted = step.a.x * current + step.a.y * m;
    let epsilon = step.a.z * current + step.a.w * m;
    if (step.flags & 2u) != 0u {
        let s = threshold[i / (p.pixels * p.c4)].x;
        predicted = clamp(predicted, vec4(-s), vec4(s)) / s;
    }
    if (step.flags & 1u) != 0u {
        predicted = clamp(predicted, vec4(-step.c.x), vec4(step.c.x));
    }
    x0[i] = predicted;
    var next = step.b.x * current + step.b.y * predicted + step.b.z * epsilon;
    if step.b.w != 0.0 {
        next += step.b.w * noise[i];
    }
    x[i] = next;
}
