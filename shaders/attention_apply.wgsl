// attention_apply: output[i, head g] = sum_j P[g, i, j] * v[j, head g] for one chunk of groups (image*heads + head) and rows.
// For devices with fast shared memory: a workgroup of 8x8 invocations makes 64 queries x 8 C4 from tiles of 16 keys;
// an invocation makes 8 queries x 1 C4 in registers, and loads its share of the next tiles meanwhile, as in conv2d.wgsl.
#import attention
#import attention_apply
#import linear_index

const TILE_M: u32 = 64u;
const TILE_N: u32 = 8u;
const DEPTH: u32 = 4u;  // groups of four keys in a tile
// What an invocation loads of the tiles: every (64 / DEPTH)-th row of probabilities, every (64 / TILE_N)-th key.
const SHARE_P: u32 = DEPTH * TILE_M / 64u;
const SHARE_V: u32 = 4u * DEPTH * TILE_N / 64u;

var<workgroup> tile_p: array<vec4<f32>, DEPTH * TILE_M>;       // [four keys][query]
var<workgroup> tile_v: array<vec4<f32>, 4u * DEPTH * TILE_N>;  // [key][C4]

var<private> share_p: array<vec4<f32>, SHARE_P>;
var<private> share_v: array<C4, SHARE_V>;
var<private> start_p: array<u32, SHARE_P>;  // where the rows of the share begin

// Loads the share of the tiles that begin at four keys `slice`; `column` is where the share's C4 lies in the first token. Keys behind
// the last one count as the last: they meet zeros.
fn load_share(lid: u32, slice: u32, column: u32, width: u32) {
    let key4 = min(slice + lid % DEPTH, p.tokens4 - 1u);
    for (var i = 0u; i < SHARE_P; i += 1u) {
        share_p[i] = scores[start_p[i] + key4];
    }
    for (var i = 0u; i < SHARE_V; i += 1u) {
        share_v[i] = qkv[column + min(4u * slice + lid / TILE_N + i * (64u / TILE_N), p.tokens - 1u) * width];
    }
}

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
    let column = base + min(first_c4 + lid % TILE_N, p.head_c4 - 1u);
    let tx = lid % 8u;
    let ty = lid / 8u;
    let my_key4 = lid % DEPTH;
    let my_row = lid / DEPTH;
    // Rows behind the last one count as the last: what comes of them is not stored.
    for (var i = 0u; i < SHARE_P; i += 1u) {
        let row = min(first_row + my_row + i * (64u / DEPTH), p.rows - 1u);
        start_p[i] = (local_group * p.rows + row) * p.tokens4;
    }
    var sum: array<vec4<f32>, 8>;
    load_share(lid, 0u, column, width);
    for (var slice = 0u; slice < p.tokens4; slice += DEPTH) {
        workgroupBarrier();
        for (var i = 0u; i < SHARE_P; i += 1u) {
            let value = select(vec4(0.0), share_p[i], slice + my_key4 < p.tokens4);
            tile_p[my_key4 * TILE_M + my_row + i * (64u / DEPTH)] = value;
        }
        for (var i = 0u; i < SHARE_V; i += 1u) {
            tile_v[lid + i * 64u] = vec4<f32>(share_v[i]);
        }
        workgroupBarrier();
        if slice + DEPTH < p.tokens4 {
            load_share(lid, slice + DEPTH, column, width);
        }
        for (var k = 0u; k < DEPTH; k += 1u) {
            let at = 4u * k * TILE_N + tx;
            let v0 = tile_v[at];
            let v1 = tile_v[at + TILE_N];
            let v2 = tile_v[at + 2u * TILE_N];
            let v3 = tile_v[at + 3u * TILE_N];
            for (var m = 0u; m < 8u; m += 1u) {
                let w = tile_p[k * TILE_M + ty * 8u + m];
                sum[m] += w.x * v0;
                sum[m] += w.y * v1;
                sum[m] += w.z * v2;
                sum[m] += w.w * v3;
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
