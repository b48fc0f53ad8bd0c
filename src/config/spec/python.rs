//! The documents of CPython's `logging.config.dictConfig`.

use super::part::{Decoding, PartSpec};
use super::setting::Mapping;
use super::types::Section;
use crate::error::Position;

/// Makes a part of a table without a `type`: one of CPython's, or a mistake.
pub(super) fn part(
    section: Section,
    path: &str,
    position: Option<Position>,
    table: Mapping,
    decoding: &mut Decoding<'_>,
) -> Option<PartSpec> {
    let _ = table;
    let remedy = format!("missing: the type of the {}", section.names().1);
    decoding.problem(position, format!("{path}.type"), "", remedy);
    None
}
