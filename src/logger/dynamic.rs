//! Records of other facades: what a call of ours knows when it is compiled is known of them when they are logged.

use std::fmt;

use super::{Source, dispatch};
use crate::callsite::{Callsite, Shape};
use crate::context::{ExtrasWriter, put_current};
use crate::error::guarded;
use crate::level::Level;
use crate::record::Named;
use crate::sync::is_muted;
use crate::value::{ByteSink, Value, WordSink};

/// A record that is known only at run time. Its parts are user code, which may log or panic.
pub(crate) struct Dynamic<'a> {
    /// Writes the message.
    pub(crate) message: &'a dyn Fn(&mut dyn fmt::Write) -> fmt::Result,
    /// Where the call stands, if its call site does not say so.
    pub(crate) place: Option<Place<'a>>,
    /// Adds the keys.
    pub(crate) keys: &'a dyn Fn(&mut ExtrasWriter<'_>),
}

/// Where a call stands in its source.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) module_path: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
}

/// Sends a record, if it goes anywhere. Those of the crates that a thread of the library's own calls do not.
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
    if let Some(Place { module_path, file, line }) = record.place {
        entries.source(module_path, file, line);
    }
    // No entry is left half written: no user code runs within one, but for text, which is guarded by itself.
    if guarded(|| (record.keys)(&mut entries)).is_none() {
        entries.named("…", Value::Str("<reading the keys panicked>"));
    }
    entries.finish();
    let words = (sink.bytes.len() - start) / 8;
    sink.word(words as u64);
}
