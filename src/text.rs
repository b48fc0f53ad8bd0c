//! Text output: escaping, numbers, and text that is escaped in advance.
//!
//! Formatters write to an [`Output`], which decides about escaping:
//!
//! | output | writes | `a"b` and a line feed becomes |
//! |---|---|---|
//! | [`Raw`] | text as it is | `a"b` and a line feed |
//! | [`Escaped`] | text on one line | `a"b\n` |
//! | [`Quoted`] | the inside of a JSON string | `a\"b\n` |

mod hex;
mod quoted;

pub(crate) use hex::{hex, unhex};
pub(crate) use quoted::{Quoted, push_string};

use std::fmt;

/// A destination of text, with faster methods for text that needs no escaping.
pub(crate) trait Output: fmt::Write + Sized {
    /// Writes text that has no control characters, such as digits.
    #[inline]
    fn plain(&mut self, text: &str) {
        let _ = self.write_str(text);
    }

    /// Writes ASCII without control characters, quotes and backslashes.
    #[inline]
    fn ascii(&mut self, text: &[u8]) {
        self.plain(std::str::from_utf8(text).unwrap_or_default());
    }

    /// Writes the first `length` bytes of eight, ASCII as [`ascii`](Self::ascii) takes it.
    #[inline]
    fn few(&mut self, text: [u8; 8], length: usize) {
        self.ascii(text.get(..length).unwrap_or_default());
    }

    /// Writes a number in decimal digits.
    #[inline]
    fn number(&mut self, number: u64) {
        self.plain(itoa::Buffer::new().format(number));
    }

    /// Writes text that was escaped in advance.
    #[inline]
    fn prepared(&mut self, text: &Prepared) {
        let _ = self.write_str(&text.raw);
    }
}

impl Output for fmt::Formatter<'_> {}

/// What appends to a buffer.
pub(crate) trait Appends {
    fn buffer(&mut self) -> &mut Vec<u8>;
}

impl Appends for Vec<u8> {
    #[inline(always)]
    fn buffer(&mut self) -> &mut Vec<u8> {
        self
    }
}

macro_rules! appends {
    ($($output:ident),*) => {$(
        impl Appends for $output<'_> {
            #[inline(always)]
            fn buffer(&mut self) -> &mut Vec<u8> {
                self.0
            }
        }
    )*};
}

appends!(Raw, Escaped, Quoted);

/// Appends text as it is.
pub(crate) struct Raw<'a>(pub(crate) &'a mut Vec<u8>);

impl fmt::Write for Raw<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Output for Raw<'_> {
    #[inline]
    fn ascii(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    #[inline]
    fn few(&mut self, text: [u8; 8], length: usize) {
        push_few(self.0, text, length);
    }

    #[inline]
    fn number(&mut self, number: u64) {
        push_number(self.0, number);
    }
}

/// Appends text with control characters escaped.
pub(crate) struct Escaped<'a>(pub(crate) &'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

impl Output for Escaped<'_> {
    #[inline]
    fn ascii(&mut self, text: &[u8]) {
        self.0.extend_from_slice(text);
    }

    #[inline]
    fn plain(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn few(&mut self, text: [u8; 8], length: usize) {
        push_few(self.0, text, length);
    }

    #[inline]
    fn number(&mut self, number: u64) {
        push_number(self.0, number);
    }

    #[inline]
    fn prepared(&mut self, text: &Prepared) {
        text.escaped.append_to(self.0);
    }
}

/// Returns the greatest index at or below `at` where a character begins, or the text ends.
pub(crate) fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Text that is written repeatedly, such as the name of a key, in the forms of all outputs.
#[derive(Clone)]
pub(crate) struct Prepared {
    raw: String,
    #[cfg(feature = "logfmt")]
    is_bare: bool,
    escaped: Block,
    quoted: Block,
}

