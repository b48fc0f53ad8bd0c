//! Where a caller formats, and where what is too large is cut.

use std::fmt;

use super::limits::Limits;
use super::wire::WordSink;
use crate::error::guarded;
use crate::text::floor_char_boundary;

/// A growing byte buffer of words; what a caller formats lands here first.
#[doc(hidden)]
pub struct ByteSink {
    pub(crate) bytes: Vec<u8>,
    limits: Limits,
    /// How long the value that is being written may become.
    end: usize,
    /// How many bytes of it did not fit.
    beyond: usize,
    /// Whether it was told to stop, so that nobody knows how many more there are.
    is_stopped: bool,
    in_values: bool,
    was_cut: bool,
}

impl Default for ByteSink {
    fn default() -> Self {
        Self::new(Vec::new(), Limits::NONE)
    }
}

impl ByteSink {
    pub(crate) fn new(bytes: Vec<u8>, limits: Limits) -> Self {
        Self { bytes, limits, end: usize::MAX, beyond: 0, is_stopped: false, in_values: false, was_cut: false }
    }

    /// How large what is written here may be.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether anything was cut short.
    pub(crate) fn was_cut(&self) -> bool {
        self.was_cut
    }

    /// How many bytes the next text may have.
    fn room_bytes(&self) -> usize {
        let record = self.limits.record_bytes.saturating_sub(self.bytes.len());
        if self.in_values { record.min(self.limits.value_bytes) } else { record }
    }

    #[inline]
    fn pad(&mut self) {
        let whole = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(whole, 0);
    }

    /// Puts the length of what was written since there into the word at `at`.
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
        self.end = at.saturating_add(8).saturating_add(self.room_bytes());
        (self.beyond, self.is_stopped) = (0, false);
        self.word(0);
        // Neither an error nor a panic of a user's `Display` may reach the code that logs.
        match guarded(|| write(self)) {
            Some(Ok(())) => {}
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

/// Text that does not fit is counted and left out. When a whole record's worth of it was left out, the writer fails: a
/// `Display` that writes until it gets an error comes to an end.
impl fmt::Write for ByteSink {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.beyond > self.limits.record_bytes {
            self.is_stopped = true;
            return Err(fmt::Error);
        }
        let room = self.end.saturating_sub(self.bytes.len());
        let kept = if self.beyond > 0 { 0 } else { floor_char_boundary(text, room) };
        self.bytes.extend_from_slice(&text.as_bytes()[..kept]);
        self.beyond = self.beyond.saturating_add(text.len() - kept);
        Ok(())
    }
}
