//! A record as a map with the field names of the library's own schema, for MessagePack and CBOR.

use super::{Notation, write_spans};
use crate::formatter::pairs::pairs;
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;

/// Writes a record with the names of [`JsonSchema::Default`](crate::formatter::JsonSchema::Default), and its time by
/// `time`.
#[inline]
pub(super) fn write_record<N: Notation>(
    record: &FemtoLogRecord<'_>,
    out: &mut Vec<u8>,
    time: impl FnOnce(Timestamp, &mut Vec<u8>),
) {
    let pairs = pairs(record);
    let spans = record.spans().next().is_some();
    N::map_head(7 + usize::from(spans) + usize::from(!pairs.is_empty()), out);
    N::text("timestamp", out);
    time(record.timestamp(), out);
    for (name, text) in [
        ("level", record.level().as_str()),
        ("logger", record.logger()),
        ("thread", record.thread_name()),
        ("file", record.file()),
    ] {
        N::text(name, out);
        N::text(text, out);
    }
    N::text("line", out);
    N::integer(false, record.line().into(), out);
    N::text("message", out);
    N::rendered(out, |out| {
        let _ = record.message().render(out);
    });
    if spans {
        N::text("spans", out);
        write_spans::<N>(record, out);
    }
    if !pairs.is_empty() {
        N::text("fields", out);
        let mut entries = 0;
        pairs.each(PartialEq::eq, |_, _| entries += 1);
        N::map_head(entries, out);
        pairs.each(PartialEq::eq, |key, value| {
            N::text(key, out);
            N::value(*value, out);
        });
        N::map_end(out);
    }
    N::map_end(out);
}
