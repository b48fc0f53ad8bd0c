//! Records: the view through which filters, formatters and handlers read them, and owned copies.
//!
//! | type | what it is |
//! |---|---|
//! | [`FemtoLogRecord`] | a record, as filters, formatters and handlers see it |
//! | [`Message`] | its text, which is formatted when it is written |
//! | [`SpanRef`] | a span in which the call was made |
//! | [`OwnedRecord`] | a copy that can be kept |
//!
//! # Examples
//!
//! ```
//! use femtologging::handler::FemtoCaptureHandler;
//! use femtologging::record::OwnedRecord;
//! use femtologging::{Config, info};
//! use std::time::Duration;
//!
//! let capture = FemtoCaptureHandler::new();
//! let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
//! let logger = logging.get_logger("shop")?;
//! info!(logger: logger, "sold {}", 3);
//! logging.flush(Duration::from_secs(5))?;
//! let records: Vec<OwnedRecord> = capture.records();
//! assert_eq!(records[0].message(), "sold 3");
//! # Ok::<(), femtologging::Error>(())
//! ```

// A record has several forms:
//
// | form | type | file |
// |---|---|---|
// | what the caller encodes | `Draft` | `draft.rs` |
// | words in a queue | `Header` and a payload | `draft.rs` |
// | a view of the words | `FemtoLogRecord` | this one |
// | encoded, kept by a handler for later | `KeptRecord` | `kept.rs` |
// | decoded, owned | `OwnedRecord` | `owned.rs` |
//
// A view needs more than the words: the call site knows the types, the keys and the template (`site.rs`), and names
// are interned. A filter can replace parts of a record for its handler (`rewrite.rs`).

#[cfg(any(test, fuzzing))]
pub(crate) mod by_hand;
mod draft;
mod extras;
#[cfg(feature = "compose")]
mod kept;
mod message;
mod owned;
mod process;
mod rewrite;
mod site;
mod thread;

pub(crate) use draft::{
    Carried, Draft, Encoded, Entries, HEADER_WORDS, Head, Header, LoggerName, Named, Payload, Prefix, TargetName,
};
pub(crate) use extras::KeyName;
pub use extras::SpanRef;
#[cfg(feature = "compose")]
pub(crate) use kept::{KeptRecord, KeptSites};
pub use message::Message;
pub use owned::OwnedRecord;
pub(crate) use rewrite::Changes;
pub use rewrite::Rewrite;
pub(crate) use site::{Site, SiteCache, SiteTable};
pub(crate) use thread::ThreadInfo;

use std::fmt;
use std::sync::Arc;

use self::extras::RecordExtras;
use crate::callsite::{Callsite, Registered, Shape};
use crate::level::Level;
use crate::text::{Escaped, Output, Prepared, Raw};
use crate::time::Timestamp;
use crate::value::{ByteSink, Reader, Tag, Value, WordSink};

/// One log record, as filters, formatters and handlers see it.
///
/// It borrows the bytes that the caller encoded. Values are decoded and the message is formatted when they are asked
/// for, each time. [`to_owned`](Self::to_owned) makes a copy that can be kept.
///
/// # Examples
///
/// ```
/// use femtologging::FemtoLogRecord;
///
/// fn terse(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
///     out.extend_from_slice(record.level().as_str().as_bytes());
///     out.push(b' ');
///     record.write_message(out);
/// }
/// ```
#[derive(Clone, Copy)]
pub struct FemtoLogRecord<'a> {
    level: Level,
    timestamp: Timestamp,
    thread: &'a Arc<ThreadInfo>,
    /// The logger's name and the target, where the call site does not determine them.
    logger: Option<&'a str>,
    target: Option<&'a str>,
    message: Message<'a>,
    extras: RecordExtras<'a>,
}

