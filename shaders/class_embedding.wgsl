// class_embedding: embedding += the row of `table` of the image's class, in place; the embedding has a row for each image.
// Source: diffusers UNet2DModel with num_class_embeds. One invocation: one C4 of one row.
#import step
#import linear_index

struct ClassEmbedding {
    c4: u32,       // C4 per row
    classes: u32,  // rows of the table
    images: u32,
    pad0: u32,
}

@group(0) @binding(0) var<uniform> p: ClassEmbedding;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> members: array<vec4<u32>>;            // [N]: the class in w
@group(0) @binding(3) var<storage, read> table: array<vec4<f32>>;              // [classes, C4]
@group(0) @binding(4) var<storage, read_write> embedding: array<vec4<f32>>;    // [rows, C4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(local_invocation_index) lid: u32) {
    let i = workgroup_number(wid) * 64u + lid;
    if i >= min(step.rows, p.images) * p.c4 {
        return;
    }
    let class_of_image = min(members[i / p.c4].w, p.classes - 1u);
    embedding[i] += table[class_of_image * p.c4 + i % p.c4];
}
