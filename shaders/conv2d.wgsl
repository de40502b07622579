// conv2d: output = (conv(upsample(a ++ b)) + conv1x1(shortcut) + bias + temb + residual) * scale, as an implicit GEMM
//   [pixels, K] x [K, out channels] with K = taps * input channels, tap-major, and within a tap those of a before those of b. A shortcut
// is more K: one tap more, of one or two other sources, which are bound in the place of b and of the residual.
// For devices with fast shared memory: a workgroup of ROWS x COLUMNS invocations makes TILE_M pixels x TILE_N C4 of output from
// slices of DEPTH C4 of one source; an invocation makes PIXELS pixels x OUT_C4 in registers. src/gpu/tune.rs picks the four.
// While a slice is multiplied, each invocation's share of the next one is on its way into registers. The pixels that an
// invocation loads are decoded once; where they lie in a source is worked out once per tap. Loads do not branch: what lies outside
// is read from a place inside and made zero on its way into the tile. tests/gpu_compiler says what a GPU's compiler makes of it.
#import conv2d
#import step
#import linear_index

const PIXELS: u32 = 4u;    // pixels per invocation
const OUT_C4: u32 = 2u;    // output C4 per invocation
const ROWS: u32 = 8u;      // invocations along the pixels
const COLUMNS: u32 = 8u;   // invocations along the output C4
const SHORTCUT: u32 = 0u;  // 1: there is a shortcut, for kernels of stride 1 whose output is as large as the input, and no b
const TILES_AS_STORED: u32 = 0u;  // 1: Tile is C4; src/gpu/shader.rs puts the alias in front
const SUMS_AS_STORED: u32 = 0u;   // 1: Sum is C4, in which the products of a slice are added up
const TILE_M: u32 = ROWS * PIXELS;
const TILE_N: u32 = COLUMNS * OUT_C4;
const DEPTH: u32 = 4u;     // input C4 in a slice
const INVOCATIONS: u32 = ROWS * COLUMNS;
// An invocation's share of a slice: every (INVOCATIONS / DEPTH)-th pixel and every (INVOCATIONS / TILE_N)-th row of weights.
const SHARE_A: u32 = DEPTH * TILE_M / INVOCATIONS;
const SHARE_B: u32 = 4u * DEPTH * TILE_N / INVOCATIONS;

var<workgroup> tile_a: array<Tile, DEPTH * TILE_M>;        // [input C4][pixel]
var<workgroup> tile_b: array<Tile, 4u * DEPTH * TILE_N>;   // [input channel][output C4]

// An invocation's share of the next slice, as it was loaded, and in which of its pixels it counts.
var<private> share_a: array<C4, SHARE_A>;
var<private> share_b: array<C4, SHARE_B>;
var<private> start: array<u32, SHARE_A>;    // where the pixels of the share begin in the source
var<private> inside: array<bool, SHARE_A>;  // whether the tap is within the picture there

// Where an output pixel's first tap lies in the upsampled input, maybe in the padding, and its image's first stored row.
struct Origin {
    y: i32,
    x: i32,
    row: u32,
}

// Pixels behind the last one count as the last: what comes of them is not stored.
fn origin(pixel: u32) -> Origin {
    let known = min(pixel, p.batch * p.out_h * p.out_w - 1u);
    let row = known / p.out_w;
    let y = i32(row % p.out_h * p.stride) - i32(p.pad);
    let x = i32(known % p.out_w * p.stride) - i32(p.pad);
    return Origin(y, x, row / p.out_h * p.in_h);
}

// Sets `start` and `inside` of pixel `i` of the share for a tap and a source of `width` C4 per pixel.
fn enter_tap(i: u32, at: Origin, tap_y: u32, tap_x: u32, width: u32) {
    // What is above or left of the picture is a large number here.
    let y = u32(at.y + i32(tap_y));
    let x = u32(at.x + i32(tap_x));
    let halve = p.upsample >> 1u;
    inside[i] = (y < (p.in_h << halve)) & (x < (p.in_w << halve));
    start[i] = select(0u, ((at.row + (y >> halve)) * p.in_w + (x >> halve)) * width, inside[i]);
}

