// The pointwise non-linearities of diffusers' act_fn; codes as in `Activation` in src/program/calls/mod.rs.

fn silu(x: vec4<f32>) -> vec4<f32> {
    return x / (1.0 + exp(-x));
}

// x*tanh(ln(1 + e^x)) = x*n/(n + 2) with e = e^x, n = e^2 + 2e; where e^2 would overflow the factor is 1.
fn mish(x: vec4<f32>) -> vec4<f32> {
    let e = exp(min(x, vec4(20.0)));
    let n = e * (e + 2.0);
    return x * n / (n + 2.0);
}

// The error function by Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
fn erf4(x: vec4<f32>) -> vec4<f32> {
    let a = abs(x);
    let t = 1.0 / (1.0 + 0.3275911 * a);
    let p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    return sign(x) * (1.0 - p * exp(-a * a));
}

fn activate(code: u32, x: vec4<f32>) -> vec4<f32> {
    switch code {
        case 1u: { return silu(x); }
        case 2u: { return mish(x); }
        case 3u: { return 0.5 * x * (1.0 + erf4(x * 0.70710678)); }
        case 4u: { return max(x, vec4(0.0)); }
        default: { return x; }
    }
}
