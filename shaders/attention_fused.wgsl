// attention_fused: output[i, head g] = sum_j softmax_j(scale * sum_d q[g, i, d] * k[g, j, d]) * v[j, head g], attention as a whole, for
// one chunk of groups (image*heads + head) and rows, of up to 4*KEYS4 tokens. For devices with fast shared memory.
// A workgroup makes QUERIES rows. First an invocation makes the scores of EACH of them with four keys KEYS4 apart, from tiles of DEPTH C4;
// then the workgroup takes the softmax of its scores; then it goes over COLUMNS C4 of the output at a time: an invocation sums
// the values of every SPLITS-th four keys for all its queries, and what the SPLITS of them have is added up.
#import attention
#import linear_index

@group(0) @binding(0) var<uniform> p: Attention;
@group(0) @binding(1) var<storage, read> qkv: array<C4>;             // [N, T, 3*heads*D4]: q of all heads, k, v
@group(0) @binding(2) var<storage, read_write> output: array<C4>;    // [N, T, heads*D4]

const KEYS4: u32 = 64u;    // groups of four keys: 64 or 16
const COLUMNS: u32 = 64u;  // C4 of the output at a time
const QUERIES: u32 = 8u;
const EACH: u32 = select(2u, 1u, KEYS4 == 16u);  // queries of an invocation
const WORKGROUP: u32 = KEYS4 * QUERIES / EACH;
const DEPTH: u32 = 128u / KEYS4;  // C4 in a tile of keys
const SPLITS: u32 = WORKGROUP / COLUMNS;
// An invocation's share of a tile of keys: every (WORKGROUP / DEPTH)-th one.
const SHARE: u32 = 4u * KEYS4 * DEPTH / WORKGROUP;

var<workgroup> tile: array<vec4<f32>, 512>;                   // keys [C4][key], later scores [query][four keys]
var<workgroup> tile_q: array<vec4<f32>, DEPTH * QUERIES>;     // [C4][query]
var<workgroup> partial: array<vec4<f32>, WORKGROUP>;          // [split][column]
var<workgroup> rows: array<f32, EACH * WORKGROUP>;            // [query][four keys]: maxima, then sums

var<private> share_k: array<C4, SHARE>;
var<private> share_q: C4;
var<private> start_k: array<u32, SHARE>;