// Rows of weights, four for each C4 of K.
fn weight_rows() -> u32 {
    let rows = p.kernel * p.kernel * 4u * (p.a_c4 + p.b_c4);
    return select(rows, rows + 4u * (p.shortcut_a_c4 + p.shortcut_b_c4), SHORTCUT == 1u);
}

// Loads the share of the slice that begins at C4 `slice` of source 0 (a), 1 (b) or 2 (what is bound as the residual). Its first row of
// weights begins at `row`, the share's at `mine` behind that. Weights behind the last one count as the last: they meet zeros, or what comes of them is not stored.
fn load_share(lid: u32, source: u32, slice: u32, width: u32, row: u32, mine: u32) {
    let c4 = min(slice + lid % DEPTH, width - 1u);
    if SHORTCUT == 1u && source == 2u {
        for (var i = 0u; i < SHARE_A; i += 1u) {
            share_a[i] = residual[start[i] + c4];
        }
    } else if source == 1u {
        for (var i = 0u; i < SHARE_A; i += 1u) {
            share_a[i] = b[start[i] + c4];
        }
    } else {
        for (var i = 0u; i < SHARE_A; i += 1u) {
            share_a[i] = a[start[i] + c4];
        }
    }
    let last = weight_rows() * p.out_c4 - 1u;
    for (var i = 0u; i < SHARE_B; i += 1u) {
        share_b[i] = weights[min(mine + (row + i * (INVOCATIONS / TILE_N) * p.out_c4), last)];
    }
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let tiles_n = (p.out_c4 + TILE_N - 1u) / TILE_N;
    let tile = workgroup_number(wid);
    let first_pixel = (tile / tiles_n) * TILE_M;
    let first_c4 = (tile % tiles_n) * TILE_N;
    let tx = lid % COLUMNS;
    let ty = lid / COLUMNS;
    let my_c4 = lid % DEPTH;
    let my_pixel = lid / DEPTH;
    let mine = lid / TILE_N * p.out_c4 + min(first_c4 + lid % TILE_N, p.out_c4 - 1u);
    var origins: array<Origin, SHARE_A>;
    for (var i = 0u; i < SHARE_A; i += 1u) {
        origins[i] = origin(first_pixel + my_pixel + i * (INVOCATIONS / DEPTH));
        enter_tap(i, origins[i], 0u, 0u, p.a_c4);
    }
    var sum: array<vec4<f32>, PIXELS * OUT_C4>;
    // The slice that the share is of.
    var tap_y = 0u;
    var tap_x = 0u;
    var source = 0u;
    var more = true;
    var width = p.a_c4;
    var slice = 0u;
    var row = 0u;
    load_share(lid, 0u, 0u, width, 0u, mine);
    loop {
        workgroupBarrier();
        for (var i = 0u; i < SHARE_A; i += 1u) {
            let counts = inside[i] & (slice + my_c4 < width);
            tile_a[my_c4 * TILE_M + my_pixel + i * (INVOCATIONS / DEPTH)] = select(Tile(), Tile(share_a[i]), counts);
        }
        for (var i = 0u; i < SHARE_B; i += 1u) {
            tile_b[lid + i * INVOCATIONS] = Tile(share_b[i]);
        }
        workgroupBarrier();
        // On to the next slice: of this source, of b, of the next tap's a; behind the last tap of the shortcut's sources.
        row += 4u * min(DEPTH, width - slice) * p.out_c4;
        slice += DEPTH;
        if slice >= width {
            slice = 0u;
            if SHORTCUT == 1u && source > 0u {
                more = (source == 1u) & (p.shortcut_b_c4 > 0u);
                source = 2u;
                width = p.shortcut_b_c4;
            } else {
                source = select(0u, 1u, (source == 0u) & (p.b_c4 > 0u));
                width = select(p.a_c4, p.b_c4, source == 1u);
                tap_x += 1u - source;
                if tap_x == p.kernel {
                    tap_x = 0u;
                    tap_y += 1u;
                    more = tap_y < p.kernel;
                }
                if SHORTCUT == 1u && !more {
                    more = true;
                    source = 1u;
                    width = p.shortcut_a_c4;
                    tap_x = p.pad;
                    tap_y = p.pad;
                }
            }
            for (var i = 0u; i < SHARE_A; i += 1u) {
                enter_tap(i, origins[i], tap_y, tap_x, width);
            }
        }
        // The branch also keeps compilers from moving the loads behind the arithmetic, to where their values are used.
        if more {
            load_share(lid, source, slice, width, row, mine);
        } else {
            // Were the last slice's weights kept here, each round would have to copy them on their way into the tile.
            for (var i = 0u; i < SHARE_B; i += 1u) {
                share_b[i] = C4();
            }
        }
        var part: array<Sum, PIXELS * OUT_C4>;
        for (var i = 0u; i < PIXELS * OUT_C4; i += 1u) {
            part[i] = Sum();
        }
        for (var k = 0u; k < DEPTH; k += 1u) {
            var w: array<Sum, 4u * OUT_C4>;
            for (var n = 0u; n < OUT_C4; n += 1u) {
                for (var c = 0u; c < 4u; c += 1u) {
                    w[4u * n + c] = Sum(tile_b[(4u * k + c) * TILE_N + tx + COLUMNS * n]);
                }
            }
            var next = Sum(tile_a[k * TILE_M + ty]);
            for (var m = 0u; m < PIXELS; m += 1u) {
                let x = next;
                // Read before it is needed; after the last pixel comes the first one again.
                next = Sum(tile_a[k * TILE_M + ty + ROWS * ((m + 1u) % PIXELS)]);
                for (var n = 0u; n < OUT_C4; n += 1u) {
                    let at = n * PIXELS + m;
                    // Four multiply-adds, one upon the other; written as one expression they would be five instructions.
                    if SUMS_AS_STORED == 1u {
                        part[at] += x.x * w[4u * n];
                        part[at] += x.y * w[4u * n + 1u];
                        part[at] += x.z * w[4u * n + 2u];
                        part[at] += x.w * w[4u * n + 3u];
                    } else {
                        sum[at] += vec4<f32>(x.x * w[4u * n]);
                        sum[at] += vec4<f32>(x.y * w[4u * n + 1u]);
                        sum[at] += vec4<f32>(x.z * w[4u * n + 2u]);
                        sum[at] += vec4<f32>(x.w * w[4u * n + 3u]);
                    }
                }
            }
        }
        if SUMS_AS_STORED == 1u {
            for (var i = 0u; i < PIXELS * OUT_C4; i += 1u) {
                sum[i] += vec4<f32>(part[i]);
            }
        }
        if !more {
            break;
        }
    }
    for (var n = 0u; n < OUT_C4; n += 1u) {
        let c4 = first_c4 + tx + COLUMNS * n;
        if c4 >= p.out_c4 {
            continue;
        }
        for (var m = 0u; m < PIXELS; m += 1u) {
            let pixel = first_pixel + ty + ROWS * m;
            if pixel >= p.batch * p.out_h * p.out_w {
                continue;
            }
            var value = sum[n * PIXELS + m] + bias[c4];
            if (p.flags & 1u) != 0u {
                let image = step.row_base + (pixel / (p.out_h * p.out_w)) * step.row_stride;
                value += temb[image * p.temb_stride + p.temb_offset + c4];
            }
            if (p.flags & 2u) != 0u {
                value += vec4<f32>(residual[pixel * p.out_c4 + c4]);
            }
            output[pixel * p.out_c4 + c4] = C4(value * p.scale);
        }
    }
}
