//! JSON strings (RFC 8259, section 7).
//!
//! JSON requires escapes for quotes, backslashes and U+0000 to U+001F. What [`Escaped`](super::Escaped) escapes in text
//! is escaped here as well (U+007F to U+009F, line and paragraph separators, bidirectional controls): such a document
//! would be valid without, but terminals and editors would show something other than what is there.
//!
//! Most text needs no escape. It is checked in one pass without branches, which compiles to vector instructions, and
//! then copied as a whole.

use std::fmt;

use super::{Output, Prepared, is_harmful, is_suspect};

/// Appends text as the inside of a JSON string: escapes quotes, backslashes, and what [`Escaped`](super::Escaped)
/// escapes.
pub(crate) struct Quoted<'a>(pub(crate) &'a mut Vec<u8>);

impl fmt::Write for Quoted<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_quoted(self.0, text);
        Ok(())
    }
}

impl Output for Quoted<'_> {
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
        super::push_few(self.0, text, length);
    }

    #[inline]
    fn number(&mut self, number: u64) {
        super::push_number(self.0, number);
    }

    #[inline]
    fn prepared(&mut self, text: &Prepared) {
        text.quoted.append_to(self.0);
    }
}

/// Appends text as a JSON string with its quotes.
#[inline]
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_quoted(out, text);
    out.push(b'"');
}

/// Appends text as the inside of a JSON string. Text without anything to escape, the common case, is copied as a whole.
#[inline]
pub(super) fn push_quoted(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    // No early exit, so that it compiles to vector code.
    // Also quotes and backslashes, which other outputs do not escape.
    let suspect = |byte: u8| is_suspect(byte) | (byte == b'"') | (byte == b'\\');
    if bytes.iter().fold(false, |any, byte| any | suspect(*byte)) {
        push_escaped(out, text);
    } else {
        out.extend_from_slice(bytes);
    }
}

/// Appends text as the inside of a JSON string, character by character.
#[cold]
fn push_escaped(out: &mut Vec<u8>, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            // All harmful characters are below U+10000, and need one escape rather than a surrogate pair.
            c if is_harmful(c) => {
                let digit = |shift: u32| b"0123456789abcdef"[(u32::from(c) >> shift) as usize & 15];
                out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}