impl<'a> FemtoLogRecord<'a> {
    #[inline]
    fn new(
        site: &'a Site,
        level: Level,
        timestamp: Timestamp,
        thread: &'a Arc<ThreadInfo>,
        payload: &'a [u8],
    ) -> FemtoLogRecord<'a> {
        let message = Message { site, payload, changes: None };
        Self { level, timestamp, thread, logger: None, target: None, message, extras: RecordExtras::default() }
    }

    /// Calls `use_it` with a record of the library itself, which no call made.
    pub(crate) fn with_text<T>(
        site: &'static Callsite,
        shape: &'static Shape,
        level: Level,
        timestamp: Timestamp,
        text: &str,
        use_it: impl FnOnce(&FemtoLogRecord<'_>) -> T,
    ) -> T {
        let site = Site::new(Registered { site, shape });
        let thread = Arc::new(ThreadInfo::current());
        let mut payload = ByteSink::default();
        payload.text(text);
        use_it(&FemtoLogRecord::new(&site, level, timestamp, &thread, &payload.bytes))
    }

    /// Returns the severity.
    #[inline]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns the time at which the record was logged.
    #[inline]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Returns the name of the logger: that of the call's `logger:`, or else its `target:`, or else its module path.
    #[inline]
    pub fn logger(&self) -> &'a str {
        self.logger.or(self.target).unwrap_or(self.message.site.target.as_str())
    }

    /// Returns the call's `target:`; the same as [`logger`](Self::logger) if it gives none.
    #[inline]
    pub fn target(&self) -> &'a str {
        self.target.or(self.logger).unwrap_or(self.message.site.target.as_str())
    }

    /// Returns the format string of the call.
    pub fn template(&self) -> &'static str {
        self.message.site.metadata().template
    }

    /// Returns the path of the module that contains the call.
    pub fn module_path(&self) -> &'a str {
        self.extras.source().map_or(self.message.site.metadata().module.module_path, |source| source.module_path)
    }

    /// Returns the source file of the call, as `file!()` gives it.
    pub fn file(&self) -> &'a str {
        self.extras.source().map_or(self.message.site.metadata().module.file, |source| source.file)
    }

    /// Returns the line of the call.
    pub fn line(&self) -> u32 {
        self.extras.source().map_or(self.message.site.metadata().line, |source| source.line)
    }

    /// Returns the path of the function that contains the call, such as `app::db::load` or `app::db::Pool::load`,
    /// without generic arguments.
    ///
    /// A closure or an `async` block counts as the function that contains it. A default method of a trait has the path
    /// of the type for which it first logged. There is none for records of spans (`enter`, `exit`), of the library
    /// itself and of other facades.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{FemtoLogRecord, FemtoStreamHandler};
    ///
    /// let console = FemtoStreamHandler::stderr().formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
    ///     out.extend_from_slice(record.function().unwrap_or("?").as_bytes());
    ///     out.extend_from_slice(b": ");
    ///     record.write_message_escaped(out);
    /// });
    /// # drop(console);
    /// ```
    pub fn function(&self) -> Option<&'a str> {
        self.message.site.function.as_ref().map(Prepared::as_str)
    }

    /// Iterates over the spans that the record was logged in, the outermost first.
    pub fn spans(&self) -> impl Iterator<Item = SpanRef<'a>> + use<'a> {
        self.extras.spans()
    }

    /// Returns the number of the test to which the record belongs.
    #[cfg(feature = "testing")]
    pub(crate) fn scope(&self) -> Option<u64> {
        self.extras.scope()
    }

    /// Returns the number of the calling thread: the one in the `Debug` text of its
    /// [`ThreadId`](std::thread::ThreadId).
    pub fn thread_id(&self) -> u64 {
        self.thread.id
    }

    /// Returns the name of the calling thread; `thread-<number>` if it has none.
    #[inline]
    pub fn thread_name(&self) -> &'a str {
        self.thread.name.as_str()
    }

    /// Returns the id of this process.
    pub fn process_id(&self) -> u32 {
        process::process_id()
    }

    /// Returns the message. Its `Display` text is what `format!` gives for the call.
    pub fn message(&self) -> Message<'a> {
        self.message
    }

    /// Appends the message to `out`.
    pub fn write_message(&self, out: &mut Vec<u8>) {
        let _ = self.message.render(&mut Raw(out));
    }

    /// Appends the message to `out`, with control characters, U+2028, U+2029 and Unicode's bidirectional controls
    /// escaped.
    ///
    /// The result is one line, contains no escape sequences of terminals, and is shown in the order of its characters.
    /// Line feed, carriage return and tab become `\n`, `\r` and `\t`, others take the form `\u{1b}`.
    pub fn write_message_escaped(&self, out: &mut Vec<u8>) {
        let _ = self.message.render(&mut Escaped(out));
    }

    /// Iterates over the arguments of the message, as typed values.
    ///
    /// There are none if the caller formatted the message: if the format string captures a variable (`{name}`) or
    /// prints an address (`{:p}`), or if an argument has a type that cannot be encoded. There are none, either, if a
    /// filter has replaced the message.
    pub fn arguments(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let mut reader = Reader::new(self.message.payload);
        // A message that a filter replaced no longer has the arguments of the call.
        let tags = if self.message.replaced().is_none() { self.message.site.argument_tags() } else { &[] };
        tags.iter().map(move |tag| reader.value(*tag))
    }

    /// Iterates over the keys and their values: those of the context, from the outermost scope to the innermost, then
    /// those of the logger, then those of the call.
    ///
    /// A key can occur several times; the last value counts. For example, `info!("…"; user = "ada")` within
    /// `context! { user = "eve", request = 7 }` gives `user`, `request`, `user`, of which `"ada"` counts.
    /// [`get`](Self::get) returns that value.
    pub fn key_values(&self) -> impl Iterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let reader = self.message.site.skip_message(self.message.payload);
        self.rewritten_key_values(reader).map(|(key, value)| (key.as_str(), value))
    }

    /// Calls `each` with every key and value. `reader` has read the payload up to the values of the call's keys.
    #[inline]
    pub(crate) fn each_key_value(&self, reader: Reader<'a>, mut each: impl FnMut(KeyName<'a>, Value<'a>)) {
        if self.message.changes.is_some() || !self.extras.is_empty() {
            return self.rewritten_key_values(reader).for_each(|(key, value)| each(key, value));
        }
        for (key, value) in self.own_key_values(reader) {
            each(key, value);
        }
    }

    /// Calls `each` with every key and value; see [`key_values`](Self::key_values).
    #[inline]
    pub(crate) fn for_each_key_value(&self, each: impl FnMut(KeyName<'a>, Value<'a>)) {
        self.each_key_value(self.message.site.skip_message(self.message.payload), each);
    }

    /// Iterates over the keys and values as filters left them; `reader` as in `each_key_value`.
    fn rewritten_key_values(&self, reader: Reader<'a>) -> impl Iterator<Item = (KeyName<'a>, Value<'a>)> + use<'a> {
        let changes = self.message.changes;
        let added = changes.map_or(&[][..], |changes| &changes.added).iter();
        let added = added.map(|(key, value)| (KeyName::Prepared(key), value.get()));
        let key_values = self.extras.key_values().chain(self.own_key_values(reader)).chain(added).enumerate();
        key_values.map(move |(at, (key, value))| (key, changes.and_then(|changes| changes.value(at)).unwrap_or(value)))
    }

    /// Iterates over the keys and values of the call; `reader` as in `each_key_value`.
    #[inline]
    fn own_key_values(&self, mut reader: Reader<'a>) -> impl Iterator<Item = (KeyName<'a>, Value<'a>)> + use<'a> {
        let site = self.message.site;
        // The note about keys beyond the limit is the last key.
        let left_out = (site.left_out > 0).then_some((KeyName::Text("…"), Value::U64(site.left_out as u64)));
        site.fields.iter().map(move |(key, tag)| (KeyName::Prepared(key), reader.value(*tag))).chain(left_out)
    }

    /// Writes the logger's name.
    #[inline]
    pub(crate) fn render_logger(&self, out: &mut impl Output) {
        match self.logger.or(self.target) {
            Some(name) => drop(out.write_str(name)),
            None => out.prepared(&self.message.site.target),
        }
    }

    /// Writes the source file.
    #[inline]
    pub(crate) fn render_file(&self, out: &mut impl Output) {
        match self.extras.source() {
            Some(source) => drop(out.write_str(source.file)),
            None => out.prepared(&self.message.site.file),
        }
    }

    /// Writes the path of the function.
    pub(crate) fn render_function(&self, out: &mut impl Output) {
        if let Some(function) = &self.message.site.function {
            out.prepared(function);
        }
    }

    /// Writes the thread's name.
    #[inline]
    pub(crate) fn render_thread(&self, out: &mut impl Output) {
        out.prepared(&self.thread.name);
    }

    /// Returns whether the thread's name needs no quotes in logfmt.
    #[cfg(feature = "logfmt")]
    #[inline]
    pub(crate) fn has_bare_thread(&self) -> bool {
        self.thread.name.is_bare()
    }

    /// Writes the names of the spans, separated by `:`. Returns whether there are any.
    pub(crate) fn render_spans(&self, out: &mut impl Output) -> bool {
        let mut any = false;
        for span in self.spans() {
            out.plain(if any { ":" } else { "" });
            let _ = out.write_str(span.name());
            any = true;
        }
        any
    }

    /// Writes the message, and calls `each` with every key and value.
    #[inline]
    pub(crate) fn render<O: Output>(&self, out: &mut O, mut each: impl FnMut(&mut O, KeyName<'a>, Value<'a>)) {
        let reader = self.message.render(out);
        self.each_key_value(reader, |key, value| each(out, key, value));
    }

    /// Returns the number of the prepared call site if the record is nothing but a call: no filter has changed it, and
    /// it carries nothing that the call site does not know, such as a context.
    #[inline]
    pub(crate) fn bare_site(&self) -> Option<u64> {
        (self.message.changes.is_none() && self.extras.is_empty()).then_some(self.message.site.id)
    }

    /// Returns the names that replace those of the call site: the logger's and the target.
    #[inline]
    pub(crate) fn names(&self) -> [Option<&'a str>; 2] {
        [self.logger, self.target]
    }

    /// Returns a reader of the payload: see [`payload_tags`](Self::payload_tags).
    #[inline]
    pub(crate) fn payload(&self) -> Reader<'a> {
        Reader::new(self.message.payload)
    }

    /// Returns the types of the payload's values: those of the message, then those of the call's keys.
    pub(crate) fn payload_tags(&self) -> impl Iterator<Item = Tag> + use<'a> {
        self.message.site.payload_tags()
    }

    /// Returns how many of the payload's values are the message's.
    pub(crate) fn message_values(&self) -> usize {
        self.payload_tags().count() - self.message.site.fields.len()
    }

    /// Returns what filters have changed, if anything.
    fn changes(&self) -> Option<&'a Changes> {
        self.message.changes
    }

    /// Returns the record with other changes.
    fn with_changes<'b>(&self, changes: &'b Changes) -> FemtoLogRecord<'b>
    where
        'a: 'b,
    {
        let mut record: FemtoLogRecord<'b> = *self;
        record.message.changes = Some(changes);
        record
    }

    /// Returns the value of a key, the last one if the key occurs several times.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        self.key_values().filter(|(name, _)| *name == key).map(|(_, value)| value).last()
    }

    /// Decodes the record and formats its message, and copies both.
    pub fn to_owned(&self) -> OwnedRecord {
        OwnedRecord::new(self)
    }
}

impl fmt::Debug for FemtoLogRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoLogRecord")
            .field("level", &self.level)
            .field("timestamp", &self.timestamp)
            .field("logger", &self.logger())
            .field("message", &format_args!("{}", self.message()))
            .finish_non_exhaustive()
    }
}
