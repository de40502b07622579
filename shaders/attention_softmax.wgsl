// attention_softmax: softmax of each row of scores in place, max-shifted; entries past the last token become zero.
// One invocation: one row. A row is read three times, from the cache the last two.
#import attention
#import linear_index

@group(0) @binding(0) var<uniform> p: Attention;
@group(0) @binding(1) var<storage, read_write> scores: array<vec4<f32>>;  // [groups, rows, tokens4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= p.groups * p.rows {
        return;
    }
    let start = i * p.tokens4;
    // The last four may be only partly within the tokens.
    let rest = p.tokens - 4u * (p.tokens4 - 1u);
    let inside = vec4<u32>(0u, 1u, 2u, 3u) < vec4(rest);
    let lowest = vec4(-3.0e38);
    let tail = start + p.tokens4 - 1u;
    scores[tail] = select(lowest, scores[tail], inside);
    var largest4 = lowest;
    for (var k = 0u; k < p.tokens4; k += 1u) {
        largest4 = max(largest4, scores[start + k]);
    }
    let largest = max(max(largest4.x, largest4.y), max(largest4.z, largest4.w));
    var sum4 = vec4(0.0);
    for (var k = 0u; k < p.tokens4; k += 1u) {
        let e = exp(scores[start + k] - largest);
        scores[start + k] = e;
        sum4 += e;
    }
    let inverse = 1.0 / (sum4.x + sum4.y + sum4.z + sum4.w);
    for (var k = 0u; k < p.tokens4; k += 1u) {
        scores[start + k] *= inverse;
    }
}
