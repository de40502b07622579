// What changes from step to step; the mirror of `Step` in src/program/params.rs.
struct Step {
    row_base: u32,    // first row of the embedding table
    row_stride: u32,  // rows from one image to the next: 0 when all images share a timestep
    rows: u32,        // rows of the table in use
    step: u32,        // step index for the noise counters
    flags: u32,       // bit 0: clip x0 to +-c.x; bit 1: threshold x0
    path_start: u32,  // where the interval of the noise path begins
    path_end: u32,    // where it ends
    path_span: u32,   // how long the whole path is; 0: the noise is that of `step`
    a: vec4<f32>,     // x0 from x, x0 from the model's output, epsilon from x, epsilon from the model's output
    b: vec4<f32>,     // x_s from x, from x0, from epsilon, from the noise z
    c: vec4<f32>,     // clip range, quantile of thresholding, its largest value, unused
}
