// The noise of a step as an increment of one Brownian path: twin of src/noise/path.rs, which says why. Needs philox.wgsl.
// No bindings, no entry points.

/// How far [start, end] reaches into [low, high].
fn path_overlap(start: u32, end: u32, low: u32, high: u32) -> i32 {
    return max(i32(min(end, high)) - i32(max(start, low)), 0);
}

/// Four independent normals: the path's increment from `start` to `end`, over the root of their distance, at channels `c4` of picture
/// `image`. The path is `span` long, a power of two; stream 2 has its normals, each by the position that it fixes.
fn path_c4(seed: vec2<u32>, image: u32, start: u32, end: u32, span: u32, c4: u32) -> vec4<f32> {
    let length = f32(end - start);
    var z = sqrt(length / f32(span)) * normal_c4(seed, 2u, image, span, c4);
    for (var width = span; width > 1u; width = width >> 1u) {
        // Of all dyadic intervals of this width only those count that hold an end.
        let first = start & ~(width - 1u);
        let last = end & ~(width - 1u);
        // The first, and the last where that is another.
        for (var low = first; low <= last; low += max(last - first, 1u)) {
            let middle = low + (width >> 1u);
            let difference = path_overlap(start, end, low, middle) - path_overlap(start, end, middle, low + width);
            if difference != 0 {
                z += (f32(difference) / sqrt(f32(width) * length)) * normal_c4(seed, 2u, image, middle, c4);
            }
        }
    }
    return z;
}
