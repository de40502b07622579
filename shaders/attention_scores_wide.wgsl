// attention_scores_wide: S[g, i, j] = scale * sum_d q[g, i, d] * k[g, j, d] for one chunk of groups (image*heads + head) and rows;
// the same mathematics and bindings as attention_scores.wgsl.
// For software devices, in the manner of conv2d_wide.wgsl: a workgroup is one subgroup, whose invocations share the reading of the
// keys, each reading other ones, and hand them round with subgroupShuffle.
//
// An invocation makes four neighbouring rows (queries) x TOKENS4 groups of four keys (sums of 4x4: keys x queries); a workgroup makes
// SUBGROUP such bands of rows with the same keys. Keys past the last token repeat it; attention_softmax ignores them.
#import attention
#import attention_scores
#import linear_index
#import shuffle_columns

const SUBGROUP: u32 = 8u;  // invocations of a subgroup of the device, 4 or 8
const ROWS: u32 = 4u;      // rows (queries) per invocation
const TOKENS4: u32 = 8u;   // groups of four keys per workgroup, 4 or 8

// The keys read by four invocations from `first` on, for all of them: four channels (columns) x four keys.
fn shuffle_keys(k: vec4<f32>, first: u32) -> mat4x4<f32> {
    return transpose(shuffle_columns(k, first));
}

// The second four keys of eight: a subgroup of eight read them with the first four.
fn second(k: vec4<f32>, at: u32) -> vec4<f32> {
    if SUBGROUP == 8u {
        return k;
    }
    return vec4<f32>(qkv[at]);
}

// Stores four keys of up to `count` rows, the first one starting at `start`.
fn finish(sum: mat4x4<f32>, key4: u32, start: u32, count: u32) {
    if key4 < p.tokens4 {
        if count > 0u {
            scores[start + key4] = sum[0] * p.scale;
        }
        if count > 1u {
            scores[start + p.tokens4 + key4] = sum[1] * p.scale;
        }
        if count > 2u {
            scores[start + 2u * p.tokens4 + key4] = sum[2] * p.scale;
        }
        if count > 3u {
            scores[start + 3u * p.tokens4 + key4] = sum[3] * p.scale;
        }
    }
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let tiles_q = (p.rows + ROWS * SUBGROUP - 1u) / (ROWS * SUBGROUP);
    let tiles_k = (p.tokens4 + TOKENS4 - 1u) / TOKENS4;
    let tile = workgroup_number(wid);
    let local_group = tile / (tiles_q * tiles_k);
    if local_group >= p.groups {
        return;
    }
    let row = ((tile / tiles_k) % tiles_q * SUBGROUP + lid) * ROWS;
    let key4 = (tile % tiles_k) * TOKENS4;
    let group = p.group_base + local_group;
    let width = 3u * p.heads * p.head_c4;
    let q_base = (group / p.heads) * p.tokens * width + (group % p.heads) * p.head_c4;
    let k_base = q_base + p.heads * p.head_c4;
    let last_row = p.rows - 1u;
    let last_key = p.tokens - 1u;
    var q0 = q_base + (p.row_base + min(row, last_row)) * width;
    var q1 = q_base + (p.row_base + min(row + 1u, last_row)) * width;
    var q2 = q_base + (p.row_base + min(row + 2u, last_row)) * width;
    var q3 = q_base + (p.row_base + min(row + 3u, last_row)) * width;
    let key = 4u * key4 + lid;
    var k0 = k_base + min(key, last_key) * width;
    var k1 = k_base + min(key + 8u, last_key) * width;
    var k2 = k_base + min(key + 16u, last_key) * width;
    var k3 = k_base + min(key + 24u, last_key) * width;
    // With subgroups of four: from one of the first four keys of eight to the second four.
    let odd0 = (min(key + 4u, last_key) - min(key, last_key)) * width;
    let odd1 = (min(key + 12u, last_key) - min(key + 8u, last_key)) * width;
    let odd2 = (min(key + 20u, last_key) - min(key + 16u, last_key)) * width;
    let odd3 = (min(key + 28u, last_key) - min(key + 24u, last_key)) * width;

    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var s4 = mat4x4<f32>();
    var s5 = mat4x4<f32>();
    var s6 = mat4x4<f32>();
    var s7 = mat4x4<f32>();
    var d = 0u;
    loop {
        let q = mat4x4(vec4<f32>(qkv[q0]), vec4<f32>(qkv[q1]), vec4<f32>(qkv[q2]), vec4<f32>(qkv[q3]));
        let u0 = vec4<f32>(qkv[k0]);
        s0 += shuffle_keys(u0, 0u) * q;
        s1 += shuffle_keys(second(u0, k0 + odd0), SUBGROUP - 4u) * q;
        let u1 = vec4<f32>(qkv[k1]);
        s2 += shuffle_keys(u1, 0u) * q;
        s3 += shuffle_keys(second(u1, k1 + odd1), SUBGROUP - 4u) * q;
        if TOKENS4 == 8u {
            let u2 = vec4<f32>(qkv[k2]);
            s4 += shuffle_keys(u2, 0u) * q;
            s5 += shuffle_keys(second(u2, k2 + odd2), SUBGROUP - 4u) * q;
            let u3 = vec4<f32>(qkv[k3]);
            s6 += shuffle_keys(u3, 0u) * q;
            s7 += shuffle_keys(second(u3, k3 + odd3), SUBGROUP - 4u) * q;
        }
        q0 += 1u;
        q1 += 1u;
        q2 += 1u;
        q3 += 1u;
        k0 += 1u;
        k1 += 1u;
        k2 += 1u;
        k3 += 1u;
        d += 1u;
        continuing {
            break if d >= p.head_c4;
        }
    }

    if row >= p.rows {
        return;
    }
    let start = (local_group * p.rows + row) * p.tokens4;
    let count = p.rows - row;
    finish(s0, key4, start, count);
    finish(s1, key4 + 1u, start, count);
    finish(s2, key4 + 2u, start, count);
    finish(s3, key4 + 3u, start, count);
    if TOKENS4 == 8u {
        finish(s4, key4 + 4u, start, count);
        finish(s5, key4 + 5u, start, count);
        finish(s6, key4 + 6u, start, count);
        finish(s7, key4 + 7u, start, count);
    }
}
