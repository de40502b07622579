//! The compression of GIF: LZW with codes that grow from 9 to 12 bits, packed from the low bit, in blocks of up to 255 bytes.

use std::io::{self, Write};

/// The width of the pixels, which a decoder needs to know.
pub(super) const PIXEL_BITS: u8 = 8;
const CLEAR: u32 = 1 << PIXEL_BITS;
const END: u32 = CLEAR + 1;
/// Codes have at most 12 bits; where they run out, the table starts anew.
const CODES: u32 = 1 << 12;

/// Writes `pixels`, at least one, as compressed blocks with the empty block that ends them.
pub(super) fn compress(w: &mut dyn Write, pixels: &[u8]) -> io::Result<()> {
    let mut output = Blocks { w, block: Vec::with_capacity(255), bits: 0, filled: 0 };
    let mut strings = Strings::new();
    let (mut next, mut width) = (END + 1, u32::from(PIXEL_BITS) + 1);
    output.put(CLEAR, width)?;
    let mut pixels = pixels.iter().map(|&pixel| u32::from(pixel));
    // The code of the longest known string that ends at the current pixel.
    let mut string = pixels.next().unwrap_or(CLEAR);
    for pixel in pixels {
        match strings.find_or_insert(string, pixel, next) {
            Some(longer) => string = longer,
            None => {
                output.put(string, width)?;
                if next < CODES {
                    // The decoder learns each string one code later than we do, and widens when it learns the first wide one.
                    width += u32::from(next == 1 << width);
                    next += 1;
                } else {
                    output.put(CLEAR, width)?;
                    strings = Strings::new();
                    (next, width) = (END + 1, u32::from(PIXEL_BITS) + 1);
                }
                string = pixel;
            }
        }
    }
    output.put(string, width)?;
    width += u32::from(next == 1 << width && next < CODES);
    output.put(END, width)?;
    output.finish()
}

/// The known strings: (code of all but the last pixel, last pixel) to code. A hash table with open addressing; an entry is the 20
/// bits of the key above the 12 of the code.
struct Strings(Vec<u32>);

const SLOTS_LOG2: u32 = 13;
const EMPTY: u32 = u32::MAX;

impl Strings {
    fn new() -> Self {
        Self(vec![EMPTY; 1 << SLOTS_LOG2])
    }

    /// The code of the string, or `None` if it was unknown; then it is `next` from now on, if that is a code.
    fn find_or_insert(&mut self, string: u32, pixel: u32, next: u32) -> Option<u32> {
        let key = string << PIXEL_BITS | pixel;
        // Fibonacci hashing: the high bits of the product depend on all bits of the key.
        let mut slot = (key.wrapping_mul(0x9E37_79B1) >> (32 - SLOTS_LOG2)) as usize;
        // At most half of the slots are taken, so this ends.
        while self.0[slot] != EMPTY {
            if self.0[slot] / CODES == key {
                return Some(self.0[slot] % CODES);
            }
            slot = (slot + 1) % self.0.len();
        }
        if next < CODES {
            self.0[slot] = key * CODES + next;
        }
        None
    }
}

/// Packs codes into bytes and bytes into blocks.
struct Blocks<'a> {
    w: &'a mut dyn Write,
    block: Vec<u8>,
    /// Bits that fill no byte yet, `filled` of them.
    bits: u32,
    filled: u32,
}

impl Blocks<'_> {
    fn put(&mut self, code: u32, width: u32) -> io::Result<()> {
        self.bits |= code << self.filled;
        self.filled += width;
        while self.filled >= 8 {
            self.put_byte()?;
        }
        Ok(())
    }

    fn put_byte(&mut self) -> io::Result<()> {
        self.block.push(self.bits as u8);
        self.bits >>= 8;
        self.filled = self.filled.saturating_sub(8);
        if self.block.len() == 255 { self.put_block() } else { Ok(()) }
    }

    fn put_block(&mut self) -> io::Result<()> {
        self.w.write_all(&[self.block.len() as u8])?;
        self.w.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        if self.filled > 0 {
            self.put_byte()?;
        }
        if !self.block.is_empty() {
            self.put_block()?;
        }
        // The block is empty now, and an empty block ends the data.
        self.put_block()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one-pixel example of the GIF literature: clear, pixel, end in 9 bits each.
    #[test]
    fn one_pixel_is_three_codes() {
        let mut bytes = Vec::new();
        compress(&mut bytes, &[1]).expect("a Vec takes all");
        let bits = 0x100 | 1 << 9 | 0x101 << 18_u32;
        assert_eq!(bytes, [4, bits as u8, (bits >> 8) as u8, (bits >> 16) as u8, (bits >> 24) as u8, 0]);
    }
}
