// conv2d_wide: output = (conv(upsample(a ++ b)) + conv1x1(shortcut) + bias + temb + residual) * scale, as an implicit GEMM
//   [pixels, K] x [K, out channels] with K = taps * input channels, tap-major; the same mathematics and bindings as conv2d.wgsl.
// For software devices, whose invocations are the lanes of a CPU vector: no shared memory and no barrier; a workgroup is one subgroup.
// Such a device reads a buffer one invocation after the other, whether the address is uniform or not, so a read costs as much as about
// a hundred multiply-adds, but a subgroupShuffle from a constant invocation is a single instruction. Therefore the invocations share
// the reading of the weights: each reads other ones, and shuffles hand them round.
//
// An invocation makes a run of RUN neighbouring pixels of an output row x OUT_C4 groups of four channels (sums of 4x4: channels x pixels);
// a workgroup makes SUBGROUP successive runs of the same channels. TAPS = 3 takes the three taps of a kernel row at once, with the
// pixel left and right of a run taken from the neighbouring invocations; TAPS = 1 takes any kernel, tap by tap.
// Runs that stick out of the row, runs and channels beyond the last one are computed from clamped addresses and not stored.
#import conv2d
#import conv2d_wide
#import step
#import linear_index
#import shuffle_columns

const SUBGROUP: u32 = 8u;  // invocations of a subgroup of the device, 4 or 8
const TAPS: u32 = 3u;      // 3: for kernel 3, stride 1, pad 1, output as large as the (upsampled) input; 1: for any convolution
const CONCAT: u32 = 1u;    // 0: there is no source b
const SHORTCUT: u32 = 0u;  // sources of a shortcut, which are bound as b and as the residual
const AHEAD: u32 = 0u;     // 1: with TAPS = 3 and subgroups of eight, the weights of the next input C4 are asked for in advance
const RUN: u32 = 4u;       // neighbouring pixels of a row per invocation
const OUT_C4: u32 = 4u;    // 4, or 2 where there are no more; 8 where TAPS = 1

