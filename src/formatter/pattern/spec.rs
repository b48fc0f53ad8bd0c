//! Format specifications: width, precision, alignment and sign of a field.
//!
//! The results are those of Python's `%` and `format()`; tests compare them with CPython's output:
//!
//! | value | percent | brace | text |
//! |---|---|---|---|
//! | `"ab"` | `%5s` | `{:>5}` | `···ab` |
//! | `"ab"` | `%-5s` | `{:5}` | `ab···` |
//! | `"abcdef"` | `%.3s` | `{:.3}` | `abc` |
//! | 42 | `%05d` | `{:05}` | `00042` |
//! | -42 | `%05d` | `{:=05}` | `-0042` |
//! | 42 | `%+d` | `{:+}` | `+42` |
//! | 255 | `%#x` | `{:#x}` | `0xff` |
//! | 1234567 | | `{:,}` | `1,234,567` |
//! | 2.5 | `%.2f` | `{:.2f}` | `2.50` |
//!
//! (`·` is a space.)

use std::fmt::Write;

use crate::text::Raw;

/// The format specification of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldSpec {
    pub(super) fill: char,
    /// `None`: numbers to the right, text to the left.
    pub(super) align: Option<Align>,
    /// Numbers are padded with zeros after their sign.
    pub(super) zeros: bool,
    pub(super) sign: Sign,
    /// `#`: `0x` before a hexadecimal number, `0o` before an octal one, and a point after every fixed-point one.
    pub(super) alternate: bool,
    /// In characters.
    pub(super) width: u16,
    /// The number of digits after the decimal point, or the maximum number of characters of text.
    pub(super) precision: Option<u16>,
    /// The separator of groups of three digits.
    pub(super) grouping: Option<u8>,
    pub(super) conversion: Conversion,
}

/// The position of a value that is narrower than its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    Center,
    /// The padding is between the sign and the digits.
    AfterSign,
}

/// What precedes a number that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    None,
    Plus,
    Space,
}

/// The conversion of a value to text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// By the value's type.
    Natural,
    Text,
    /// Text in quotes, as Python's `repr` writes it.
    Repr,
    Integer,
    Fixed,
    Hex,
    UpperHex,
    Octal,
}

impl Conversion {
    pub(super) fn is_numeric(self) -> bool {
        !matches!(self, Self::Natural | Self::Text | Self::Repr)
    }
}

impl Default for FieldSpec {
    fn default() -> Self {
        Self {
            fill: ' ',
            align: None,
            zeros: false,
            sign: Sign::None,
            alternate: false,
            width: 0,
            precision: None,
            grouping: None,
            conversion: Conversion::Natural,
        }
    }
}

/// The value of a field that is a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Integer { negative: bool, magnitude: u128 },
    Float(f64),
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Integer { negative: false, magnitude: number.into() }
    }
}

impl From<i128> for Number {
    fn from(number: i128) -> Self {
        Self::Integer { negative: number < 0, magnitude: number.unsigned_abs() }
    }
}

