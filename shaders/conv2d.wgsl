// conv2d: output = (conv(upsample(a ++ b)) + bias + temb + residual) * scale, as an implicit GEMM
//   [pixels, K] x [K, out channels] with K = taps * input channels, tap-major.
// For devices with fast shared memory: a workgroup of 8x8 invocations makes TILE_M pixels x TILE_N C4 of output from tiles of
// 16 input channels; an invocation makes PIXELS pixels x OUT_C4 in registers. src/gpu/tune.rs picks PIXELS and OUT_C4 for the layer.
// Upsampling, concatenation and padding are index arithmetic in the loads.
#import conv2d
#import step
#import linear_index

const PIXELS: u32 = 8u;  // pixels per invocation
const OUT_C4: u32 = 2u;  // output C4 per invocation
const TILE_M: u32 = 8u * PIXELS;
const TILE_N: u32 = 8u * OUT_C4;
const DEPTH: u32 = 4u;   // input C4 in a tile

var<workgroup> tile_a: array<vec4<f32>, DEPTH * TILE_M>;        // [input C4][pixel]
var<workgroup> tile_b: array<vec4<f32>, 4u * DEPTH * TILE_N>;   // [input channel][output C4]

// The stored pixel that a tap of an output pixel reads, or -1 in the padding.
fn source_pixel(pixel: u32, tap: u32) -> i32 {
    let x = pixel % p.out_w;
    let row = pixel / p.out_w;
    let y = row % p.out_h;
    let image = row / p.out_h;
    let in_y = i32(y * p.stride + tap / p.kernel) - i32(p.pad);
    let in_x = i32(x * p.stride + tap % p.kernel) - i32(p.pad);
    let up = i32(p.upsample);
    if image >= p.batch || in_y < 0 || in_x < 0 || in_y >= i32(p.in_h) * up || in_x >= i32(p.in_w) * up {
        return -1;
    }
    return (i32(image * p.in_h) + in_y / up) * i32(p.in_w) + in_x / up;
}

fn input_c4(pixel: i32, c4: u32) -> vec4<f32> {
    if pixel < 0 || c4 >= p.a_c4 + p.b_c4 {
        return vec4(0.0);
    }
    if c4 < p.a_c4 {
        return vec4<f32>(a[u32(pixel) * p.a_c4 + c4]);
    }
    return vec4<f32>(b[u32(pixel) * p.b_c4 + c4 - p.a_c4]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let tiles_n = (p.out_c4 + TILE_N - 1u) / TILE_N;
    let tile = workgroup_number(wid);
    let first_pixel = (tile / tiles_n) * TILE_M;
    let first_c4 = (tile % tiles_n) * TILE_N;
    let pixels = p.batch * p.out_h * p.out_w;
    let width = p.a_c4 + p.b_c4;
    let tx = lid % 8u;
    let ty = lid / 8u;
    var sum: array<vec4<f32>, PIXELS * OUT_C4>;
    for (var i = 0u; i < PIXELS * OUT_C4; i += 1u) {
        sum[i] = vec4(0.0);
    }
    for (var tap = 0u; tap < p.kernel * p.kernel; tap += 1u) {
        for (var slice = 0u; slice < width; slice += DEPTH) {
            workgroupBarrier();
            for (var i = lid; i < DEPTH * TILE_M; i += 64u) {
                let k = i % DEPTH;
                let m = i / DEPTH;
                tile_a[k * TILE_M + m] = input_c4(source_pixel(first_pixel + m, tap), slice + k);
            }
            for (var i = lid; i < 4u * DEPTH * TILE_N; i += 64u) {
                let c4 = first_c4 + i % TILE_N;
                let channel = 4u * slice + i / TILE_N;
                var w = vec4(0.0);
                if c4 < p.out_c4 && channel < 4u * width {
                    w = vec4<f32>(weights[(tap * 4u * width + channel) * p.out_c4 + c4]);
                }
                tile_b[i] = w;
            }
            workgroupBarrier();
            for (var k = 0u; k < DEPTH; k += 1u) {
                for (var n = 0u; n < OUT_C4; n += 1u) {
                    let at = 4u * k * TILE_N + tx + 8u * n;
                    let w0 = tile_b[at];
                    let w1 = tile_b[at + TILE_N];
                    let w2 = tile_b[at + 2u * TILE_N];
                    let w3 = tile_b[at + 3u * TILE_N];
                    for (var m = 0u; m < PIXELS; m += 1u) {
                        let x = tile_a[k * TILE_M + ty * PIXELS + m];
                        sum[n * PIXELS + m] += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3;
                    }
                }
            }
        }
    }
    for (var n = 0u; n < OUT_C4; n += 1u) {
        let c4 = first_c4 + tx + 8u * n;
        if c4 >= p.out_c4 {
            continue;
        }
        for (var m = 0u; m < PIXELS; m += 1u) {
            let pixel = first_pixel + ty * PIXELS + m;
            if pixel >= pixels {
                continue;
            }
            var value = sum[n * PIXELS + m] + bias[c4];
            if (p.flags & 1u) != 0u {
                let row = step.row_base + (pixel / (p.out_h * p.out_w)) * step.row_stride;
                value += temb[row * p.temb_stride + p.temb_offset + c4];
            }
            if (p.flags & 2u) != 0u {
                value += vec4<f32>(residual[pixel * p.out_c4 + c4]);
            }
            output[pixel * p.out_c4 + c4] = C4(value * p.scale);
        }
    }
}
