//! Opcodes that push numbers and texts.

use super::{machine::Machine, values::Value};

impl Machine<'_> {
    pub(super) fn integer(&mut self, width: usize, signed: bool) -> Result<(), String> {
        let number = self.input.number(width)?;
        self.stack.push(Value::Integer(if signed { i64::from(number as u32 as i32) } else { number as i64 }));
        Ok(())
    }

    /// INT and LONG of protocol 0: decimal digits; 00 and 01 are False and True.
    pub(super) fn written_integer(&mut self) -> Result<(), String> {
        let line = self.input.line()?;
        let text = line.trim().trim_end_matches('L');
        self.stack.push(match text {
            "00" => Value::Bool(false),
            "01" => Value::Bool(true),
            digits => digits.parse().map_or(Value::Opaque, Value::Integer),
        });
        Ok(())
    }

    pub(super) fn line_number(&mut self) -> Result<u32, String> {
        let line = self.input.line()?;
        line.trim().parse().map_err(|_| self.broken())
    }

    /// LONG1 and LONG4: a length, then two's complement. Longer than eight bytes counts nothing that a tensor has.
    pub(super) fn long(&mut self, length: usize) -> Result<(), String> {
        let width = self.input.number(length)? as usize;
        if width > 8 {
            // Random generators' states have such numbers.
            self.input.skip(width)?;
            self.stack.push(Value::Opaque);
            return Ok(());
        }
        let number = self.input.number(width)?;
        let unused = 64 - 8 * width as u32;
        let number = if width == 0 { 0 } else { (number << unused) as i64 >> unused };
        self.stack.push(Value::Integer(number));
        Ok(())
    }

    pub(super) fn text(&mut self, width: usize) -> Result<(), String> {
        let length = self.input.number(width)?;
        let (start, length) = self.input.text(length)?;
        self.stack.push(Value::Text(start, length));
        Ok(())
    }

    /// BINSTRING: a text where it is ASCII, else bytes.
    pub(super) fn bytes_or_text(&mut self, width: usize) -> Result<(), String> {
        let length = self.input.number(width)?;
        let at = self.input.bytes_at(length)?;
        self.stack.push(at.map_or(Value::Opaque, |(start, length)| Value::Text(start, length)));
        Ok(())
    }

    pub(super) fn opaque_bytes(&mut self, width: usize) -> Result<(), String> {
        let length = self.input.number(width)?;
        self.input.skip(usize::try_from(length).unwrap_or(usize::MAX))?;
        self.stack.push(Value::Opaque);
        Ok(())
    }

    /// STRING and UNICODE of protocol 0; escapes stay as they are written.
    pub(super) fn written_text(&mut self) -> Result<(), String> {
        let (start, length) = self.input.line_at()?;
        let text = self.input.part(start, length);
        let quoted = text.len() >= 2 && text.starts_with(['\'', '"']);
        self.stack.push(if quoted { Value::Text(start + 1, length - 2) } else { Value::Text(start, length) });
        Ok(())
    }
}
