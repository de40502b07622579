// attention_apply_wide: output[i, head g] = sum_j P[g, i, j] * v[j, head g] for one chunk of groups (image*heads + head) and rows;
// the same mathematics and bindings as attention_apply.wgsl.
// For software devices, in the manner of conv2d_wide.wgsl: a workgroup is one subgroup, whose invocations share the reading of the
// values, each reading other ones, and hand them round with subgroupShuffle.
//
// An invocation makes four neighbouring rows (queries) x OUT_C4 groups of four channels (sums of 4x4: channels x queries); a workgroup makes
// SUBGROUP such bands of rows with the same channels. Keys past the last token read the last one's value: their probability is zero.
#import attention
#import attention_apply
#import linear_index
#import shuffle_columns

const SUBGROUP: u32 = 8u;  // invocations of a subgroup of the device, 4 or 8
const ROWS: u32 = 4u;      // rows (queries) per invocation
const OUT_C4: u32 = 8u;    // C4 per workgroup, 4 or 8

// The values of the second C4 of a pair: a subgroup of eight read them with the first one's.
fn second(v: vec4<f32>, at: u32) -> vec4<f32> {
    if SUBGROUP == 8u {
        return v;
    }
    return vec4<f32>(qkv[at]);
}

// Stores one C4 of up to `count` rows, the first one starting at `start`.
fn finish(sum: mat4x4<f32>, c4: u32, start: u32, count: u32) {
    let width = p.heads * p.head_c4;
    if c4 < p.head_c4 {
        if count > 0u {
            output[start + c4] = C4(sum[0]);
        }
        if count > 1u {
            output[start + width + c4] = C4(sum[1]);
        }
        if count > 2u {
            output[start + 2u * width + c4] = C4(sum[2]);
        }
        if count > 3u {
            output[start + 3u * width + c4] = C4(sum[3]);
        }
    }
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let tiles_m = (p.rows + ROWS * SUBGROUP - 1u) / (ROWS * SUBGROUP);
    let tiles_n = (p.head_c4 + OUT_C4 - 1u) / OUT_C4;
    let tile = workgroup_number(wid);
    let local_group = tile / (tiles_m * tiles_n);
    if local_group >= p.groups {
        return;
    }
    let row = ((tile / tiles_n) % tiles_m * SUBGROUP + lid) * ROWS;
    let c4 = (tile % tiles_n) * OUT_C4;
    let group = p.group_base + local_group;
    let image = group / p.heads;
    let head = group % p.heads;
    let width = 3u * p.heads * p.head_c4;
    let last_row = p.rows - 1u;
    var p0 = (local_group * p.rows + min(row, last_row)) * p.tokens4;
    var p1 = (local_group * p.rows + min(row + 1u, last_row)) * p.tokens4;
    var p2 = (local_group * p.rows + min(row + 2u, last_row)) * p.tokens4;
    var p3 = (local_group * p.rows + min(row + 3u, last_row)) * p.tokens4;
    // Where this invocation reads values: one of four keys x one or two C4; past the last C4 it is the last.
    let base = image * p.tokens * width + (2u * p.heads + head) * p.head_c4;
    let last = p.head_c4 - 1u;
    let v_first = base + min(lid % 4u, p.tokens - 1u) * width;
    let v_last = base + (p.tokens - 1u) * width;
    let c4_0 = min(c4 + lid / 4u, last);
    let c4_1 = min(c4 + 2u + lid / 4u, last);
    let c4_2 = min(c4 + 4u + lid / 4u, last);
    let c4_3 = min(c4 + 6u + lid / 4u, last);
    var v0 = v_first + c4_0;
    var v1 = v_first + c4_1;
    var v2 = v_first + c4_2;
    var v3 = v_first + c4_3;
    // With subgroups of four: from a pair's first C4 to its second.
    let odd0 = min(c4 + 1u, last) - min(c4, last);
    let odd1 = min(c4 + 3u, last) - min(c4 + 2u, last);
    let odd2 = min(c4 + 5u, last) - min(c4 + 4u, last);
    let odd3 = min(c4 + 7u, last) - min(c4 + 6u, last);

    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var s4 = mat4x4<f32>();
    var s5 = mat4x4<f32>();
    var s6 = mat4x4<f32>();
    var s7 = mat4x4<f32>();
    var k = 0u;
    loop {
        let x = mat4x4(scores[p0], scores[p1], scores[p2], scores[p3]);
        let u0 = vec4<f32>(qkv[v0]);
        s0 += shuffle_columns(u0, 0u) * x;
        s1 += shuffle_columns(second(u0, v0 + odd0), SUBGROUP - 4u) * x;
        let u1 = vec4<f32>(qkv[v1]);
        s2 += shuffle_columns(u1, 0u) * x;
        s3 += shuffle_columns(second(u1, v1 + odd1), SUBGROUP - 4u) * x;
        if OUT_C4 == 8u {
            let u2 = vec4<f32>(qkv[v2]);
            s4 += shuffle_columns(u2, 0u) * x;
            s5 += shuffle_columns(second(u2, v2 + odd2), SUBGROUP - 4u) * x;
            let u3 = vec4<f32>(qkv[v3]);
            s6 += shuffle_columns(u3, 0u) * x;
            s7 += shuffle_columns(second(u3, v3 + odd3), SUBGROUP - 4u) * x;
        }
        p0 += 1u;
        p1 += 1u;
        p2 += 1u;
        p3 += 1u;
        v0 = min(v0 + 4u * width, v_last + c4_0);
        v1 = min(v1 + 4u * width, v_last + c4_1);
        v2 = min(v2 + 4u * width, v_last + c4_2);
        v3 = min(v3 + 4u * width, v_last + c4_3);
        k += 1u;
        continuing {
            break if k >= p.tokens4;
        }
    }

    if row >= p.rows {
        return;
    }
    let start = ((image * p.tokens + p.row_base + row) * p.heads + head) * p.head_c4;
    let count = p.rows - row;
    finish(s0, c4, start, count);
    finish(s1, c4 + 1u, start, count);
    finish(s2, c4 + 2u, start, count);
    finish(s3, c4 + 3u, start, count);
    if OUT_C4 == 8u {
        finish(s4, c4 + 4u, start, count);
        finish(s5, c4 + 5u, start, count);
        finish(s6, c4 + 6u, start, count);
        finish(s7, c4 + 7u, start, count);
    }
}