impl Prepared {
    /// Escapes text for all outputs.
    pub(crate) fn new(raw: String) -> Self {
        let (mut escaped, mut quoted) = (Vec::new(), Vec::new());
        push_escaped(&mut escaped, &raw);
        quoted::push_quoted(&mut quoted, &raw);
        Self {
            #[cfg(feature = "logfmt")]
            is_bare: is_bare(&raw),
            raw,
            escaped: Block::new(&escaped),
            quoted: Block::new(&quoted),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.raw
    }

    /// Returns [`is_bare`] of the text.
    #[cfg(feature = "logfmt")]
    #[inline]
    pub(crate) fn is_bare(&self) -> bool {
        self.is_bare
    }
}

/// Bytes that are appended repeatedly.
///
/// They are copied in blocks of fixed size, and what is too much is cut off again: copies of constant size compile to a
/// few moves, and a copy of variable size is a call.
///
/// ```text
/// 40 bytes     first                             rest
///              ████████████████████████████████  ████████························································
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Block {
    length: usize,
    first: [u8; FIRST],
    /// The bytes after the first ones, padded with zeros like these.
    rest: Box<[[u8; FURTHER]]>,
}

/// The size of the first block in bytes, and that of further ones.
const FIRST: usize = 32;
const FURTHER: usize = 64;

impl Block {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut all = bytes.iter().copied().chain(std::iter::repeat(0));
        let first = std::array::from_fn(|_| all.next().unwrap_or_default());
        let further = bytes.len().saturating_sub(FIRST).div_ceil(FURTHER);
        let rest = (0..further).map(|_| std::array::from_fn(|_| all.next().unwrap_or_default())).collect();
        Self { length: bytes.len(), first, rest }
    }

    /// Appends the bytes.
    #[inline]
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.first);
        for block in &self.rest {
            out.extend_from_slice(block);
        }
        out.truncate(end);
    }
}

/// Appends the first `length` bytes of eight.
#[inline]
fn push_few(out: &mut Vec<u8>, text: [u8; 8], length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(&text);
    out.truncate(end);
}

/// Appends a number in decimal digits.
///
/// Numbers of up to eight digits are assembled in a register. `itoa` stores pairs of digits to a buffer, and a load of
/// several bytes that were just stored separately is slow: the processor cannot forward the stores.
#[inline]
fn push_number(out: &mut Vec<u8>, number: u64) {
    if number < 10 {
        out.push(b'0' + number as u8);
        return;
    }
    if number >= 100_000_000 {
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        return;
    }
    let digits = eight_digits(number);
    // Leading zeros are in the low bytes. Bit 56 tells the compiler that the shift is less than 64.
    let zeros = ((digits | (1 << 56)).trailing_zeros() / 8) as usize;
    let text = (digits | 0x3030_3030_3030_3030) >> (8 * zeros);
    push_few(out, text.to_le_bytes(), 8 - zeros);
}

/// Splits a number below 10^8 into its eight decimal digits, a byte each, the first one in the lowest byte.
///
/// The divisions of each step are done in parallel within one word (SWAR), as multiplications by the inverse. See Paul
/// Khuong, "How to print integers really fast" (2017). For example, with 12,345,678:
///
/// ```text
/// fours      5678        | 1234                      two numbers of 32 bits, written from high to low
/// pairs      78   | 56   | 34   | 12                 four numbers of 16 bits
/// digits     8 | 7 | 6 | 5 | 4 | 3 | 2 | 1           eight bytes
/// ```
#[inline]
fn eight_digits(number: u64) -> u64 {
    // 10,486 / 2^20 is 1/100, and 103 / 2^10 is 1/10, exactly enough for numbers below 10^4 and 100.
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7F_0000_007F;
    let pairs = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | ((pairs - 10 * tens) << 8)
}

