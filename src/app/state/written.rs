//! How numbers of the controls are written, the same everywhere.

/// No digit more than the number has, and no more than thousandths: 0, 0.43, 1.
pub fn plain(value: f64) -> String {
    // A value that is 0 apart from rounding would otherwise become −0.
    ((value * 1000.0).round() / 1000.0 + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn no_needless_digits() {
        assert_eq!([0.5, 0.43, 1.0, 0.1 + 0.2, 0.12345, 0.0, -0.0001].map(plain), ["0.5", "0.43", "1", "0.3", "0.123", "0", "0"]);
    }
}
