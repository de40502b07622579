// conv2d_winograd_wide: what conv2d_wide.wgsl makes with TAPS = 3, with half the multiplications. The three taps of a kernel row make four
//   neighbouring pixels of an output row by Winograd's F(4, 3), y = A^T [(G g) * (B^T d)]: six products of transformed weights and inputs in
//   the place of twelve (Lavin and Gray 2015, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3) in one dimension).
// For rows whose width eight divides: an invocation makes two such tiles x OUT_C4 groups of four channels, a workgroup SUBGROUP successive
// pairs of tiles of the same channels. The invocation that reads weights transforms them before they are handed round.
// It is large, and drivers compile it when a model begins: therefore what it can do is a condition where that costs little.
// G and A^T share their factors so that G has small whole ones only: point m's sum is M0/4, -M1/6, -M2/6, M3/24, M4/24, M5.
#import conv2d
#import conv2d_wide
#import step
#import linear_index
#import shuffle_columns

const SUBGROUP: u32 = 8u;  // invocations of a subgroup of the device, 4 or 8
const CONCAT: u32 = 1u;    // 0: there is no source b, but there may be a shortcut
const BESIDE: u32 = 1u;    // 0: a workgroup's runs are whole rows
const RUN: u32 = 8u;       // neighbouring pixels of a row per invocation
const OUT_C4: u32 = 4u;    // C4 per workgroup

// The pixels of a run, in columns.
struct Run { first: mat4x4<f32>, second: mat4x4<f32> }
// Something for each of the six points; the columns of a matrix are the two tiles.
struct Weights { u0: vec4<f32>, u1: vec4<f32>, u2: vec4<f32>, u3: vec4<f32>, u4: vec4<f32>, u5: vec4<f32> }
struct Inputs { d0: mat2x4<f32>, d1: mat2x4<f32>, d2: mat2x4<f32>, d3: mat2x4<f32>, d4: mat2x4<f32>, d5: mat2x4<f32> }
struct Sums { m0: mat2x4<f32>, m1: mat2x4<f32>, m2: mat2x4<f32>, m3: mat2x4<f32>, m4: mat2x4<f32>, m5: mat2x4<f32> }

// Of source a, from `at` on: `odd` leads from an even pixel to the next, `even` from an odd one.
fn read_a(at: u32, odd: u32, even: u32) -> Run {
    let at2 = at + odd + even;
    let at4 = at2 + odd + even;
    let at6 = at4 + odd + even;
    return Run(
        mat4x4(vec4<f32>(a[at]), vec4<f32>(a[at + odd]), vec4<f32>(a[at2]), vec4<f32>(a[at2 + odd])),
        mat4x4(vec4<f32>(a[at4]), vec4<f32>(a[at4 + odd]), vec4<f32>(a[at6]), vec4<f32>(a[at6 + odd])));
}

// As `read_a`, of source b.
fn read_b(at: u32, odd: u32, even: u32) -> Run {
    let at2 = at + odd + even;
    let at4 = at2 + odd + even;
    let at6 = at4 + odd + even;
    return Run(
        mat4x4(vec4<f32>(b[at]), vec4<f32>(b[at + odd]), vec4<f32>(b[at2]), vec4<f32>(b[at2 + odd])),
        mat4x4(vec4<f32>(b[at4]), vec4<f32>(b[at4 + odd]), vec4<f32>(b[at6]), vec4<f32>(b[at6 + odd])));
}

// As `read_a`, of the residual.
fn read_residual(at: u32, step: u32) -> Run {
    let at4 = at + 4u * step;
    return Run(
        mat4x4(
            vec4<f32>(residual[at]), vec4<f32>(residual[at + step]), vec4<f32>(residual[at + 2u * step]),
            vec4<f32>(residual[at + 3u * step])),
        mat4x4(
            vec4<f32>(residual[at4]), vec4<f32>(residual[at4 + step]), vec4<f32>(residual[at4 + 2u * step]),
            vec4<f32>(residual[at4 + 3u * step])));
}

// What is in the padding counts as zero.
fn or_zero(x: mat4x4<f32>, real: bool) -> mat4x4<f32> {
    let zero = vec4(0.0);
    return mat4x4(select(zero, x[0], real), select(zero, x[1], real), select(zero, x[2], real), select(zero, x[3], real));
}

// G g of the three taps of a row, which are `step` apart.
fn transform_weights(at: u32, step: u32) -> Weights {
    let g0 = vec4<f32>(weights[at]);
    let g1 = vec4<f32>(weights[at + step]);
    let g2 = vec4<f32>(weights[at + 2u * step]);
    let sum = g0 + g2;
    let sum4 = g0 + 4.0 * g2;
    return Weights(g0, sum + g1, sum - g1, sum4 + 2.0 * g1, sum4 - 2.0 * g1, g2);
}

