// attention_scores: S[g, i, j] = scale * sum_d q[g, i, d] * k[g, j, d] for one chunk of groups (image*heads + head) and rows.
// For devices with fast shared memory: a workgroup of 8x8 invocations makes 64 queries x 64 keys from tiles of 16 channels;
// an invocation makes 8 queries x 8 keys (two vec4) in registers.
#import attention
#import attention_scores
#import linear_index

const TILE: u32 = 64u;
const DEPTH: u32 = 4u;  // C4 in a tile

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
    var sum: array<vec4<f32>, 16>;  // [query 0..8][four keys 0..2]
    for (var i = 0u; i < 16u; i += 1u) {
        sum[i] = vec4(0.0);
    }
    for (var slice = 0u; slice < p.head_c4; slice += DEPTH) {
        workgroupBarrier();
        for (var i = lid; i < DEPTH * TILE; i += 64u) {
            let c4 = slice + i % DEPTH;
            let m = i / DEPTH;
            var q = vec4(0.0);
            var k = vec4(0.0);
            if c4 < p.head_c4 && first_row + m < p.rows {
                q = vec4<f32>(qkv[base + (p.row_base + first_row + m) * width + c4]);
            }
            if c4 < p.head_c4 && first_key + m < p.tokens {
                k = vec4<f32>(qkv[base + (first_key + m) * width + p.heads * p.head_c4 + c4]);
            }
            tile_q[(i % DEPTH) * TILE + m] = q;
            tile_k[(i % DEPTH) * TILE + m] = k;
        }
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d += 1u) {
            for (var n = 0u; n < 2u; n += 1u) {
                let at = d * TILE + (tx + 8u * n) * 4u;
                let keys = transpose(mat4x4<f32>(tile_k[at], tile_k[at + 1u], tile_k[at + 2u], tile_k[at + 3u]));
                for (var m = 0u; m < 8u; m += 1u) {
                    let q = tile_q[d * TILE + ty * 8u + m];
                    sum[m * 2u + n] += q.x * keys[0] + q.y * keys[1] + q.z * keys[2] + q.w * keys[3];
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