/// Appends text with control characters escaped: `\n`, `\r` and `\t`, and others in the form `\u{1b}`.
///
/// See [`is_harmful`] for what counts as a control character. A backslash stays as it is.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    // No early exit, so that it compiles to vector code.
    if !bytes.iter().fold(false, |any, byte| any | is_suspect(*byte)) {
        out.extend_from_slice(bytes);
        return;
    }
    for c in text.chars() {
        match c {
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ if is_harmful(c) => out.extend(c.escape_unicode().map(|c| c as u8)),
            _ => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Returns whether a byte of UTF-8 can be the first of a harmful character: it is one itself, or the lead byte of
/// U+0080–00BF, U+0600–063F or U+2000–2FFF.
#[inline(always)]
fn is_suspect(byte: u8) -> bool {
    (byte < 0x20) | (byte == 0x7F) | (byte == 0xC2) | (byte == 0xD8) | (byte == 0xE2)
}

/// Returns whether a character can forge a line, command a terminal, or change the order in which text is shown.
///
/// These are the control characters (Unicode's category Cc: U+0000–001F and U+007F–009F, with U+0085), the line and
/// paragraph separators (Zl, Zp: U+2028, U+2029), and those with the property Bidi_Control (U+061C, U+200E, U+200F,
/// U+202A–202E, U+2066–2069; Unicode Standard Annex 9, section 2).
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether text needs no quotes as a value in logfmt.
#[cfg(feature = "logfmt")]
pub(crate) fn is_bare(text: &str) -> bool {
    // Most text is ASCII without anything that needs quotes.
    let simple = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b'"' | b'\\');
    !text.is_empty() && (text.bytes().all(simple) || text.chars().all(is_bare_char))
}

/// Returns whether a character is allowed outside quotes.
#[cfg(feature = "logfmt")]
pub(crate) fn is_bare_char(c: char) -> bool {
    !(c.is_whitespace() || matches!(c, '=' | '"' | '\\') || is_harmful(c))
}

/// All harmful characters, written down from the Unicode Character Database (PropList.txt, UnicodeData.txt).
#[cfg(test)]
pub(crate) fn harmful() -> impl Iterator<Item = char> {
    let ranges = [
        (0x00, 0x1F),
        (0x7F, 0x9F),
        (0x061C, 0x061C),
        (0x200E, 0x200F),
        (0x2028, 0x2029),
        (0x202A, 0x202E),
        (0x2066, 0x2069),
    ];
    ranges.into_iter().flat_map(|(first, last)| first..=last).filter_map(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_harmful_character_is_escaped_and_no_other() {
        let harmful: std::collections::HashSet<char> = harmful().collect();
        let mut out = Vec::new();
        for c in '\0'..=char::MAX {
            // Alone, so that nothing else makes the writer look at single characters.
            let mut buffer = [0; 4];
            let text = &*c.encode_utf8(&mut buffer);
            assert_eq!(is_harmful(c), harmful.contains(&c), "{c:?}");
            out.clear();
            push_escaped(&mut out, text);
            assert_eq!(out != text.as_bytes(), harmful.contains(&c), "{c:?}");
            assert!(!harmful.contains(&c) || out.is_ascii(), "{c:?}");
            out.clear();
            push_string(&mut out, text);
            let unchanged = out[1..out.len() - 1] == *text.as_bytes();
            assert_eq!(!unchanged, harmful.contains(&c) || matches!(c, '"' | '\\'), "{c:?}");
            assert!(!harmful.contains(&c) || out.is_ascii(), "{c:?}");
        }
    }

    #[test]
    fn blocks_of_all_lengths() {
        let text: Vec<u8> = (1..=FIRST + 3 * FURTHER + 1).map(|n| n as u8).collect();
        for length in 0..=text.len() {
            let mut out = b"before".to_vec();
            Block::new(&text[..length]).append_to(&mut out);
            assert_eq!(out, [b"before", &text[..length]].concat());
        }
    }

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        push_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers() {
        let powers = (0..20).map(|digits| 10_u64.pow(digits));
        for number in powers.flat_map(|n| [n - 1, n, n + 1]).chain([0, 42, 99_999_999, 12_345_678, u64::MAX]) {
            let mut out = b"n=".to_vec();
            push_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), format!("n={number}"));
        }
    }

    proptest::proptest! {
        #[test]
        fn numbers_are_written_as_display_does(number in 0..200_000_000_u64) {
            let mut out = Vec::new();
            push_number(&mut out, number);
            proptest::prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn escapes_what_could_forge_a_line_or_command_a_terminal() {
        assert_eq!(escaped("plain \\ text"), "plain \\ text");
        assert_eq!(escaped("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(escaped("\u{1b}[31m\u{7f}\u{9b}\0"), "\\u{1b}[31m\\u{7f}\\u{9b}\\u{0}");
        assert_eq!(escaped("\u{2028}\u{2029}\u{202e}\u{2066}"), "\\u{2028}\\u{2029}\\u{202e}\\u{2066}");
        assert_eq!(escaped("\u{61c}\u{200e}\u{200f}"), "\\u{61c}\\u{200e}\\u{200f}");
        assert_eq!(escaped("é£€…😀 سلام שלום"), "é£€…😀 سلام שלום");
    }
}
