// A dispatch of more than 65535 workgroups spills into y; this is the number of the workgroup in one dimension.
fn workgroup_number(id: vec3<u32>) -> u32 {
    return id.x + id.y * 65535u;
}
