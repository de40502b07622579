// gaussian: z ~ N(0, 1), a pure function of (seed, image, step, place): Philox4x32-10 and Box-Muller (shared/philox.wgsl). The step is
// its index, or an interval of time, over which z is the increment of a Brownian path (shared/noise_path.wgsl).
// Each member of the batch has a seed and an image number of its own, so image 7 of a batch of 64 is image 7 of a batch of 8, and
// members of one batch may belong to different runs. One invocation: one C4.
#import image
#import step
#import philox
#import noise_path
#import linear_index

@group(0) @binding(0) var<uniform> p: Image;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> members: array<vec4<u32>>;       // [N]: seed's low and high half, image, unused
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;  // [N, H, W, C4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    let image_c4 = p.pixels * p.c4;
    if i >= p.batch * image_c4 {
        return;
    }
    let member = members[i / image_c4];
    var z: vec4<f32>;
    if step.path_span != 0u {
        z = path_c4(member.xy, member.z, step.path_start, step.path_end, step.path_span, i % image_c4);
    } else {
        // Stream 1 is step noise; stream 0 is x_T.
        z = normal_c4(member.xy, 1u, member.z, step.step, i % image_c4);
    }
    let channel = (i % p.c4) * 4u + vec4<u32>(0u, 1u, 2u, 3u);
    output[i] = select(vec4(0.0), z, channel < vec4(p.channels));
}
