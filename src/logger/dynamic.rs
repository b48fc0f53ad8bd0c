//! Records from other facades (`log`, `tracing`), whose metadata is known only at run time.
//!
//! A record of a macro of this crate has its types, keys and source location at its call site. For these records, the
//! message is text, and the keys, with their types, and the source location are extras (see `context/extras.rs`).

use std::fmt;

use super::{Source, dispatch};
use crate::callsite::{Callsite, Shape};
use crate::context::{ExtrasWriter, put_current};
use crate::error::guarded;
use crate::level::Level;
use crate::record::Named;
use crate::sync::is_muted;
use crate::value::{ByteSink, Value, WordSink};

/// The parts of such a record. They run user code, which may log or panic.
pub(crate) struct Dynamic<'a> {
    /// Writes the message.
    pub(crate) message: &'a dyn Fn(&mut dyn fmt::Write) -> fmt::Result,
    /// The source location of the call, unless the call site has it.
    pub(crate) place: Option<SourceLocation<'a>>,
    /// Adds the keys.
    pub(crate) keys: &'a dyn Fn(&mut ExtrasWriter<'_>),
}

/// The source location of a call.
#[derive(Clone, Copy)]
pub(crate) struct SourceLocation<'a> {
    pub(crate) module_path: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
}

/// Sends a record, if it is enabled. Records of a muted thread are discarded; see [`mute_thread`](crate::sync).
pub(crate) fn send<S: Source>(source: S, site: &'static Callsite, level: Level, record: &Dynamic<'_>) {
    if is_muted() {
        return;
    }
    let state = || source.state(site, Shape::TEXT, level);
    if let Some(now) = state() {
        let put = |sink: &mut ByteSink| put(source.name(), record, sink);
        dispatch::send_with_extras(now, level, S::Name::PREFIX, &put, &state);
    }
}

fn put(name: impl Named, record: &Dynamic<'_>, sink: &mut ByteSink) {
    name.put(sink);
    sink.format(record.message);
    let start = sink.bytes.len();
    let keys = put_current(sink);
    let mut entries = ExtrasWriter::new(sink, keys);
    if let Some(SourceLocation { module_path, file, line }) = record.place {
        entries.source(module_path, file, line);
    }
    // A panic leaves no incomplete entry: user code runs between entries, and within text, where panics are caught.
    if guarded(|| (record.keys)(&mut entries)).is_none() {
        entries.named("…", Value::Str("<reading the keys panicked>"));
    }
    entries.finish();
    let words = (sink.bytes.len() - start) / 8;
    sink.word(words as u64);
}
