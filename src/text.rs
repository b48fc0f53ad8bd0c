//! Where text goes: as it is, or with control characters escaped.

use std::fmt;

/// A destination of text that treats what it knows to be harmless faster.
pub(crate) trait Output: fmt::Write + Sized {
    /// Writes text that has no control characters, such as digits.
    #[inline]
    fn plain(&mut self, text: &str) {
        let _ = self.write_str(text);
    }

    /// Writes text whose escaped form is at hand.
    #[inline]
    fn prepared(&mut self, text: &Prepared) {
        let _ = self.write_str(&text.raw);
    }
}

impl Output for fmt::Formatter<'_> {}

/// Appends text as it is.
pub(crate) struct Raw<'a>(pub(crate) &'a mut Vec<u8>);

impl fmt::Write for Raw<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Output for Raw<'_> {}

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
    fn plain(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn prepared(&mut self, text: &Prepared) {
        self.0.extend_from_slice(&text.escaped);
    }
}

/// Text in both forms that outputs want, for what is written again and again.
pub(crate) struct Prepared {
    raw: String,
    escaped: Vec<u8>,
}

impl Prepared {
    pub(crate) fn new(raw: String) -> Self {
        let mut escaped = Vec::new();
        push_escaped(&mut escaped, &raw);
        Self { raw, escaped }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.raw
    }
}

/// Appends `text` to `out`, control characters escaped: `\n`, `\r`, `\t`, and others as `\u{1b}`.
///
/// Control characters are those of Unicode's category Cc (U+0000–001F, U+007F–009F); U+2028 and U+2029 go with
/// them, which some readers take for line ends, and the bidirectional controls U+202A–202E and U+2066–2069, which
/// reorder what a terminal shows. A backslash stays as it is.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    // Below space, DEL, and the lead bytes of U+0080–00BF and U+2000–2FFF. No early exit, so that it compiles to
    // vector code.
    let suspect = |byte: u8| (byte < 0x20) | (byte == 0x7F) | (byte == 0xC2) | (byte == 0xE2);
    if !bytes.iter().fold(false, |any, byte| any | suspect(*byte)) {
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

fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        push_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_what_could_forge_a_line_or_command_a_terminal() {
        assert_eq!(escaped("plain \\ text"), "plain \\ text");
        assert_eq!(escaped("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(escaped("\u{1b}[31m\u{7f}\u{9b}\0"), "\\u{1b}[31m\\u{7f}\\u{9b}\\u{0}");
        assert_eq!(escaped("\u{2028}\u{2029}\u{202e}\u{2066}"), "\\u{2028}\\u{2029}\\u{202e}\\u{2066}");
        assert_eq!(escaped("é£€…😀"), "é£€…😀");
    }
}
