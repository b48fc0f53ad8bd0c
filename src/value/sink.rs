//! The buffer in which a caller formats text, and where values that exceed the limits are cut.
//!
//! The text of a value is cut at a character boundary, and a note says how much is missing. With
//! [`Limits::value_bytes`] of 64, for example, the `Display` text of a value that writes 70 times `a` becomes 64 times
//! `a` and then `…(+6 bytes)`. The note itself is not counted.
//!
//! User code may return an error, panic, log, or never stop writing. In all these cases the buffer has a complete text,
//! with its length in front of it, so that what was encoded before and what comes after can be decoded:
//!
//! | the value's `Display` | the text |
//! |---|---|
//! | writes `abc` | `abc` |
//! | writes `abc` and returns an error | `abc<formatting failed>` |
//! | writes `abc` and panics | `abc<formatting panicked>` |
//! | writes more than the limit | its beginning, and `…(+6 bytes)` |
//! | writes without end | its beginning, and `…(+1048577 bytes or more)`: `write_str` returned an error |

use std::fmt;

use super::limits::Limits;
use super::wire::WordSink;
use crate::error::guarded;
use crate::text::floor_char_boundary;

/// A growing buffer of words, to which user code formats its text.
#[doc(hidden)]
pub struct ByteSink {
    pub(crate) bytes: Vec<u8>,
    limits: Limits,
    /// The length of `bytes` at which the text that is being formatted is cut.
    end: usize,
    /// The number of bytes of that text that were left out.
    beyond: usize,
    /// Whether the writer got an error because it did not stop; there may be more than `beyond` bytes.
    is_stopped: bool,
    /// Whether values of keys are written, to which `value_bytes` applies, and not the message.
    in_values: bool,
    was_cut: bool,
}

impl Default for ByteSink {
    fn default() -> Self {
        Self::new(Vec::new(), Limits::NONE)
    }
}

impl ByteSink {
    /// Appends to `bytes`, whose content counts towards the limits.
    pub(crate) fn new(bytes: Vec<u8>, limits: Limits) -> Self {
        Self { bytes, limits, end: usize::MAX, beyond: 0, is_stopped: false, in_values: false, was_cut: false }
    }

    /// Returns the limits that apply to this buffer.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns whether anything was cut.
    pub(crate) fn was_cut(&self) -> bool {
        self.was_cut
    }

    /// Returns the maximum number of bytes of the text that is written next.
    fn room_bytes(&self) -> usize {
        let record = self.limits.record_bytes.saturating_sub(self.bytes.len());
        if self.in_values { record.min(self.limits.value_bytes) } else { record }
    }

    /// Pads with zeros to a whole number of words.
    #[inline]
    fn pad(&mut self) {
        let whole = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(whole, 0);
    }

    /// Ends a text that began at `at`: stores its length into the word there, which was written as 0, and pads.
    fn finish(&mut self, at: usize) {
        let length = (self.bytes.len() - at - 8) as u64;
        if let Some(word) = self.bytes.get_mut(at..at + 8) {
            word.copy_from_slice(&length.to_le_bytes());
        }
        self.pad();
    }
}

impl WordSink for ByteSink {
    #[inline]
    fn word(&mut self, word: u64) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    #[inline]
    fn text(&mut self, text: &str) {
        let room = self.room_bytes();
        if text.len() > room {
            return self.format(&|out| out.write_str(text));
        }
        self.bytes(text.as_bytes());
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.room_bytes());
        if kept < bytes.len() {
            self.note_cut();
        }
        self.word(kept as u64);
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.pad();
    }

    fn format(&mut self, write: &dyn Fn(&mut dyn fmt::Write) -> fmt::Result) {
        let at = self.bytes.len();
        // The word for the length is not part of the text.
        self.end = at.saturating_add(8).saturating_add(self.room_bytes());
        (self.beyond, self.is_stopped) = (0, false);
        // The length, which `finish` stores when the text is complete.
        self.word(0);
        // Neither an error nor a panic of a user's `Display` may reach the code that logs.
        match guarded(|| write(self)) {
            Some(Ok(())) => {}
            // The error is that of `write_str`; the note below says that text is missing.
            Some(Err(_)) if self.is_stopped => {}
            Some(Err(_)) => self.bytes.extend_from_slice(b"<formatting failed>"),
            None => self.bytes.extend_from_slice(b"<formatting panicked>"),
        }
        if self.beyond > 0 {
            let more = if self.is_stopped { " or more" } else { "" };
            self.bytes.extend_from_slice(format!("…(+{} bytes{more})", self.beyond).as_bytes());
            self.note_cut();
        }
        self.finish(at);
    }

    fn begin_values(&mut self) {
        self.in_values = true;
    }

    fn room(&self) -> usize {
        self.room_bytes() / 8
    }

    fn note_cut(&mut self) {
        self.was_cut = true;
    }
}

/// Text that exceeds the limit is counted and left out. Once more than [`Limits::record_bytes`] were left out, writing
/// fails, so that a `Display` that would write for ever ends.
impl fmt::Write for ByteSink {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.beyond > self.limits.record_bytes {
            self.is_stopped = true;
            return Err(fmt::Error);
        }
        let room = self.end.saturating_sub(self.bytes.len());
        // Once a piece of text was cut, later pieces are left out as well, even if they would fit.
        let kept = if self.beyond > 0 { 0 } else { floor_char_boundary(text, room) };
        self.bytes.extend_from_slice(&text.as_bytes()[..kept]);
        self.beyond = self.beyond.saturating_add(text.len() - kept);
        Ok(())
    }
}
