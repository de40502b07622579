// The vectors of four neighbouring invocations from `first` on, as columns, in every invocation: what one has read, all can use.
// `first` is a constant where this is called, which makes each shuffle a single instruction on software devices.
fn shuffle_columns(v: vec4<f32>, first: u32) -> mat4x4<f32> {
    return mat4x4(
        subgroupShuffle(v, first), subgroupShuffle(v, first + 1u), subgroupShuffle(v, first + 2u), subgroupShuffle(v, first + 3u));
}
