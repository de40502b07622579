// attention_scores: S[g, i, j] = scale * sum_d q[g, i, d] * k[g, j, d] for one chunk of groups (image*heads + head) and rows.
// For devices with fast shared memory: a workgroup of 8x8 invocations makes 64 queries x 64 keys from tiles of 16 channels;
// an invocation makes 8 queries x 8 keys (two vec4) in registers. Loads do not branch, as in conv2d.wgsl; the next tiles are not
// loaded ahead, for which there are not registers enough.
#import attention
#import attention_scores
#import linear_index

const TILE: u32 = 64u;
const DEPTH: u32 = 4u;                 // C4 in a tile
const SHARE: u32 = DEPTH * TILE / 64u;  // what an invocation loads of a tile: every (64 / DEPTH)-th row

var<workgroup> tile_q: array<vec4<f32>, DEPTH * TILE>;  // [C4][query]
var<workgroup> tile_k: array<vec4<f32>, DEPTH * TILE>;  // [C4][key]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let tiles_q = (p.rows + TILE - 1u) / TILE;
    let tiles_k = (p.tokens4 * 4u + TILE - 1u) / TILE;
    let tile = workgroup_number(wid);
    let local_group = tile / (tiles_q * tiles_k);
    if local_group >= p.groups {
        return;
    }
    let first_row = ((tile / tiles_k) % tiles_q) * TILE;
    let first_key = (tile % tiles_k) * TILE;
    let group = p.group_base + local_group;
    let width = 3u * p.heads * p.head_c4;
    let base = (group / p.heads) * p.tokens * width + (group % p.heads) * p.head_c4;
    let tx = lid % 8u;
    let ty = lid / 8u;
    let my_c4 = lid % DEPTH;
    let my_row = lid / DEPTH;
    // Rows and keys behind the last ones count as the last: what comes of them is not stored or not looked at.
    var start_q: array<u32, SHARE>;
    var start_k: array<u32, SHARE>;
    for (var i = 0u; i < SHARE; i += 1u) {
        let m = my_row + i * (64u / DEPTH);
        start_q[i] = base + (p.row_base + min(first_row + m, p.rows - 1u)) * width;
        start_k[i] = base + min(first_key + m, p.tokens - 1u) * width + p.heads * p.head_c4;
    }
    var sum: array<vec4<f32>, 16>;  // [query 0..8][four keys 0..2]
    for (var slice = 0u; slice < p.head_c4; slice += DEPTH) {
        let c4 = min(slice + my_c4, p.head_c4 - 1u);
        var share_q: array<C4, SHARE>;
        var share_k: array<C4, SHARE>;
        for (var i = 0u; i < SHARE; i += 1u) {
            share_q[i] = qkv[start_q[i] + c4];
            share_k[i] = qkv[start_k[i] + c4];
        }
        workgroupBarrier();
        for (var i = 0u; i < SHARE; i += 1u) {
            let at = my_c4 * TILE + my_row + i * (64u / DEPTH);
            // Zero queries are enough behind the last channel.
            tile_q[at] = select(vec4(0.0), vec4<f32>(share_q[i]), slice + my_c4 < p.head_c4);
            tile_k[at] = vec4<f32>(share_k[i]);
        }
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d += 1u) {
            for (var n = 0u; n < 2u; n += 1u) {
                let at = d * TILE + (tx + 8u * n) * 4u;
                let keys = transpose(mat4x4<f32>(tile_k[at], tile_k[at + 1u], tile_k[at + 2u], tile_k[at + 3u]));
                for (var m = 0u; m < 8u; m += 1u) {
                    let q = tile_q[d * TILE + ty * 8u + m];
                    // Four multiply-adds, one upon the other, as in conv2d.wgsl.
                    sum[m * 2u + n] += q.x * keys[0];
                    sum[m * 2u + n] += q.y * keys[1];
                    sum[m * 2u + n] += q.z * keys[2];
                    sum[m * 2u + n] += q.w * keys[3];
                }
            }
        }
    }
    for (var m = 0u; m < 8u; m += 1u) {
        let row = first_row + ty * 8u + m;
        for (var n = 0u; n < 2u; n += 1u) {
            let key = first_key / 4u + tx + 8u * n;
            if row < p.rows && key < p.tokens4 {
                scores[(local_group * p.rows + row) * p.tokens4 + key] = sum[m * 2u + n] * p.scale;
            }
        }
    }
}
