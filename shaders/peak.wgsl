// peak: nothing but multiply-adds on registers, to measure what this device can do at most.
// One invocation: 16 independent chains of ROUNDS vec4 multiply-adds, 2*4*16*ROUNDS operations.

@group(0) @binding(0) var<storage, read_write> output: array<vec4<f32>>;

const ROUNDS: u32 = 1024u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let m = vec4(0.999 + 1e-9 * f32(id.x));
    let c = vec4(1e-3, 2e-3, 3e-3, 4e-3);
    var a0 = c; var a1 = c * 2.0; var a2 = c * 3.0; var a3 = c * 4.0;
    var a4 = c * 5.0; var a5 = c * 6.0; var a6 = c * 7.0; var a7 = c * 8.0;
    var b0 = c * 9.0; var b1 = c * 10.0; var b2 = c * 11.0; var b3 = c * 12.0;
    var b4 = c * 13.0; var b5 = c * 14.0; var b6 = c * 15.0; var b7 = c * 16.0;
    for (var i = 0u; i < ROUNDS; i += 1u) {
        a0 = a0 * m + c; a1 = a1 * m + c; a2 = a2 * m + c; a3 = a3 * m + c;
        a4 = a4 * m + c; a5 = a5 * m + c; a6 = a6 * m + c; a7 = a7 * m + c;
        b0 = b0 * m + c; b1 = b1 * m + c; b2 = b2 * m + c; b3 = b3 * m + c;
        b4 = b4 * m + c; b5 = b5 * m + c; b6 = b6 * m + c; b7 = b7 * m + c;
    }
    output[id.x] = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + b0 + b1 + b2 + b3 + b4 + b5 + b6 + b7;
}
