// group_norm_fused_wide: output = activation(x*factor + summand) on the concatenation of a and b, a group normalisation as a whole; the
// same mathematics and bindings as group_norm_fused.wgsl.
// For software devices, where a barrier costs much and a call more: no shared memory and no barrier; a workgroup is one subgroup, which
// normalises p.run C4 of one image, which are whole groups. Its invocations go over the pixels of one C4 after the other and add up what
// they have by subgroup operations. The input is read three times, from the cache the last two.
#import group_norm
#import group_norm_fused
#import activation
#import step
#import linear_index

const SUBGROUP: u32 = 8u;    // invocations of a subgroup of the device, 4 or 8
const CONCAT: u32 = 1u;      // 0: there is no source b
const ACTIVATION: u32 = 1u;  // as p.activation: known here, it is not asked for at every value

// C4 `c4` of a pixel, counted over all images.
fn value_at(pixel: u32, c4: u32) -> vec4<f32> {
    if CONCAT == 0u {
        return vec4<f32>(a[pixel * p.a_c4 + c4]);
    }
    var x: vec4<f32>;
    if c4 < p.a_c4 {
        x = vec4<f32>(a[pixel * p.a_c4 + c4]);
    } else {
        x = vec4<f32>(b[pixel * p.b_c4 + c4 - p.a_c4]);
    }
    return x;
}

// The four channels of the run's C4 `column` belong to these of its groups, four at most.
fn groups_of(column: u32) -> vec4<u32> {
    return (vec4(4u * column) + vec4(0u, 1u, 2u, 3u)) / (p.channels / p.groups);
}

// A sum for each group, of sums for each of four channels; padding has no group.
fn to_groups(sum: vec4<f32>, column: u32, channels: u32) -> vec4<f32> {
    let group = groups_of(column);
    let places = vec4(0u, 1u, 2u, 3u);
    let zero = vec4(0.0);
    let real = select(zero, sum, vec4(4u * column) + places < vec4(channels));
    return select(zero, vec4(real.x), places == vec4(group.x)) + select(zero, vec4(real.y), places == vec4(group.y))
        + select(zero, vec4(real.z), places == vec4(group.z)) + select(zero, vec4(real.w), places == vec4(group.w));
}

// What each of four channels has of its group.
fn from_groups(values: vec4<f32>, column: u32) -> vec4<f32> {
    let group = groups_of(column);
    let last = select(vec4(values.z), vec4(values.w), group > vec4(2u));
    return select(select(vec4(values.x), vec4(values.y), group == vec4(1u)), last, group > vec4(1u));
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let width = p.a_c4 + p.b_c4;
    let runs = (width + p.run - 1u) / p.run;
    let number = workgroup_number(wid);
    let image = number / runs;
    if image >= p.batch {
        return;
    }
    let first = (number % runs) * p.run;
    let columns = min(p.run, width - first);
    let channels = min(4u * p.run, p.channels - 4u * first);
    let start = image * p.pixels;
    let count = 1.0 / (f32(p.pixels) * f32(p.channels / p.groups));

    var sums = vec4(0.0);
    var column = 0u;
    loop {
        var sum = vec4(0.0);
        var pixel = lid;
        // Loops end with their condition, as in conv2d_wide.wgsl; so every invocation goes over a pixel at least, inside or not.
        loop {
            sum += select(vec4(0.0), value_at(start + min(pixel, p.pixels - 1u), first + column), pixel < p.pixels);
            pixel += SUBGROUP;
            continuing {
                break if pixel >= p.pixels;
            }
        }
        sums += to_groups(sum, column, channels);
        column += 1u;
        continuing {
            break if column >= columns;
        }
    }
    let means = subgroupAdd(sums) * count;

    sums = vec4(0.0);
    column = 0u;
    loop {
        let mean = from_groups(means, column);
        var sum = vec4(0.0);
        var pixel = lid;
        loop {
            let off = value_at(start + min(pixel, p.pixels - 1u), first + column) - mean;
            sum += select(vec4(0.0), off * off, pixel < p.pixels);
            pixel += SUBGROUP;
            continuing {
                break if pixel >= p.pixels;
            }
        }
        sums += to_groups(sum, column, channels);
        column += 1u;
        continuing {
            break if column >= columns;
        }
    }
    let inverses = 1.0 / sqrt(subgroupAdd(sums) * count + p.eps);

    column = 0u;
    loop {
        let c4 = first + column;
        let z = folded(image, c4, from_groups(means, column), from_groups(inverses, column));
        var pixel = lid;
        loop {
            if pixel < p.pixels {
                let x = value_at(start + pixel, c4);
                output[(start + pixel) * width + c4] = C4(activate(ACTIVATION, x * z.factor + z.summand));
            }
            pixel += SUBGROUP;
            continuing {
                break if pixel >= p.pixels;
            }
        }
        column += 1u;
        continuing {
            break if column >= columns;
        }
    }
}
