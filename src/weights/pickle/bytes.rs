//! Reading a pickle's bytes from front to back: numbers, texts and lines. Every fault is one line that says where.

/// A place in a pickle.
pub struct Reader<'p> {
    pickle: &'p [u8],
    at: usize,
}

impl<'p> Reader<'p> {
    /// At the start of `pickle`, which must be shorter than 4 GiB.
    pub fn new(pickle: &'p [u8]) -> Self {
        Self { pickle, at: 0 }
    }

    /// Bytes read so far.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes of the whole pickle.
    pub fn length(&self) -> usize {
        self.pickle.len()
    }

    /// The message for what cannot be.
    pub fn broken(&self) -> String {
        format!("its pickle makes no sense at byte {} of {}", self.at, self.pickle.len())
    }

    fn bytes(&mut self, count: usize) -> Result<&'p [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.pickle.len());
        let end = end.ok_or_else(|| format!("its pickle breaks off at byte {} of {}", self.at, self.pickle.len()))?;
        let bytes = &self.pickle[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8, String> {
        Ok(self.bytes(1)?[0])
    }

    /// Passes over `count` bytes.
    pub fn skip(&mut self, count: usize) -> Result<(), String> {
        self.bytes(count).map(drop)
    }

    /// A little-endian number of `width` bytes, at most eight.
    pub fn number(&mut self, width: usize) -> Result<u64, String> {
        let mut number = [0; 8];
        number[..width].copy_from_slice(self.bytes(width)?);
        Ok(u64::from_le_bytes(number))
    }

    /// UTF-8 of `length` bytes: where it starts, and its length.
    pub fn text(&mut self, length: u64) -> Result<(u32, u32), String> {
        let start = self.at;
        let bytes = self.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
        if std::str::from_utf8(bytes).is_err() {
            return Err(self.broken());
        }
        Ok((start as u32, bytes.len() as u32))
    }

    /// Bytes of which a text may be made: where they start and their length, `None` where they are not ASCII.
    pub fn bytes_at(&mut self, length: u64) -> Result<Option<(u32, u32)>, String> {
        let start = self.at;
        let bytes = self.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(bytes.is_ascii().then_some((start as u32, bytes.len() as u32)))
    }

    /// Where the text up to the next line break starts, and its length; the break is passed over.
    pub fn line_at(&mut self) -> Result<(u32, u32), String> {
        let start = self.at;
        self.line()?;
        Ok((start as u32, (self.at - start - 1) as u32))
    }

    /// The text up to the next line break, which is passed over.
    pub fn line(&mut self) -> Result<String, String> {
        let length = self.pickle[self.at..].iter().position(|b| *b == b'\n').ok_or_else(|| self.broken())?;
        let line = String::from_utf8_lossy(self.bytes(length)?).into_owned();
        self.skip(1)?;
        Ok(line)
    }

    /// A text that [`Self::text`] found.
    pub fn part(&self, start: u32, length: u32) -> String {
        let bytes = self.pickle.get(start as usize..start as usize + length as usize).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    }
}
