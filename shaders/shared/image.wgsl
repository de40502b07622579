// Geometry of the kernels that go over pictures; the mirror of `ImageParams` in src/program/params.rs.
struct Image {
    batch: u32,
    pixels: u32,    // pixels per image
    c4: u32,        // C4 per pixel
    channels: u32,
    model_c4: u32,  // C4 per pixel of the model's output
    pad0: u32,
    scale: f32,
    shift: f32,
}
