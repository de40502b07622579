// What attention_scores and attention_scores_wide bind.
@group(0) @binding(0) var<uniform> p: Attention;
@group(0) @binding(1) var<storage, read> qkv: array<C4>;                   // [N, T, 3*heads*D4]: q of all heads, k, v
@group(0) @binding(2) var<storage, read_write> scores: array<vec4<f32>>;   // [groups, rows, T4]: four keys per element
