// group_norm_fused: output = activation(x*factor + summand) on the concatenation of a and b, a group normalisation as a whole:
//   factor = gamma/sqrt(var + eps) * (1 + scale),  summand = (beta - mean*gamma/sqrt(var + eps)) * (1 + scale) + shift.
// For devices with fast shared memory. A workgroup normalises p.run C4 of one image, which are whole groups; an invocation keeps up to
// KEPT pixels of one C4 in registers, so that the input is read once. Mean first, then the squares of what is off from it.
#import group_norm
#import group_norm_fused
#import activation
#import step
#import linear_index

const WORKGROUP: u32 = 256u;
const KEPT: u32 = 16u;
const ACTIVATION: u32 = 1u;   // as p.activation: known here, it is not asked for at every value
const MAX_GROUPS: u32 = 4u;   // groups in a run, at most

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;       // [row][C4 of the run]
var<workgroup> of_groups: array<f32, MAX_GROUPS>;

// The mean of each group of the run over its `total` values, from each invocation's sum of its C4, in of_groups.
fn reduce(lid: u32, sum: vec4<f32>, rows: u32, groups: u32, size: u32) {
    sums[lid] = sum;
    let row = lid / p.run;
    // From the largest power of two below the number of rows down to one.
    var half = select(0u, 1u << firstLeadingBit(max(rows - 1u, 1u)), rows > 1u);
    loop {
        workgroupBarrier();
        if half == 0u {
            break;
        }
        if row < half && row + half < rows {
            sums[lid] += sums[lid + half * p.run];
        }
        half = half >> 1u;
    }
    if lid < groups {
        var all = 0.0;
        for (var c = lid * size; c < (lid + 1u) * size; c += 1u) {
            all += sums[c >> 2u][c & 3u];
        }
        of_groups[lid] = all / (f32(p.pixels) * f32(size));
    }
    workgroupBarrier();
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let width = p.a_c4 + p.b_c4;
    let runs = (width + p.run - 1u) / p.run;
    let number = workgroup_number(wid);
    let image = number / runs;
    if image >= p.batch {
        return;
    }
    let first = (number % runs) * p.run;
    let rows = WORKGROUP / p.run;  // pixels that the workgroup goes over at once
    let row = lid / p.run;
    let column = lid % p.run;
    // Invocations and C4 behind the last ones read what another one reads, and neither count nor store it.
    let mine = (row < rows) & (first + column < width);
    let c4 = min(first + column, width - 1u);
    var x: array<vec4<f32>, KEPT>;
    if c4 < p.a_c4 {
        let start = image * p.pixels * p.a_c4 + c4;
        for (var i = 0u; i < KEPT; i += 1u) {
            x[i] = vec4<f32>(a[start + min(row + i * rows, p.pixels - 1u) * p.a_c4]);
        }
    } else {
        let start = image * p.pixels * p.b_c4 + c4 - p.a_c4;
        for (var i = 0u; i < KEPT; i += 1u) {
            x[i] = vec4<f32>(b[start + min(row + i * rows, p.pixels - 1u) * p.b_c4]);
        }
    }
    let size = p.channels / p.groups;
    let groups = min(4u * p.run, p.channels - 4u * first) / size;
    // The groups of the four channels; padding has none.
    let channel = vec4(4u * column) + vec4(0u, 1u, 2u, 3u);
    let group = min(channel / size, vec4(MAX_GROUPS - 1u));
    var sum = vec4(0.0);
    for (var i = 0u; i < KEPT; i += 1u) {
        sum += select(vec4(0.0), x[i], mine & (row + i * rows < p.pixels));
    }
    reduce(lid, sum, rows, groups, size);
    let mean = vec4(of_groups[group.x], of_groups[group.y], of_groups[group.z], of_groups[group.w]);
    sum = vec4(0.0);
    for (var i = 0u; i < KEPT; i += 1u) {
        let off = x[i] - mean;
        sum += select(vec4(0.0), off * off, mine & (row + i * rows < p.pixels));
    }
    reduce(lid, sum, rows, groups, size);
    let variance = vec4(of_groups[group.x], of_groups[group.y], of_groups[group.z], of_groups[group.w]);
    let z = folded(image, c4, mean, 1.0 / sqrt(variance + p.eps));
    for (var i = 0u; i < KEPT; i += 1u) {
        let pixel = row + i * rows;
        if mine & (pixel < p.pixels) {
            output[(image * p.pixels + pixel) * width + c4] = C4(activate(ACTIVATION, x[i] * z.factor + z.summand));
        }
    }
}