// The transformed weights of the second output C4 of a pair, as `second` has the plain ones.
fn second_weights(w: Weights, at: u32, step: u32) -> Weights {
    if SUBGROUP == 8u {
        return w;
    }
    return transform_weights(at, step);
}

// B^T d of a run and of the pixels beside it.
fn transform_inputs(left: vec4<f32>, run: Run, right: vec4<f32>) -> Inputs {
    let x0 = mat2x4(left, run.first[3]);
    let x1 = mat2x4(run.first[0], run.second[0]);
    let x2 = mat2x4(run.first[1], run.second[1]);
    let x3 = mat2x4(run.first[2], run.second[2]);
    let x4 = mat2x4(run.first[3], run.second[3]);
    let x5 = mat2x4(run.second[0], right);
    let outer = x4 - 4.0 * x2;
    let inner = x3 - 4.0 * x1;
    let near = x4 - x2;
    let twice = 2.0 * (x3 - x1);
    return Inputs(4.0 * (x0 - x2) + near, outer + inner, outer - inner, near + twice, near - twice, (x5 - x3) - 2.0 * twice);
}

// Adds the products of one output C4; the weights of its four input channels are with the invocations from `first` on.
fn add_products(sums: ptr<function, Sums>, w: Weights, first: u32, x: Inputs) {
    (*sums).m0 += shuffle_columns(w.u0, first) * x.d0;
    (*sums).m1 += shuffle_columns(w.u1, first) * x.d1;
    (*sums).m2 += shuffle_columns(w.u2, first) * x.d2;
    (*sums).m3 += shuffle_columns(w.u3, first) * x.d3;
    (*sums).m4 += shuffle_columns(w.u4, first) * x.d4;
    (*sums).m5 += shuffle_columns(w.u5, first) * x.d5;
}

// A^T m: the four pixels of a tile.
fn output_tile(s: Sums, tile: u32) -> mat4x4<f32> {
    let sum12 = (s.m1[tile] + s.m2[tile]) * (-1.0 / 6.0);
    let difference12 = (s.m1[tile] - s.m2[tile]) * (-1.0 / 6.0);
    let sum34 = (s.m3[tile] + s.m4[tile]) * (1.0 / 24.0);
    let difference34 = (s.m3[tile] - s.m4[tile]) * (1.0 / 24.0);
    return mat4x4(
        0.25 * s.m0[tile] + sum12 + sum34, difference12 + 2.0 * difference34,
        sum12 + 4.0 * sum34, difference12 + 8.0 * difference34 + s.m5[tile]);
}