// Adds to the sums of a pair of output C4 what a run's pixels x give them: the first one's weights are at `at`, the second one's, with
// subgroups of four, `odd` behind it.
fn add_pair(sum: ptr<function, mat4x4<f32>>, sum_odd: ptr<function, mat4x4<f32>>, at: u32, odd: u32, x: mat4x4<f32>) {
    let w = vec4<f32>(weights[at]);
    *sum += shuffle_columns(w, 0u) * x;
    *sum_odd += shuffle_columns(second(w, at + odd), SUBGROUP - 4u) * x;
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
    let odd2 = min(c4 + 5u, last) - min(c4 + 4u, last);
    let odd3 = min(c4 + 7u, last) - min(c4 + 6u, last);
    // Addresses step through the loops as variables: an address computed where it is used would be computed invocation by invocation.
    var w0 = weights_at(c4, lid);
    var w1 = weights_at(c4 + 2u, lid);
    var w2 = select(weights_at(c4 + 4u, lid), w0 + tap_step, TAPS == 3u);
    var w3 = select(weights_at(c4 + 6u, lid), w1 + tap_step, TAPS == 3u);
    var w4 = w0 + 2u * tap_step;
    var w5 = w1 + 2u * tap_step;

    // What few workgroups share comes from far, one line of the cache after the other, for a read takes so many instructions that the
    // processor looks ahead to the next one at most. A read of one component from each line is short, so eight are on their way at once:
    // four rows of the first tap and of the second; then those of the third.
    var ahead = lid / 4u * tap_step + (4u + lid % 4u) * p.out_c4 + c4;
    let third = (2u - lid / 4u) * tap_step;
    let end = 3u * p.kernel * tap_step - 1u;
    var asked = 0.0;

    var s0 = mat4x4<f32>();
    var s1 = mat4x4<f32>();
    var s2 = mat4x4<f32>();
    var s3 = mat4x4<f32>();
    var s4 = mat4x4<f32>();
    var s5 = mat4x4<f32>();
    var s6 = mat4x4<f32>();
    var s7 = mat4x4<f32>();
    var ky = 0u;
    var kx = 0u;
    // Loops end with their condition: a software device runs a loop once more, with all invocations masked, when it begins with it.
    loop {
        let y = i32(out_y * p.stride + ky) - i32(p.pad);
        let x = i32(out_x * p.stride + kx + TAPS / 3u) - i32(p.pad);
        let stride = i32(p.stride);
        let pixel0 = source_pixel(image, x, y);
        let pixel1 = source_pixel(image, x + stride, y);
        let pixel2 = source_pixel(image, x + 2 * stride, y);
        let pixel3 = source_pixel(image, x + 3 * stride, y);
        // The pixel beside the workgroup's runs that the first or last invocation needs, where the row goes on there.
        let before = lid == 0u && out_x > 0u;
        let after = lid == SUBGROUP - 1u && out_x + RUN < p.out_w;
        let beside = select(-1, source_pixel(image, select(x + i32(RUN), x - 1, before), y), before || after);
        var at0 = first_c4(pixel0, p.a_c4);
        var at1 = first_c4(pixel1, p.a_c4);
        var at2 = first_c4(pixel2, p.a_c4);
        var at3 = first_c4(pixel3, p.a_c4);
        var at_beside = first_c4(beside, p.a_c4);
        var k = 0u;
        loop {
            var v = mat4x4<f32>();
            var v_beside = vec4(0.0);
            if CONCAT == 0u || k < p.a_c4 {
                v = mat4x4(vec4<f32>(a[at0]), vec4<f32>(a[at1]), vec4<f32>(a[at2]), vec4<f32>(a[at3]));
                if TAPS == 3u && beside >= 0 {
                    v_beside = vec4<f32>(a[at_beside]);
                }
            } else {
                v = mat4x4(vec4<f32>(b[at0]), vec4<f32>(b[at1]), vec4<f32>(b[at2]), vec4<f32>(b[at3]));
                if TAPS == 3u && beside >= 0 {
                    v_beside = vec4<f32>(b[at_beside]);
                }
            }
            v = mat4x4(
                select(vec4(0.0), v[0], pixel0 >= 0), select(vec4(0.0), v[1], pixel1 >= 0),
                select(vec4(0.0), v[2], pixel2 >= 0), select(vec4(0.0), v[3], pixel3 >= 0));
            if AHEAD == 1u {
                asked += f32(weights[min(ahead, end)].x) + f32(weights[min(ahead + third, end)].x);
                ahead += 4u * p.out_c4;
            }
            if TAPS == 3u {
                var left = subgroupShuffle(v[3], (lid + SUBGROUP - 1u) % SUBGROUP);
                left = select(select(left, v_beside, lid == 0u), vec4(0.0), out_x == 0u);
                var right = subgroupShuffle(v[0], (lid + 1u) % SUBGROUP);
                right = select(select(right, v_beside, lid == SUBGROUP - 1u), vec4(0.0), out_x + RUN >= p.out_w);
                let v_left = mat4x4(left, v[0], v[1], v[2]);
                let v_right = mat4x4(v[1], v[2], v[3], right);
                add_pair(&s0, &s1, w0, odd0, v_left);
                add_pair(&s0, &s1, w2, odd0, v);
                add_pair(&s0, &s1, w4, odd0, v_right);
                if OUT_C4 > 2u {
                    add_pair(&s2, &s3, w1, odd1, v_left);
                    add_pair(&s2, &s3, w3, odd1, v);
                    add_pair(&s2, &s3, w5, odd1, v_right);
                }
                w4 += 4u * p.out_c4;
                w5 += 4u * p.out_c4;
            } else {
                add_pair(&s0, &s1, w0, odd0, v);
                add_pair(&s2, &s3, w1, odd1, v);
                add_pair(&s4, &s5, w2, odd2, v);
                add_pair(&s6, &s7, w3, odd3, v);
            }
            w0 += 4u * p.out_c4;
            w1 += 4u * p.out_c4;
            w2 += 4u * p.out_c4;
            w3 += 4u * p.out_c4;
            k += 1u;
            let crossing = k == p.a_c4;
            at0 = next_c4(at0, pixel0, crossing);
            at1 = next_c4(at1, pixel1, crossing);
            at2 = next_c4(at2, pixel2, crossing);
            at3 = next_c4(at3, pixel3, crossing);
            at_beside = next_c4(at_beside, beside, crossing);
            continuing {
                break if k >= width;
            }
        }
        if TAPS == 3u {
            w0 += 2u * tap_step;
            w1 += 2u * tap_step;
            w2 += 2u * tap_step;
            w3 += 2u * tap_step;
            w4 += 2u * tap_step;
            w5 += 2u * tap_step;
            ahead += 2u * tap_step;
        }
        kx += TAPS;
        ky = select(ky, ky + 1u, kx >= p.kernel);
        kx = select(kx, 0u, kx >= p.kernel);
        continuing {
            break if ky >= p.kernel;
        }
    }

    if SHORTCUT > 0u {
        // One tap more, of other sources, at the output's own pixels. The weights go on where those of the last tap end.
        let last_x = p.out_w - 1u;
        let first = row * p.out_w;
        let pixel0 = first + out_x;
        let pixel1 = first + min(out_x + 1u, last_x);
        let pixel2 = first + min(out_x + 2u, last_x);
        let pixel3 = first + min(out_x + 3u, last_x);
        var at0 = pixel0 * p.shortcut_a_c4;
        var at1 = pixel1 * p.shortcut_a_c4;
        var at2 = pixel2 * p.shortcut_a_c4;
        var at3 = pixel3 * p.shortcut_a_c4;
        var k = 0u;
        loop {
            var v = mat4x4<f32>();
            if SHORTCUT == 1u || k < p.shortcut_a_c4 {
                v = mat4x4(vec4<f32>(b[at0]), vec4<f32>(b[at1]), vec4<f32>(b[at2]), vec4<f32>(b[at3]));
            } else {
                v = mat4x4(vec4<f32>(residual[at0]), vec4<f32>(residual[at1]), vec4<f32>(residual[at2]), vec4<f32>(residual[at3]));
            }
            add_pair(&s0, &s1, w0, odd0, v);
            if OUT_C4 > 2u {
                add_pair(&s2, &s3, w1, odd1, v);
            }
            if TAPS != 3u {
                add_pair(&s4, &s5, w2, odd2, v);
                add_pair(&s6, &s7, w3, odd3, v);
            }
            w0 += 4u * p.out_c4;
            w1 += 4u * p.out_c4;
            w2 += 4u * p.out_c4;
            w3 += 4u * p.out_c4;
            k += 1u;
            let crossing = SHORTCUT == 2u && k == p.shortcut_a_c4;
            at0 = select(at0 + 1u, pixel0 * p.shortcut_b_c4, crossing);
            at1 = select(at1 + 1u, pixel1 * p.shortcut_b_c4, crossing);
            at2 = select(at2 + 1u, pixel2 * p.shortcut_b_c4, crossing);
            at3 = select(at3 + 1u, pixel3 * p.shortcut_b_c4, crossing);
            continuing {
                break if k >= p.shortcut_a_c4 + p.shortcut_b_c4;
            }
        }
    }

    if here.run >= here.runs {
        return;
    }
    let pixel = row * p.out_w + out_x;
    let count = p.out_w - out_x;
    let temb_at = (step.row_base + image * step.row_stride) * p.temb_stride + p.temb_offset;
    // Zero, though no compiler knows: what nobody needs would not be asked for.
    let zero = min(abs(asked), 0.0);
    finish(s0, c4, pixel, count, temb_at, zero);
    finish(s1, c4 + 1u, pixel, count, temb_at, zero);
    if OUT_C4 > 2u {
        finish(s2, c4 + 2u, pixel, count, temb_at, zero);
        finish(s3, c4 + 3u, pixel, count, temb_at, zero);
    }
    if TAPS != 3u {
        finish(s4, c4 + 4u, pixel, count, temb_at, zero);
        finish(s5, c4 + 5u, pixel, count, temb_at, zero);
        finish(s6, c4 + 6u, pixel, count, temb_at, zero);
        finish(s7, c4 + 7u, pixel, count, temb_at, zero);
    }
}
