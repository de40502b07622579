// Normal noise from counters: Philox4x32-10 and Box–Muller. Twin of src/noise/philox.rs and src/noise/gaussian.rs, which say why.
//
// Salmon et al. 2011 (Random123). The counter is (c4, image, step, stream), the key the seed's low and high half; stream 0 is
// x_T, 1 the noise of a step, 2 what makes up a noise path. `c4` is pixel·ceil(C/4) + channel/4, so a value depends on its place and
// not on the batch.
// No bindings, no entry points.

/// The 64-bit product's high (x) and low (y) word, by 16-bit halves: WGSL has no 64-bit integers.
fn multiply_wide(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let low = a_low * b_low;
    let cross = a_high * b_low + (low >> 16u); // at most 0xfffe0001 + 0xfffe: no overflow
    let middle = a_low * b_high + (cross & 0xffffu);
    return vec2<u32>(a_high * b_high + (cross >> 16u) + (middle >> 16u), a * b);
}

/// Four words, each uniform over u32.
fn philox4x32_10(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var k = key;
    for (var round = 0u; round < 10u; round++) {
        let a = multiply_wide(0xD2511F53u, c.x);
        let b = multiply_wide(0xCD9E8D57u, c.z);
        c = vec4<u32>(b.x ^ c.y ^ k.x, b.y, a.x ^ c.w ^ k.y, a.y);
        k = k + vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

/// ln(n / 2^24) for 0 < n < 2^24 (Cephes logf).
fn philox_ln_of_24_bits(n: u32) -> f32 {
    let bits = bitcast<u32>(f32(n)); // exact
    var exponent = f32(bits >> 23u) - 151.0;
    var mantissa = bitcast<f32>((bits & 0x007fffffu) | 0x3f800000u);
    if mantissa > 1.4142135 {
        mantissa = mantissa * 0.5;
        exponent = exponent + 1.0;
    }
    let t = mantissa - 1.0;
    let square = t * t;
    var p = 7.0376836e-2;
    p = p * t - 1.151461e-1;
    p = p * t + 1.1676999e-1;
    p = p * t - 1.2420141e-1;
    p = p * t + 1.4249323e-1;
    p = p * t - 1.6668058e-1;
    p = p * t + 2.0000715e-1;
    p = p * t - 2.4999994e-1;
    p = p * t + 3.333333e-1;
    let tail = (p * t) * square + exponent * -2.1219444e-4;
    return ((tail - 0.5 * square) + t) + exponent * (355.0 / 512.0);
}

/// Cosine (x) and sine (y) of a word as a fraction of a turn, its quarter taken off as an integer (Cephes sinf, cosf).
fn philox_cos_sin_of_turn(word: u32) -> vec2<f32> {
    let below = bitcast<i32>(word << 2u) >> 10u;
    let angle = f32(2 * below + 1) * (3.14159265 / 16777216.0);
    let square = angle * angle;
    let sin_tail = (-1.9515296e-4 * square + 8.332161e-3) * square - 1.6666655e-1;
    let cos_tail = (2.4433157e-5 * square - 1.3887316e-3) * square + 4.1666646e-2;
    let s = angle + (angle * square) * sin_tail;
    let c = (1.0 - 0.5 * square) + (square * square) * cos_tail;
    switch word >> 30u {
        case 0u: { return vec2<f32>(c, s); }
        case 1u: { return vec2<f32>(-s, c); }
        case 2u: { return vec2<f32>(-c, -s); }
        default: { return vec2<f32>(s, -c); }
    }
}

/// Two independent normals from two words.
fn philox_box_muller(radius_word: u32, angle_word: u32) -> vec2<f32> {
    let radius = sqrt(-2.0 * philox_ln_of_24_bits((radius_word >> 8u) | 1u));
    return radius * philox_cos_sin_of_turn(angle_word);
}

/// Four independent normals: channels `c4` of picture `image`'s noise in `stream` at `step`.
fn normal_c4(seed: vec2<u32>, stream: u32, image: u32, step: u32, c4: u32) -> vec4<f32> {
    let words = philox4x32_10(vec4<u32>(c4, image, step, stream), seed);
    return vec4<f32>(philox_box_muller(words.x, words.y), philox_box_muller(words.z, words.w));
}