// Adds to the tiles of a pair of output C4 what the run of a shortcut's source gives them, as `add_pair` in conv2d_wide.wgsl.
fn add_shortcut(y: ptr<function, array<mat4x4<f32>, 4>>, at: u32, odd: u32, x: Run) {
    let w = vec4<f32>(weights[at]);
    let even_columns = shuffle_columns(w, 0u);
    let odd_columns = shuffle_columns(second(w, at + odd), SUBGROUP - 4u);
    (*y)[0] += even_columns * x.first;
    (*y)[1] += even_columns * x.second;
    (*y)[2] += odd_columns * x.first;
    (*y)[3] += odd_columns * x.second;
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let here = place(wid, lid);
    let c4 = here.c4;
    let row = here.row;
    let out_x = here.out_x;
    let out_y = here.out_y;
    let image = here.image;
    let width = p.a_c4 + p.b_c4;
    let tap_step = 4u * width * p.out_c4;
    let last = p.out_c4 - 1u;
    // With subgroups of four: from a pair's first output C4 to its second.
    let odd0 = min(c4 + 1u, last) - min(c4, last);
    let odd1 = min(c4 + 3u, last) - min(c4 + 2u, last);
    var w0 = weights_at(c4, lid);
    var w1 = weights_at(c4 + 2u, lid);
    // What few workgroups share is asked for in advance, as in conv2d_wide.wgsl: four rows of the first tap and of the second; then those of
    // the third.
    let is_far = SUBGROUP == 8u && here.tiles_m <= 4u;
    var ahead = lid / 4u * tap_step + (4u + lid % 4u) * p.out_c4 + c4;
    let third = (2u - lid / 4u) * tap_step;
    let end = 3u * p.kernel * tap_step - 1u;
    var asked = 0.0;
    // Pixels are the same by twos where they are upsampled.
    let apart = 2u - p.upsample;

    var s0 = Sums();
    var s1 = Sums();
    var s2 = Sums();
    var s3 = Sums();
    var ky = 0u;
    // Loops end with their condition, as in conv2d_wide.wgsl.
    loop {
        let y = i32(out_y + ky) - 1;
        let x = i32(out_x);
        let pixel = source_pixel(image, x, y);
        // The pixel beside the workgroup's runs that the first or last invocation needs, where the row goes on there.
        let before = lid == 0u && out_x > 0u;
        let after = lid == SUBGROUP - 1u && out_x + RUN < p.out_w;
        let beside = select(-1, source_pixel(image, select(x + i32(RUN), x - 1, before), y), before || after);
        var at = first_c4(pixel, p.a_c4);
        var at_beside = first_c4(beside, p.a_c4);
        var k = 0u;
        loop {
            var v = Run();
            var v_beside = vec4(0.0);
            if CONCAT == 0u || k < p.a_c4 {
                v = read_a(at, apart * p.a_c4, p.a_c4);
                if BESIDE == 1u && beside >= 0 {
                    v_beside = vec4<f32>(a[at_beside]);
                }
            } else {
                v = read_b(at, apart * p.b_c4, p.b_c4);
                if BESIDE == 1u && beside >= 0 {
                    v_beside = vec4<f32>(b[at_beside]);
                }
            }
            if is_far {
                asked += f32(weights[min(ahead, end)].x) + f32(weights[min(ahead + third, end)].x);
                ahead += 4u * p.out_c4;
            }
            // A run is in the padding as a whole or not at all.
            v = Run(or_zero(v.first, pixel >= 0), or_zero(v.second, pixel >= 0));
            var left = subgroupShuffle(v.second[3], (lid + SUBGROUP - 1u) % SUBGROUP);
            left = select(select(left, v_beside, lid == 0u), vec4(0.0), out_x == 0u);
            var right = subgroupShuffle(v.first[0], (lid + 1u) % SUBGROUP);
            right = select(select(right, v_beside, lid == SUBGROUP - 1u), vec4(0.0), out_x + RUN >= p.out_w);
            let d = transform_inputs(left, v, right);
            let u0 = transform_weights(w0, tap_step);
            add_products(&s0, u0, 0u, d);
            add_products(&s1, second_weights(u0, w0 + odd0, tap_step), SUBGROUP - 4u, d);
            let u1 = transform_weights(w1, tap_step);
            add_products(&s2, u1, 0u, d);
            add_products(&s3, second_weights(u1, w1 + odd1, tap_step), SUBGROUP - 4u, d);
            w0 += 4u * p.out_c4;
            w1 += 4u * p.out_c4;
            k += 1u;
            let crossing = k == p.a_c4;
            at = next_c4(at, pixel, crossing);
            at_beside = next_c4(at_beside, beside, crossing);
            continuing {
                break if k >= width;
            }
        }
        w0 += 2u * tap_step;
        w1 += 2u * tap_step;
        ahead += 2u * tap_step;
        ky += 1u;
        continuing {
            break if ky >= 3u;
        }
    }

    var y0 = array(output_tile(s0, 0u), output_tile(s0, 1u), output_tile(s1, 0u), output_tile(s1, 1u));
    var y1 = array(output_tile(s2, 0u), output_tile(s2, 1u), output_tile(s3, 0u), output_tile(s3, 1u));
    let pixel = row * p.out_w + out_x;
    if CONCAT == 0u && p.shortcut_a_c4 > 0u {
        // One tap more, of other sources, at the output's own pixels. The weights go on where those of the last tap end.
        var at = pixel * p.shortcut_a_c4;
        var k = 0u;
        loop {
            var x = Run();
            if k < p.shortcut_a_c4 {
                x = read_b(at, p.shortcut_a_c4, p.shortcut_a_c4);
            } else {
                x = read_residual(at, p.shortcut_b_c4);
            }
            add_shortcut(&y0, w0, odd0, x);
            add_shortcut(&y1, w1, odd1, x);
            w0 += 4u * p.out_c4;
            w1 += 4u * p.out_c4;
            k += 1u;
            at = select(at + 1u, pixel * p.shortcut_b_c4, k == p.shortcut_a_c4);
            continuing {
                break if k >= p.shortcut_a_c4 + p.shortcut_b_c4;
            }
        }
    }

    if here.run >= here.runs {
        return;
    }
    let temb_at = (step.row_base + image * step.row_stride) * p.temb_stride + p.temb_offset;
    // Zero, though no compiler knows: what nobody needs would not be asked for.
    let zero = min(abs(asked), 0.0);
    finish(y0[0], c4, pixel, 4u, temb_at, zero);
    finish(y0[1], c4, pixel + 4u, 4u, temb_at, zero);
    finish(y0[2], c4 + 1u, pixel, 4u, temb_at, zero);
    finish(y0[3], c4 + 1u, pixel + 4u, 4u, temb_at, zero);
    finish(y1[0], c4 + 2u, pixel, 4u, temb_at, zero);
    finish(y1[1], c4 + 2u, pixel + 4u, 4u, temb_at, zero);
    finish(y1[2], c4 + 3u, pixel, 4u, temb_at, zero);
    finish(y1[3], c4 + 3u, pixel + 4u, 4u, temb_at, zero);
}