// Loads the share of the tiles that begin at C4 `slice`.
fn load_share(lid: u32, start_q: u32, slice: u32) {
    let c4 = min(slice + lid % DEPTH, p.head_c4 - 1u);
    for (var i = 0u; i < SHARE; i += 1u) {
        share_k[i] = qkv[start_k[i] + c4];
    }
    share_q = qkv[start_q + c4];
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let tiles = (p.rows + QUERIES - 1u) / QUERIES;
    let number = workgroup_number(wid);
    let local_group = number / tiles;
    if local_group >= p.groups {
        return;
    }
    let first_row = (number % tiles) * QUERIES;
    let group = p.group_base + local_group;
    let image = group / p.heads;
    let head = group % p.heads;
    let width = 3u * p.heads * p.head_c4;
    let base = image * p.tokens * width + head * p.head_c4;
    let base_k = base + p.heads * p.head_c4;
    let base_v = base_k + p.heads * p.head_c4;
    let my_c4 = lid % DEPTH;
    let my_row = lid / DEPTH;
    // Rows and keys behind the last ones count as the last: what comes of them is not stored or not looked at.
    for (var i = 0u; i < SHARE; i += 1u) {
        start_k[i] = base_k + min(my_row + i * (WORKGROUP / DEPTH), p.tokens - 1u) * width;
    }
    let start_q = base + (p.row_base + min(first_row + my_row % QUERIES, p.rows - 1u)) * width;
    let key4 = lid % KEYS4;
    let query = lid / KEYS4 * EACH;
    var sum: array<vec4<f32>, EACH>;
    load_share(lid, start_q, 0u);
    for (var slice = 0u; slice < p.head_c4; slice += DEPTH) {
        workgroupBarrier();
        for (var i = 0u; i < SHARE; i += 1u) {
            tile[my_c4 * 4u * KEYS4 + my_row + i * (WORKGROUP / DEPTH)] = vec4<f32>(share_k[i]);
        }
        if my_row < QUERIES {
            // Zero queries are enough behind the last channel.
            tile_q[my_c4 * QUERIES + my_row] = select(vec4(0.0), vec4<f32>(share_q), slice + my_c4 < p.head_c4);
        }
        workgroupBarrier();
        if slice + DEPTH < p.head_c4 {
            load_share(lid, start_q, slice + DEPTH);
        }
        for (var d = 0u; d < DEPTH; d += 1u) {
            let at = d * 4u * KEYS4 + key4;
            let keys = transpose(mat4x4<f32>(tile[at], tile[at + KEYS4], tile[at + 2u * KEYS4], tile[at + 3u * KEYS4]));
            for (var m = 0u; m < EACH; m += 1u) {
                let q = tile_q[d * QUERIES + query + m];
                // Four multiply-adds, one upon the other, as in conv2d.wgsl.
                sum[m] += q.x * keys[0];
                sum[m] += q.y * keys[1];
                sum[m] += q.z * keys[2];
                sum[m] += q.w * keys[3];
            }
        }
    }
    // The largest score of each row.
    let inside = vec4(key4) + vec4(0u, KEYS4, 2u * KEYS4, 3u * KEYS4) < vec4(p.tokens);
    for (var m = 0u; m < EACH; m += 1u) {
        sum[m] = select(vec4(-3.0e38), sum[m] * p.scale, inside);
        rows[(query + m) * KEYS4 + key4] = max(max(sum[m].x, sum[m].y), max(sum[m].z, sum[m].w));
    }
    for (var half = KEYS4 / 2u; half > 0u; half = half >> 1u) {
        workgroupBarrier();
        if key4 < half {
            for (var m = 0u; m < EACH; m += 1u) {
                let at = (query + m) * KEYS4 + key4;
                rows[at] = max(rows[at], rows[at + half]);
            }
        }
    }
    workgroupBarrier();
    for (var m = 0u; m < EACH; m += 1u) {
        sum[m] = select(vec4(0.0), exp(sum[m] - rows[(query + m) * KEYS4]), inside);
        tile[(query + m) * KEYS4 + key4] = sum[m];
    }
    workgroupBarrier();
    for (var m = 0u; m < EACH; m += 1u) {
        rows[(query + m) * KEYS4 + key4] = sum[m].x + sum[m].y + sum[m].z + sum[m].w;
    }
    for (var half = KEYS4 / 2u; half > 0u; half = half >> 1u) {
        workgroupBarrier();
        if key4 < half {
            for (var m = 0u; m < EACH; m += 1u) {
                let at = (query + m) * KEYS4 + key4;
                rows[at] += rows[at + half];
            }
        }
    }
    let column = lid % COLUMNS;
    let split = lid / COLUMNS;
    // Behind so many groups of four keys there are no tokens.
    let last4 = min(KEYS4, p.tokens);
    for (var first_c4 = 0u; first_c4 < p.head_c4; first_c4 += COLUMNS) {
        let at_v = base_v + min(first_c4 + column, p.head_c4 - 1u);
        var values: array<vec4<f32>, QUERIES>;
        for (var m = 0u; m < QUERIES; m += 1u) {
            values[m] = vec4(0.0);
        }
        for (var k = split; k < last4; k += SPLITS) {
            // Keys behind the last one count as the last: their probability is zero.
            let v0 = vec4<f32>(qkv[at_v + k * width]);
            let v1 = vec4<f32>(qkv[at_v + min(k + KEYS4, p.tokens - 1u) * width]);
            let v2 = vec4<f32>(qkv[at_v + min(k + 2u * KEYS4, p.tokens - 1u) * width]);
            let v3 = vec4<f32>(qkv[at_v + min(k + 3u * KEYS4, p.tokens - 1u) * width]);
            for (var m = 0u; m < QUERIES; m += 1u) {
                let w = tile[m * KEYS4 + k];
                values[m] += w.x * v0;
                values[m] += w.y * v1;
                values[m] += w.z * v2;
                values[m] += w.w * v3;
            }
        }
        for (var m = 0u; m < QUERIES; m += 1u) {
            workgroupBarrier();
            partial[lid] = values[m];
            workgroupBarrier();
            let row = first_row + m;
            let c4 = first_c4 + lid;
            if lid < COLUMNS && c4 < p.head_c4 && row < p.rows {
                var all = partial[lid];
                for (var s = 1u; s < SPLITS; s += 1u) {
                    all += partial[s * COLUMNS + lid];
                }
                output[((image * p.tokens + p.row_base + row) * p.heads + head) * p.head_c4 + c4] = C4(all / rows[m * KEYS4]);
            }
        }
    }
}
