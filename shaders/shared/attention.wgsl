// One chunk of attention; the mirror of `AttentionParams` in src/program/params.rs.
struct Attention {
    tokens: u32,      // T: tokens per image
    heads: u32,
    head_c4: u32,     // C4 per head
    tokens4: u32,     // ceil(T/4): vec4 per row of scores
    group_base: u32,  // first group of this chunk; a group is image*heads + head
    groups: u32,
    row_base: u32,    // first query row of this chunk
    rows: u32,
    scale: f32,       // 1/sqrt(d)
    pad0: u32,
    pad1: u32,
    pad2: u32,
}
