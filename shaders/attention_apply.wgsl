// attention_apply: output[i, head g] = sum_j P[g, i, j] * v[j, head g] for one chunk of groups (image*heads + head) and rows.
// For devices with fast shared memory: a workgroup of 8x8 invocations makes 64 queries x 8 C4 from tiles of 16 keys;
// an invocation makes 8 queries x 1 C4 in registers.
#import attention
#import attention_apply
#import linear_index

const TILE_M: u32 = 64u;
const TILE_N: u32 = 8u;
const DEPTH: u32 = 4u;  // groups of four keys in a tile

var<workgroup> tile_p: array<vec4<f32>, DEPTH * TILE_M>;       // [four keys][query]
var<workgroup> tile_v: array<vec4<f32>, 4u * DEPTH * TILE_N>;  // [key][C4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let tiles_m = (p.rows + TILE_M - 1u) / TILE_M;
    let tiles_n = (p.head_c4 + TILE_N - 1u) / TILE_N;
    let tile = workgroup_number(wid);
    let local_group = tile / (tiles_m * tiles_n);
    if local_group >= p.groups {
        return;
    }
    let first_row = ((tile / tiles_n) % tiles_m) * TILE_M;
    let first_c4 = (tile % tiles_n) * TILE_N;
    let group = p.group_base + local_group;
    let image = group / p.heads;
    let head = group % p.heads;
    let width = 3u * p.heads * p.head_c4;
    let base = image * p.tokens * width + (2u * p.heads + head) * p.head_c4;
    let tx = lid % 8u;
    let ty = lid / 8u;
    var sum: array<vec4<f32>, 8>;
    for (var m = 0u; m < 8u; m += 1u) {
        sum[m] = vec4(0.0);
    }
    for (var slice = 0u; slice < p.tokens4; slice += DEPTH) {
        workgroupBarrier();
        for (var i = lid; i < DEPTH * TILE_M; i += 64u) {
            let key = slice + i % DEPTH;
            let m = i / DEPTH;
            var value = vec4(0.0);
            if key < p.tokens4 && first_row + m < p.rows {
                value = scores[(local_group * p.rows + first_row + m) * p.tokens4 + key];
            }
            tile_p[(i % DEPTH) * TILE_M + m] = value;
        }
        for (var i = lid; i < 4u * DEPTH * TILE_N; i += 64u) {
            let key = 4u * slice + i / TILE_N;
            let c4 = first_c4 + i % TILE_N;
            var value = vec4(0.0);
            if key < p.tokens && c4 < p.head_c4 {
                value = vec4<f32>(qkv[base + key * width + c4]);
            }
            tile_v[i] = value;
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k += 1u) {
            let at = 4u * k * TILE_N + tx;
            let v0 = tile_v[at];
            let v1 = tile_v[at + TILE_N];
            let v2 = tile_v[at + 2u * TILE_N];
            let v3 = tile_v[at + 3u * TILE_N];
            for (var m = 0u; m < 8u; m += 1u) {
                let w = tile_p[k * TILE_M + ty * 8u + m];
                sum[m] += w.x * v0 + w.y * v1 + w.z * v2 + w.w * v3;
            }
        }
    }
    let c4 = first_c4 + tx;
    for (var m = 0u; m < 8u; m += 1u) {
        let row = first_row + ty * 8u + m;
        if row < p.rows && c4 < p.head_c4 {
            output[((image * p.tokens + p.row_base + row) * p.heads + head) * p.head_c4 + c4] = C4(sum[m]);
        }
    }
}
