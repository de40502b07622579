// The number of a workgroup where there may be more of them than one dimension takes.
const MAX_WORKGROUPS_PER_DIMENSION: u32 = 65535u;

// A dispatch of more workgroups than that spills into y; this is the number of the workgroup in one dimension.
fn workgroup_number(id: vec3<u32>) -> u32 {
    return id.x + id.y * MAX_WORKGROUPS_PER_DIMENSION;
}
