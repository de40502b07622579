// What conv2d_wide and conv2d_winograd_wide have in common: where an invocation reads, and how it stores. They define SUBGROUP, CONCAT, RUN
// and OUT_C4.
// Which output C4 and which run of a row's pixels are this invocation's.
struct Place { c4: u32, run: u32, runs: u32, tiles_m: u32, row: u32, out_x: u32, out_y: u32, image: u32 }

// Runs beyond the last one lie where that one does.
fn place(wid: vec3<u32>, lid: u32) -> Place {
    let runs_row = (p.out_w + RUN - 1u) / RUN;
    let runs = p.batch * p.out_h * runs_row;
    let tiles_m = (runs + SUBGROUP - 1u) / SUBGROUP;
    let tiles_n = (p.out_c4 + OUT_C4 - 1u) / OUT_C4;
    let tile = workgroup_number(wid);
    // Successive workgroups share a part of the larger of weights and input, and so find it in the cache.
    let same_weights = 4u * p.kernel * p.kernel * p.out_c4 > p.batch * p.in_h * p.in_w;
    let c4 = select(tile % tiles_n, tile / tiles_m, same_weights) * OUT_C4;
    let run = select(tile / tiles_n, tile % tiles_m, same_weights) * SUBGROUP + lid;
    let row = min(run, runs - 1u) / runs_row;
    let out_x = (min(run, runs - 1u) % runs_row) * RUN;
    return Place(c4, run, runs, tiles_m, row, out_x, row % p.out_h, row / p.out_h);
}

// The stored pixel at (x, y) of the upsampled input, or -1 in the padding.
fn source_pixel(image: u32, x: i32, y: i32) -> i32 {
    let inside = x >= 0 && y >= 0 && x < i32(p.in_w * p.upsample) && y < i32(p.in_h * p.upsample);
    let shift = p.upsample >> 1u;
    return select(-1, (i32(image * p.in_h) + (y >> shift)) * i32(p.in_w) + (x >> shift), inside);
}

// The first C4 of a stored pixel in a source of `width` C4 per pixel; of pixel 0 for none.
fn first_c4(pixel: i32, width: u32) -> u32 {
    return u32(max(pixel, 0)) * width;
}

// `c4` follows the C4 of both sources; after the last one of `a`, it goes to the pixel's first one in `b`.
fn next_c4(c4: u32, pixel: i32, crossing: bool) -> u32 {
    if CONCAT == 0u {
        return c4 + 1u;
    }
    return select(c4 + 1u, first_c4(pixel, p.b_c4), crossing);
}

// The weights of the second output C4 of a pair: a subgroup of eight read them with the first one's.
fn second(w: vec4<f32>, at: u32) -> vec4<f32> {
    if SUBGROUP == 8u {
        return w;
    }
    return vec4<f32>(weights[at]);
}

// Where this invocation reads the weights of output C4 `c4` and `c4 + 1`: four input channels x as many C4 as it takes.
fn weights_at(c4: u32, lid: u32) -> u32 {
    return (lid % 4u) * p.out_c4 + min(c4 + lid / 4u, p.out_c4 - 1u);
}

// Stores one output C4 of up to `count` pixels from `pixel` on.
fn finish(sum: mat4x4<f32>, c4: u32, pixel: u32, count: u32, temb_at: u32, zero: f32) {
    if c4 >= p.out_c4 {
        return;
    }
    var extra = bias[c4] + zero;
    if (p.flags & 1u) != 0u {
        extra += temb[temb_at + c4];
    }
    finish_pixel(sum[0] + extra, pixel * p.out_c4 + c4, count > 0u);
    finish_pixel(sum[1] + extra, (pixel + 1u) * p.out_c4 + c4, count > 1u);
    finish_pixel(sum[2] + extra, (pixel + 2u) * p.out_c4 + c4, count > 2u);
    finish_pixel(sum[3] + extra, (pixel + 3u) * p.out_c4 + c4, count > 3u);
}

fn finish_pixel(sum: vec4<f32>, at: u32, wanted: bool) {
    if wanted {
        var value = sum;
        if (p.flags & 2u) != 0u {
            value += vec4<f32>(residual[at]);
        }
        output[at] = C4(value * p.scale);
    }
}
