// time_embedding: rows of [sin, cos] of t * exp(-ln 10000 * i / (half - freq_shift)), swapped where `flip` is set.
// Source: diffusers get_timestep_embedding. An odd last channel is zero. One invocation: one output C4 of one row.
#import step
#import linear_index

struct TimeEmbedding {
    half: u32,
    out_c4: u32,
    flip: u32,
    pad0: u32,
}

@group(0) @binding(0) var<uniform> p: TimeEmbedding;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> timesteps: array<vec4<f32>>;     // [rows]: t in x
@group(0) @binding(3) var<storage, read> frequencies: array<f32>;         // [half], computed on the host
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;  // [rows, C4]

// t*f less whole turns, in two parts: a driver's sin may be good to 2^-11 only, and only within [-pi, pi].
fn sin_turn(angle: f32) -> f32 {
    // 2*pi in three parts, each exact in few bits, so that the products below are exact.
    let turns = round(angle * 0.15915494);
    var r = angle - turns * 6.28125;
    r = r - turns * 0.0019350051879882812;
    r = r - turns * 3.019916e-7;
    // Reflect into [-pi/2, pi/2], where the odd polynomial is good to 4e-9 (Taylor to degree 13).
    if r > 1.57079633 {
        r = (3.14159274 - r) - 8.742278e-8;
    } else if r < -1.57079633 {
        r = (-3.14159274 - r) + 8.742278e-8;
    }
    let q = r * r;
    return r + r * q * (-0.16666667 + q * (8.3333333e-3 + q * (-1.984127e-4 + q * (2.7557319e-6 + q * (-2.5052108e-8 + q * 1.6059044e-10)))));
}

fn entry(t: f32, channel: u32) -> f32 {
    if channel >= 2u * p.half {
        return 0.0;
    }
    let first = channel < p.half;
    let i = select(channel - p.half, channel, first);
    let angle = t * frequencies[i];
    let cosine = first == (p.flip != 0u);
    return select(sin_turn(angle), cos_turn(angle), cosine);
}

fn cos_turn(angle: f32) -> f32 {
    // cos(a) = 1 - 2 sin^2(a/2): halving is exact.
    let s = sin_turn(angle * 0.5);
    return 1.0 - 2.0 * s * s;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= step.rows * p.out_c4 {
        return;
    }
    let t = timesteps[i / p.out_c4].x;
    let c = (i % p.out_c4) * 4u;
    output[i] = vec4(entry(t, c), entry(t, c + 1u), entry(t, c + 2u), entry(t, c + 3u));
}
