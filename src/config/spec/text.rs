//! What the readers of all formats have in common: positions, and the limit of nesting.
//!
//! The libraries that parse TOML and JSON report offsets in bytes; messages have lines and columns in characters, from
//! 1, as editors count them. [`LineStarts`] converts one to the other by a binary search.

use std::sync::Arc;

use crate::error::{Position, Problem};

/// The maximum depth of a document.
pub(super) const MOST_DEPTH: usize = 32;

/// Where the lines of a text begin, to turn offsets into positions.
pub(super) struct LineStarts<'t> {
    text: &'t str,
    source: Arc<str>,
    /// The offsets of the first byte of every line.
    starts: Vec<usize>,
}

impl<'t> LineStarts<'t> {
    pub(super) fn new(text: &'t str, source: &Arc<str>) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        Self { text, source: source.clone(), starts: std::iter::once(0).chain(feeds).collect() }
    }

    /// Returns the position of the character at an offset in bytes.
    pub(super) fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..offset).unwrap_or_default();
        Position::new(self.source.clone(), line as u32, before.chars().count() as u32 + 1)
    }

    /// A problem of the document itself.
    pub(super) fn problem(&self, offset: usize, what: impl std::fmt::Display) -> Problem {
        Problem { position: Some(self.position(offset)), ..Problem::new("", "", what) }
    }
}