impl FieldSpec {
    /// Returns whether the field is written without changes.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default() || (self.width == 0 && self.precision.is_none() && self.conversion == Conversion::Text)
    }

    /// Cuts and pads the text that begins at `start`.
    pub(super) fn finish_text(&self, start: usize, out: &mut Vec<u8>) {
        if let Some(most) = self.precision {
            let first_cut = chars(&out[start..]).nth(most.into());
            out.truncate(first_cut.map_or(out.len(), |at| start + at));
        }
        // `0` in brace style pads numbers at the front, and other values at the end: `{levelname:08}`.
        let fill = if self.zeros && self.align.is_none() { '0' } else { self.fill };
        self.pad(start, 0, fill, self.align.unwrap_or(Align::Left), out);
    }

    /// Writes a number. Returns `false` if this specification is not for numbers.
    pub(super) fn write_number(&self, number: Number, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let number = match (self.conversion, number) {
            // Towards zero, as Python's `%d` of a float.
            (Conversion::Integer, Number::Float(x)) if x.is_finite() => {
                Number::Integer { negative: x <= -1.0, magnitude: x.abs() as u128 }
            }
            (Conversion::Fixed, Number::Integer { negative, magnitude }) => {
                Number::Float(if negative { -(magnitude as f64) } else { magnitude as f64 })
            }
            (_, number) => number,
        };
        let negative = match number {
            Number::Integer { negative, .. } => negative,
            Number::Float(x) => x.is_sign_negative() && !x.is_nan(),
        };
        match (negative, self.sign) {
            (true, _) => out.push(b'-'),
            (false, Sign::Plus) => out.push(b'+'),
            (false, Sign::Space) => out.push(b' '),
            (false, Sign::None) => {}
        }
        if self.alternate && matches!(number, Number::Integer { .. }) {
            out.extend_from_slice(match self.conversion {
                Conversion::Hex => b"0x",
                Conversion::UpperHex => b"0X",
                Conversion::Octal => b"0o",
                _ => b"",
            });
        }
        let digits = out.len();
        let written = match (self.conversion, number) {
            (Conversion::Hex, Number::Integer { magnitude, .. }) => write!(Raw(out), "{magnitude:x}"),
            (Conversion::UpperHex, Number::Integer { magnitude, .. }) => write!(Raw(out), "{magnitude:X}"),
            (Conversion::Octal, Number::Integer { magnitude, .. }) => write!(Raw(out), "{magnitude:o}"),
            (Conversion::Natural | Conversion::Integer | Conversion::Fixed, Number::Integer { magnitude, .. }) => {
                out.extend_from_slice(itoa::Buffer::new().format(magnitude).as_bytes());
                Ok(())
            }
            (Conversion::Natural | Conversion::Fixed, Number::Float(x)) if !x.is_finite() => {
                // NaN and the infinities, as Python writes them: without a point and without groups.
                out.extend_from_slice(if x.is_nan() { b"nan" } else { b"inf" });
                Ok(())
            }
            (Conversion::Fixed, Number::Float(x)) => {
                let point = if self.alternate && self.precision == Some(0) { "." } else { "" };
                write!(Raw(out), "{:.*}{point}", self.precision.unwrap_or(6).into(), x.abs())
            }
            (Conversion::Natural, Number::Float(x)) => {
                out.extend_from_slice(ryu::Buffer::new().format_finite(x.abs()).as_bytes());
                Ok(())
            }
            _ => {
                out.truncate(start);
                return false;
            }
        };
        debug_assert!(written.is_ok());
        if let Some(separator) = self.grouping {
            let whole = out[digits..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            for place in (1..whole).rev().filter(|place| (whole - place) % 3 == 0) {
                out.insert(digits + place, separator);
            }
        }
        // A sign and `0x` keep their place before zeros.
        match (self.zeros, self.align) {
            (true, _) => self.pad(start, digits - start, '0', Align::AfterSign, out),
            (false, align) => self.pad(start, digits - start, self.fill, align.unwrap_or(Align::Right), out),
        }
        true
    }

    /// Pads the text that begins at `start` to the width. Its first `sign` bytes are a sign and `0x`.
    fn pad(&self, start: usize, sign: usize, fill: char, align: Align, out: &mut Vec<u8>) {
        let missing = usize::from(self.width).saturating_sub(chars(&out[start..]).count());
        if missing == 0 {
            return;
        }
        let mut bytes = [0; 4];
        let fill = fill.encode_utf8(&mut bytes).as_bytes();
        (0..missing).for_each(|_| out.extend_from_slice(fill));
        let (from, before) = match align {
            Align::Left => (start, 0),
            Align::Right => (start, missing),
            Align::Center => (start, missing / 2),
            Align::AfterSign => (start + sign, missing),
        };
        out[from..].rotate_right(before * fill.len());
    }
}

/// Returns the positions at which characters begin in UTF-8.
fn chars(text: &[u8]) -> impl Iterator<Item = usize> {
    text.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80).map(|(at, _)| at)
}

/// Writes text as Python's `repr` does: in single quotes, or double ones if that saves escapes.
pub(super) fn write_repr(text: &[u8], out: &mut Vec<u8>) {
    let text = str::from_utf8(text).unwrap_or_default();
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote as u8);
    for c in text.chars() {
        let _ = match c {
            '\n' => Raw(out).write_str("\\n"),
            '\r' => Raw(out).write_str("\\r"),
            '\t' => Raw(out).write_str("\\t"),
            '\\' => Raw(out).write_str("\\\\"),
            c if c == quote => write!(Raw(out), "\\{c}"),
            c if crate::text::is_harmful(c) && u32::from(c) < 0x100 => write!(Raw(out), "\\x{:02x}", u32::from(c)),
            c if crate::text::is_harmful(c) => write!(Raw(out), "\\u{:04x}", u32::from(c)),
            c => Raw(out).write_char(c),
        };
    }
    out.push(quote as u8);
}
