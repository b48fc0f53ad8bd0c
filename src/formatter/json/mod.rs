//! JSON: one object per line.

mod schema;
#[cfg(test)]
mod tests;

pub use schema::JsonSchema;

use std::fmt::Write;

use smallvec::SmallVec;

use super::FemtoFormatter;
use super::origin::host;
use super::pairs::Pairs;
use super::plan::{Marks, Plans, ValuePiece};
use super::stamp::{Stamp, stamp_settings};
use crate::record::{FemtoLogRecord, KeyName};
use crate::text::{Block, Output, Quoted, Raw, push_string};
use crate::value::{Kind, Reader, Tag, Value, is_whole, write_next, write_next_text, write_thousandths, write_value};
use schema::{Keys, Style, WELL_KNOWN};

/// Writes records as JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)), one object per line. The JSON is valid
/// whatever is in the record.
///
/// ```text
/// {"timestamp":"2026-03-12T08:30:00.123456Z","level":"INFO","message":"ready","logger":"app::db","thread":"main",
///  "thread_id":1,"file":"src/db.rs","line":42,"function":"app::db::connect","fields":{"port":8080}}
/// ```
///
/// | value | JSON |
/// |---|---|
/// | integers, also of 128 bits | a number, with all its digits |
/// | `f32`, `f64` | a number, with the shortest digits that give the same value |
/// | NaN, infinities | `null`; in GELF their text |
/// | `bool`, `None` | `true`, `false`, `null`; in GELF their text |
/// | `Duration` | a number of seconds, exact |
/// | lists, maps | arrays, objects; in ECS and GELF their JSON as text |
/// | bytes | a string of hexadecimal digits |
/// | everything else | a string |
///
/// Some keys are *well known*: `request_id`, `user_id`, `session_id`, `client_address`, `service_name`,
/// `service_version`, `environment`, `trace_id`, `span_id` and `trace_flags`. If the schema has a field for one of
/// them, its value is written to this field, as text, and not among the keys and values: in ECS, `user_id` becomes
/// `user.id`. A key that has the schema's own name for it (`user.id`) is treated in the same way if it would otherwise
/// be next to that field.
///
/// Control characters, U+2028, U+2029 and Unicode's bidirectional controls are escaped.
///
/// If a key occurs several times, only the last value is written. If keys are next to other fields, a `_` is added to a
/// key that has the name of one of them: `level` becomes `level_`, and `level_` becomes `level__`. So no value is lost
/// or mistaken for another.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`schema`](Self::schema) | [`JsonSchema::Default`] | names and layout of all fields |
/// | [`fields`](Self::fields) | the schema's | the fields, their order and their names |
/// | [`flatten`](Self::flatten), [`nest`](Self::nest) | the schema's | the place of keys and values |
/// | [`time`](Self::time), [`digits`](Self::digits) | the schema's | the format of times |
/// | [`constant`](Self::constant) | none | fields that are the same in every record |
///
/// # Examples
///
/// ```
/// use femtologging::formatter::{JsonField, JsonSchema, JsonTime};
/// use femtologging::{FemtoFileHandler, FemtoJsonFormatter};
///
/// let ecs = FemtoJsonFormatter::new().schema(JsonSchema::Ecs).constant("service.name", "shop");
///
/// let own = FemtoJsonFormatter::new()
///     .fields([
///         (JsonField::Timestamp, "ts"),
///         (JsonField::Level, "lvl"),
///         (JsonField::Message, "msg"),
///         (JsonField::KeyValues, ">"),
///     ])
///     .time(JsonTime::Millis);
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.json");
/// let handler = FemtoFileHandler::builder().path(path).formatter(own).build()?;
/// # drop((ecs, handler));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FemtoJsonFormatter {
    style: Style,
    fields: Vec<(JsonField, String)>,
    constants: Vec<(String, String)>,
    stamp: Stamp,
    host: String,
    /// The steps that write a record, computed from the settings above.
    steps: Vec<ObjectStep>,
    /// The names that keys cannot have in their object, and the number of `_` that is added to a key with such a name.
    taken: Vec<(String, usize)>,
    known: KnownKeys,
    plans: Plans<JsonPiece>,
}

/// A field of a JSON record, for [`fields`](FemtoJsonFormatter::fields).
///
/// # Examples
///
/// ```
/// use femtologging::formatter::{FemtoJsonFormatter, JsonField};
///
/// // {"ts":"…","lvl":"INFO","msg":"3 packed","ctx":{"order":7}}
/// let formatter = FemtoJsonFormatter::new().fields([
///     (JsonField::Timestamp, "ts"),
///     (JsonField::Level, "lvl"),
///     (JsonField::Message, "msg"),
///     (JsonField::KeyValues, "ctx>"),
/// ]);
/// # drop(formatter);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonField {
    /// When the record was logged.
    Timestamp,
    /// The level's name.
    Level,
    /// The level's number.
    LevelNumber,
    /// The name of the logger.
    Logger,
    /// The call's target.
    Target,
    /// The message.
    Message,
    /// The format string of the message.
    Template,
    /// The module of the call.
    ModulePath,
    /// The source file of the call.
    File,
    /// The line of the call.
    Line,
    /// The path of the function that contains the call. Left out if it is not known.
    Function,
    /// The number of the calling thread.
    ThreadId,
    /// The name of the calling thread.
    ThreadName,
    /// The id of the process.
    ProcessId,
    /// The name of the machine.
    Host,
    /// The version of the schema.
    Version,
    /// The spans that the record was logged in, the outermost first: an array of objects with `name` and `id`. Left out
    /// if there are none.
    Spans,
    /// The names of these spans with `:` between them. Left out if there are none.
    SpanPath,
    /// The value of the key `request_id`, as text. This field and the next eight are left out if the record does not
    /// have the key.
    RequestId,
    /// The value of the key `user_id`.
    UserId,
    /// The value of the key `session_id`.
    SessionId,
    /// The value of the key `client_address`.
    ClientAddress,
    /// The value of the key `service_name`.
    ServiceName,
    /// The value of the key `service_version`.
    ServiceVersion,
    /// The value of the key `environment`, such as `production`.
    Environment,
    /// The value of the key `trace_id`.
    TraceId,
    /// The value of the key `span_id`.
    SpanId,
    /// The value of the key `trace_flags`.
    TraceFlags,
    /// All keys and their values, except those that have a field of their own.
    KeyValues,
}

impl JsonField {
    /// Returns its index among the well-known keys, if it is the value of one.
    fn well_known(self) -> Option<usize> {
        WELL_KNOWN.iter().position(|(field, _)| *field == self)
    }
}

/// The format of times in JSON.
///
/// # Examples
///
/// ```
/// use femtologging::formatter::{FemtoJsonFormatter, JsonTime};
///
/// let formatter = FemtoJsonFormatter::new().time(JsonTime::Seconds).digits(3); // 1773304200.123
/// # drop(formatter);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonTime {
    /// Text such as `2026-03-12T08:30:00.123456Z`.
    Rfc3339,
    /// Seconds since the Unix epoch, with [`digits`](FemtoJsonFormatter::digits) digits after the decimal point.
    Seconds,
    /// Whole milliseconds since the Unix epoch.
    Millis,
    /// Whole microseconds since the Unix epoch.
    Micros,
    /// Nanoseconds since the Unix epoch.
    Nanos,
}

/// The schema is compiled to a list of steps when it is set, so that writing a record looks up no names. With the
/// schema `[(Level, "lvl"), (Message, "log>msg"), (KeyValues, "log>")]` and a constant `env`:
///
/// ```text
/// Field("\"lvl\":", Level)
/// Open("\"log\":{")  Field("\"msg\":", Message)  KeyValues  Close
/// Constant("\"env\":\"test\"")
/// ```
#[derive(Clone, Debug)]
enum ObjectStep {
    /// A name with its colon, and the value's source.
    Field(Block, JsonField),
    /// A name with its colon, the index of a well-known key, and the text for records that do not have the key.
    Known(Block, usize, Option<String>),
    /// A name with its colon and an opening brace.
    Open(Block),
    Close,
    /// A name and value that never change.
    Constant(Block),
    KeyValues,
}

/// A piece of text that differs from record to record of a call site; see `plan`.
#[derive(Clone, Copy, Debug)]
enum JsonPiece {
    /// The time as RFC 3339, without quotes.
    Rfc3339,
    /// The time in another format.
    Time,
    ThreadId,
    ThreadName,
    ProcessId,
    Message,
    /// Text of the payload, between quotes.
    Text,
    /// Another value between quotes.
    InText(Tag),
    /// An `f64`, the value of a key.
    Float,
    /// Another value of a key.
    Value(Tag),
}

impl JsonPiece {
    /// Makes the piece of a value between quotes, which it does not write.
    fn in_text(tag: Tag) -> ValuePiece<Self> {
        ValuePiece::bare(tag, |tag| ValuePiece::Own(if is_text(tag) { Self::Text } else { Self::InText(tag) }))
    }

    /// Makes the piece of a value as text, with quotes.
    fn text(tag: Tag) -> ValuePiece<Self> {
        ValuePiece::Quoted(if is_text(tag) { Self::Text } else { Self::InText(tag) })
    }

    /// Makes the piece of a key's value.
    fn value(tag: Tag, keys: Keys) -> ValuePiece<Self> {
        match tag.kind {
            Kind::Bool if keys == Keys::Gelf => ValuePiece::Own(Self::Value(tag)),
            _ if is_text(tag) => ValuePiece::Quoted(Self::Text),
            _ => ValuePiece::bare(tag, |tag| {
                let is_float = tag.kind == Kind::F64 && !tag.optional;
                ValuePiece::Own(if is_float { Self::Float } else { Self::Value(tag) })
            }),
        }
    }
}

/// Returns whether values of this type are always text.
fn is_text(tag: Tag) -> bool {
    !tag.optional && matches!(tag.kind, Kind::Str | Kind::Display | Kind::Debug | Kind::Error)
}

/// The names of an object's fields, and those of well-known keys among them.
#[derive(Default)]
struct FieldNames {
    taken: Vec<String>,
    known: Vec<(String, usize)>,
}

/// The keys that have fields of their own, with all names for each.
///
/// Nearly every key of a program is none of them. A key is compared with the names only if one of them has its length:
/// `lengths` has bit 10 set for `request_id`.
#[derive(Clone, Debug, Default)]
struct KnownKeys {
    names: Vec<(String, usize)>,
    /// A bit for every length of a name, to rule out most keys without a comparison.
    lengths: u64,
}

impl KnownKeys {
    fn new(names: Vec<(String, usize)>) -> Self {
        let lengths = names.iter().fold(0, |lengths, (name, _)| lengths | length_bit(name));
        Self { names, lengths }
    }

    /// Returns the index of a key among the well-known ones.
    #[inline]
    fn place(&self, key: &str) -> Option<usize> {
        if self.lengths & length_bit(key) == 0 {
            return None;
        }
        self.names.iter().find(|(name, _)| name == key).map(|(_, place)| *place)
    }
}

#[inline]
fn length_bit(key: &str) -> u64 {
    1 << key.len().min(63)
}

impl Default for FemtoJsonFormatter {
    fn default() -> Self {
        Self::new()
    }
}

impl FemtoJsonFormatter {
    /// Makes a formatter for [`JsonSchema::Default`].
    pub fn new() -> Self {
        let style = JsonSchema::Default.style();
        let (fields, constants, steps, taken, known) = Default::default();
        let (stamp, host, plans) = (Stamp::new(style.digits), String::new(), Plans::new());
        Self { style, fields, constants, stamp, host, steps, taken, known, plans }.schema(JsonSchema::Default)
    }

    /// Sets the schema: names, order and format of all fields. [`JsonSchema::Default`] by default.
    pub fn schema(mut self, schema: JsonSchema) -> Self {
        self.style = schema.style();
        self.stamp.set_digits(self.style.digits);
        self.fields = schema.fields().map(|(field, name)| (field, name.to_owned())).collect();
        self.lay_out()
    }

    /// Sets the fields, their order and their names; those of the schema by default.
    ///
    /// `a>b` is a field `b` in an object `a`. For [`JsonField::KeyValues`], the name `a>` puts keys and values into the
    /// object `a`, and `>` next to the other fields. A `_` is added to a name that occurs twice.
    pub fn fields<N: Into<String>>(mut self, fields: impl IntoIterator<Item = (JsonField, N)>) -> Self {
        self.fields = fields.into_iter().map(|(field, name)| (field, name.into())).collect();
        self.lay_out()
    }

    /// Writes keys and values next to the other fields.
    pub fn flatten(self) -> Self {
        self.place_key_values(">".to_owned())
    }

    /// Writes keys and values into an object with this name.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::formatter::FemtoJsonFormatter;
    ///
    /// let nested = FemtoJsonFormatter::new().nest("ctx"); // {…,"message":"paid","ctx":{"order":7}}
    /// let flat = FemtoJsonFormatter::new().flatten(); //     {…,"message":"paid","order":7}
    /// # drop((nested, flat));
    /// ```
    pub fn nest(self, name: impl Into<String>) -> Self {
        self.place_key_values(name.into() + ">")
    }

    fn place_key_values(mut self, name: String) -> Self {
        self.fields.retain(|(field, _)| *field != JsonField::KeyValues);
        self.fields.push((JsonField::KeyValues, name));
        self.lay_out()
    }

    /// Sets the format of times; that of the schema by default.
    pub fn time(mut self, time: JsonTime) -> Self {
        self.style.time = time;
        self.plans = Plans::new();
        self
    }

    /// Adds a field that is the same in every record, at the end. None by default.
    ///
    /// If the name is that of a well-known key's field, such as `service.name` in ECS or `Resource>service.name` in
    /// OpenTelemetry, the constant is the default of that field: it is written in records that do not have the key. In
    /// the same way, a constant `host` replaces GELF's name of the machine.
    pub fn constant(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.fields.iter().find(|(field, known)| *field == JsonField::Host && *known == name) {
            Some(_) => self.host = value,
            None => self.constants.push((name, value)),
        }
        self.lay_out()
    }

    stamp_settings!();

    /// Computes the steps from the fields and the constants.
    fn lay_out(mut self) -> Self {
        let mut steps = Vec::new();
        let mut top = FieldNames::default();
        // The names of the object that has the keys, if it is not the outermost one.
        let mut beside = None;
        // `a>b` is the field `b` of the group `a`; a name with an empty group is a field of the outermost object.
        let group =
            |name: &str| name.rsplit_once('>').map(|(group, _)| group.to_owned()).filter(|group| !group.is_empty());
        let mut known = Vec::new();
        let mut constants: Vec<_> = self.constants.iter().collect();
        // Adjacent fields of one group share an object. Groups that are not adjacent get a `_`, as any name that is
        // taken.
        for run in self.fields.chunk_by(|(_, a), (_, b)| group(a) == group(b)) {
            let outer = run.first().and_then(|(_, name)| group(name));
            let mut inner = FieldNames::default();
            let names = if outer.is_some() { &mut inner } else { &mut top };
            let mut members = Vec::new();
            for (field, path) in run {
                let name = path.rsplit_once('>').map_or(path.as_str(), |(_, name)| name);
                members.push(match (*field, field.well_known()) {
                    (JsonField::KeyValues, _) => ObjectStep::KeyValues,
                    (_, Some(place)) => {
                        known.push((WELL_KNOWN[place].1.to_owned(), place));
                        // A constant with the name of a well-known key's field is what is written for records without
                        // the key.
                        let default = constants.extract_if(.., |(name, _)| name == path).last();
                        let text = unique(name, &mut names.taken);
                        names.known.extend(names.taken.last().map(|name| (name.clone(), place)));
                        ObjectStep::Known(block(text), place, default.map(|(_, value)| value.clone()))
                    }
                    (field, None) => ObjectStep::Field(block(unique(name, &mut names.taken)), field),
                });
            }
            let Some(outer) = outer else {
                steps.append(&mut members);
                continue;
            };
            if run.iter().any(|(field, _)| *field == JsonField::KeyValues) {
                beside = Some(inner);
            }
            steps.push(ObjectStep::Open(block(unique(&outer, &mut top.taken) + "{")));
            steps.append(&mut members);
            steps.push(ObjectStep::Close);
        }
        for (name, value) in constants {
            let mut text = unique(name, &mut top.taken).into_bytes();
            push_string(&mut text, value);
            steps.push(ObjectStep::Constant(Block::new(&text)));
        }
        // Keys must not have the names of the fields beside them; in another object they may.
        let FieldNames { mut taken, known: beside } = beside.unwrap_or(top);
        known.extend(beside);
        self.known = KnownKeys::new(known);
        if self.style.keys == Keys::Gelf {
            // The only name that the format forbids.
            taken.push("_id".to_owned());
        }
        self.taken = families(taken);
        if self.host.is_empty() && self.fields.iter().any(|(field, _)| *field == JsonField::Host) {
            self.host = host();
        }
        self.steps = steps;
        self.plans = Plans::new();
        self
    }
}

fn block(text: String) -> Block {
    Block::new(text.as_bytes())
}

/// Groups names that differ only in the number of `_` at their end. For each group, returns the name with the fewest,
/// and the number of `_` to add to it so that the result is none of them. A key that is this name with any number of
/// `_` gets that many more, so that different keys stay different.
///
/// For example, for the names `level` and `level_`, the result is (`level`, 2): the key `level` becomes `level__`, and
/// `level_` becomes `level___`.
fn families(names: Vec<String>) -> Vec<(String, usize)> {
    let mut families: Vec<(String, usize)> = Vec::new();
    for name in names {
        let stem = |name: &str| name.trim_end_matches('_').len();
        match families.iter_mut().find(|(known, _)| known[..stem(known)] == name[..stem(&name)]) {
            Some((known, more)) => {
                let longest = (known.len() + *more).max(name.len() + 1);
                *known = if name.len() < known.len() { name } else { std::mem::take(known) };
                *more = longest - known.len();
            }
            None => families.push((name, 1)),
        }
    }
    families
}

/// Returns a name with its quotes and colon. A `_` is added if the name is taken.
fn unique(name: &str, taken: &mut Vec<String>) -> String {
    let mut name = name.to_owned();
    while taken.contains(&name) {
        name.push('_');
    }
    let mut text = Vec::new();
    push_string(&mut text, &name);
    text.push(b':');
    taken.push(name);
    String::from_utf8(text).unwrap_or_default()
}

impl FemtoFormatter for FemtoJsonFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        match self.plans.find(record, out) {
            Ok(steps) => {
                let (style, stamp) = (&self.style, &mut self.stamp);
                steps.run(record, out, |piece, reader, out| write_piece(piece, style, stamp, record, reader, out));
            }
            Err(mut marks) => {
                self.write(record, &mut marks, out);
                self.plans.learn(record, marks, out);
            }
        }
    }
}

impl FemtoJsonFormatter {
    /// Returns the number of call sites with a plan.
    #[cfg(test)]
    pub(super) fn plans(&self) -> usize {
        self.plans.len()
    }

    fn write(&mut self, record: &FemtoLogRecord<'_>, marks: &mut Marks<JsonPiece>, out: &mut Vec<u8>) {
        let mut known: SmallVec<[(usize, usize, Value<'_>); WELL_KNOWN.len()]> = SmallVec::new();
        let mut pairs = Pairs::new();
        let mut at = 0;
        record.for_each_key_value(|key, value| {
            match self.known.place(key.as_str()) {
                Some(place) => known.push((place, at, value)),
                None => pairs.push(key, (at, value)),
            }
            at += 1;
        });
        out.push(b'{');
        let mut opened = out.len();
        for step in &self.steps {
            match step {
                ObjectStep::Field(_, JsonField::Function) if record.function().is_none() => {}
                ObjectStep::Field(_, JsonField::Spans | JsonField::SpanPath) if record.spans().next().is_none() => {}
                ObjectStep::Field(name, field) => {
                    push_name(name, out);
                    write_field(*field, &self.style, &mut self.stamp, &self.host, record, marks, out);
                }
                ObjectStep::Known(name, place, default) => {
                    let value = known.iter().rfind(|(known, ..)| known == place);
                    if let Some((_, at, _)) = value {
                        marks.depends_on_presence(*at);
                    }
                    match (value.filter(|(.., value)| *value != Value::Null), default) {
                        (Some((_, at, value)), _) => {
                            push_name(name, out);
                            marks.key_value(*at, JsonPiece::text, out, |out| write_text(*value, out));
                        }
                        (None, Some(default)) => {
                            push_name(name, out);
                            push_string(out, default);
                        }
                        (None, None) => {}
                    }
                }
                ObjectStep::Open(name) => {
                    opened = out.len();
                    push_name(name, out);
                }
                // An object without fields is left out.
                ObjectStep::Close if out.last() == Some(&b'{') => out.truncate(opened),
                ObjectStep::Close => out.push(b'}'),
                ObjectStep::Constant(text) => push_name(text, out),
                ObjectStep::KeyValues => write_key_values(self.style.keys, &self.taken, &pairs, marks, out),
            }
        }
        out.push(b'}');
    }
}

/// Writes a piece of text that differs from record to record.
#[inline]
fn write_piece<'a>(
    piece: JsonPiece,
    style: &Style,
    stamp: &mut Stamp,
    record: &FemtoLogRecord<'a>,
    reader: &mut Reader<'a>,
    out: &mut Vec<u8>,
) {
    match piece {
        JsonPiece::Rfc3339 => stamp.write(record.timestamp(), out),
        JsonPiece::Time => write_time(style.time, stamp, record, out),
        JsonPiece::ThreadId => Raw(out).number(record.thread_id()),
        JsonPiece::ThreadName => record.render_thread(&mut Quoted(out)),
        JsonPiece::ProcessId => Raw(out).number(record.process_id().into()),
        JsonPiece::Message => *reader = write_message(style, record, out),
        JsonPiece::Text => write_next_text(&mut Quoted(out), reader),
        JsonPiece::InText(tag) => write_next(&mut Quoted(out), tag, reader),
        JsonPiece::Float => write_json(Value::F64(f64::from_bits(reader.word())), style.keys, out),
        JsonPiece::Value(tag) => write_json(reader.value(tag), style.keys, out),
    }
}

/// Appends a name, after a comma unless it is the first in its object.
#[inline]
fn push_name(name: &Block, out: &mut Vec<u8>) {
    push_comma(out);
    name.append_to(out);
}

/// Appends a comma unless an object has just been opened.
#[inline]
fn push_comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

fn write_field(
    field: JsonField,
    style: &Style,
    stamp: &mut Stamp,
    host: &str,
    record: &FemtoLogRecord<'_>,
    marks: &mut Marks<JsonPiece>,
    out: &mut Vec<u8>,
) {
    match field {
        JsonField::Timestamp if style.time == JsonTime::Rfc3339 => {
            out.push(b'"');
            marks.piece(JsonPiece::Rfc3339, out, |out| stamp.write(record.timestamp(), out));
            out.push(b'"');
        }
        JsonField::Timestamp => marks.piece(JsonPiece::Time, out, |out| write_time(style.time, stamp, record, out)),
        JsonField::LevelNumber => Raw(out).number(style.level(record.level()).1.into()),
        JsonField::Line if !style.line_is_text => Raw(out).number(record.line().into()),
        JsonField::ThreadId => marks.piece(JsonPiece::ThreadId, out, |out| Raw(out).number(record.thread_id())),
        JsonField::ProcessId => {
            marks.piece(JsonPiece::ProcessId, out, |out| Raw(out).number(record.process_id().into()))
        }
        JsonField::Spans if style.keys == Keys::Gelf => write_as_text(out, |out| write_spans(record, out)),
        JsonField::Spans => write_spans(record, out),
        // All other kinds are text.
        _ => {
            out.push(b'"');
            let text = &mut Quoted(out);
            let verbatim = match field {
                JsonField::Message if style.keys == Keys::Gelf => {
                    marks.whole_message(JsonPiece::Message, text.0, |out| {
                        write_message(style, record, out);
                    });
                    ""
                }
                JsonField::Message => {
                    marks.message(record, JsonPiece::Message, JsonPiece::in_text, text);
                    ""
                }
                JsonField::Logger => {
                    record.render_logger(text);
                    ""
                }
                JsonField::ThreadName => {
                    marks.piece(JsonPiece::ThreadName, text.0, |out| record.render_thread(&mut Quoted(out)));
                    ""
                }
                JsonField::Line => {
                    text.number(record.line().into());
                    ""
                }
                JsonField::SpanPath => {
                    record.render_spans(text);
                    ""
                }
                JsonField::Level => {
                    text.plain(style.level(record.level()).0);
                    ""
                }
                JsonField::File => {
                    record.render_file(text);
                    ""
                }
                JsonField::Function => {
                    record.render_function(text);
                    ""
                }
                JsonField::Target => record.target(),
                JsonField::Template => record.template(),
                JsonField::ModulePath => record.module_path(),
                JsonField::Host => host,
                _ => style.version,
            };
            if !verbatim.is_empty() {
                let _ = text.write_str(verbatim);
            }
            out.push(b'"');
        }
    }
}

/// Writes the message without its quotes. GELF requires that it is not empty.
fn write_message<'a>(style: &Style, record: &FemtoLogRecord<'a>, out: &mut Vec<u8>) -> Reader<'a> {
    let start = out.len();
    let reader = record.message().render(&mut Quoted(out));
    if style.keys == Keys::Gelf && out.len() == start {
        out.push(b'-');
    }
    reader
}

fn write_time(time: JsonTime, stamp: &mut Stamp, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    let at = record.timestamp();
    let per = match time {
        JsonTime::Rfc3339 => {
            out.push(b'"');
            stamp.write(at, out);
            out.push(b'"');
            return;
        }
        JsonTime::Seconds => {
            let start = out.len();
            if at.as_nanos() < 0 {
                out.push(b'-');
            }
            let nanos = at.as_nanos().unsigned_abs();
            Raw(out).number(nanos / 1_000_000_000);
            push_fraction((nanos % 1_000_000_000) as u32, stamp.digits(), out);
            debug_assert!(out.len() > start);
            return;
        }
        JsonTime::Millis => 1_000_000,
        JsonTime::Micros => 1_000,
        JsonTime::Nanos => 1,
    };
    out.extend_from_slice(itoa::Buffer::new().format(at.as_nanos().div_euclid(per)).as_bytes());
}

/// Appends a decimal point and the digits of a fraction in billionths; nothing for 0 digits.
fn push_fraction(nanos: u32, digits: u8, out: &mut Vec<u8>) {
    if digits > 0 {
        // The leading 1 preserves the zeros after it.
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(nanos + 1_000_000_000).as_bytes();
        out.push(b'.');
        out.extend_from_slice(&text[1..=usize::from(digits)]);
    }
}

fn write_key_values(
    keys: Keys,
    taken: &[(String, usize)],
    pairs: &Pairs<KeyName<'_>, (usize, Value<'_>)>,
    marks: &mut Marks<JsonPiece>,
    out: &mut Vec<u8>,
) {
    // Keys that need no change are compared and written as they are.
    let same = |one: &KeyName<'_>, other: &KeyName<'_>| {
        let (one, other) = (one.as_str(), other.as_str());
        one == other || !(keys.keep(one) && keys.keep(other)) && keys.spell(one).eq(keys.spell(other))
    };
    pairs.each(same, |key, (at, value)| {
        push_comma(out);
        out.extend_from_slice(if keys == Keys::Gelf { b"\"_" } else { b"\"" });
        let text = key.as_str();
        match keys.keep(text) {
            true => key.write(&mut Quoted(out)),
            false => drop(keys.spell(text).try_for_each(|c| Quoted(out).write_char(c))),
        }
        if !taken.is_empty() {
            out.resize(out.len() + underscores(keys, text, taken), b'_');
        }
        out.extend_from_slice(b"\":");
        marks.key_value(*at, |tag| JsonPiece::value(tag, keys), out, |out| write_json(*value, keys, out));
    });
}

/// Returns the number of `_` to add to a key so that it is none of the names that are taken.
fn underscores(keys: Keys, key: &str, taken: &[(String, usize)]) -> usize {
    let is = |name: &str| {
        let Some(name) = (if keys == Keys::Gelf { name.strip_prefix('_') } else { Some(name) }) else { return false };
        if keys.keep(key) {
            return key.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|byte| byte == b'_'));
        }
        let mut spelt = keys.spell(key);
        name.chars().all(|c| spelt.next() == Some(c)) && spelt.all(|c| c == '_')
    };
    taken.iter().find(|(name, _)| is(name)).map_or(0, |(_, more)| *more)
}

impl Keys {
    /// Returns whether a key needs no change.
    fn keep(self, key: &str) -> bool {
        match self {
            Self::AsTheyAre => true,
            Self::Labels => !key.bytes().any(|byte| matches!(byte, b'.' | b'*' | b'\\')),
            Self::Gelf => key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')),
        }
    }

    /// Returns the characters of a key, with those replaced that the schema does not allow.
    fn spell(self, key: &str) -> impl Iterator<Item = char> {
        key.chars().map(move |c| match (self, c) {
            (Self::Labels, '.' | '*' | '\\') => '_',
            (Self::Gelf, c) if !c.is_ascii_alphanumeric() && c != '.' && c != '-' => '_',
            _ => c,
        })
    }
}

/// Writes a value as JSON, or as text if the schema does not allow its type.
#[inline]
fn write_json(value: Value<'_>, keys: Keys, out: &mut Vec<u8>) {
    match value {
        Value::I64(_) | Value::U64(_) | Value::I128(_) | Value::U128(_) => write_value(&mut Raw(out), value),
        // Whole numbers have a `.0`, so that readers parse a float.
        Value::F64(x) if is_whole(x) => {
            write_value(&mut Raw(out), Value::I64(x as i64));
            out.extend_from_slice(b".0");
        }
        Value::F64(x) if write_thousandths(&mut Raw(out), x) => {}
        Value::F64(x) if x.is_finite() => out.extend_from_slice(ryu::Buffer::new().format_finite(x).as_bytes()),
        Value::F32(x) if x.is_finite() => out.extend_from_slice(ryu::Buffer::new().format_finite(x).as_bytes()),
        Value::F64(_) | Value::F32(_) | Value::Null if keys != Keys::Gelf => out.extend_from_slice(b"null"),
        Value::Bool(_) if keys != Keys::Gelf => write_value(&mut Raw(out), value),
        Value::Duration(span) => {
            Raw(out).number(span.as_secs());
            let nanos = span.subsec_nanos();
            let zeros = (0..9).take_while(|n| nanos != 0 && nanos % 10_u32.pow(n + 1) == 0).count();
            push_fraction(nanos, if nanos == 0 { 0 } else { 9 - zeros as u8 }, out);
        }
        Value::List(_) | Value::Map(_) if keys == Keys::AsTheyAre => write_nested(value, out),
        Value::List(_) | Value::Map(_) => write_as_text(out, |out| write_nested(value, out)),
        value => write_text(value, out),
    }
}

#[inline]
fn write_text(value: Value<'_>, out: &mut Vec<u8>) {
    out.push(b'"');
    write_value(&mut Quoted(out), value);
    out.push(b'"');
}

/// Writes a list or a map.
fn write_nested(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::List(list) => {
            out.push(b'[');
            for (at, value) in list.iter().enumerate() {
                out.extend_from_slice(if at > 0 { b"," } else { b"" });
                write_json(value, Keys::AsTheyAre, out);
            }
            out.push(b']');
        }
        Value::Map(map) => {
            out.push(b'{');
            for (at, (key, value)) in map.iter_once().enumerate() {
                out.extend_from_slice(if at > 0 { b"," } else { b"" });
                push_string(out, key);
                out.push(b':');
                write_json(value, Keys::AsTheyAre, out);
            }
            out.push(b'}');
        }
        _ => {}
    }
}

fn write_spans(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, span) in record.spans().enumerate() {
        out.extend_from_slice(if at > 0 { b",{\"name\":" } else { b"{\"name\":" });
        push_string(out, span.name());
        out.extend_from_slice(b",\"id\":");
        Raw(out).number(span.id());
        out.push(b'}');
    }
    out.push(b']');
}

/// Appends the JSON that `write` writes, as a JSON string. It has no control characters, so only quotes and backslashes
/// are escaped, in place.
fn write_as_text(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    let start = out.len();
    write(out);
    let is_special = |byte: u8| matches!(byte, b'"' | b'\\');
    let mut from = out.len();
    let mut to = from + out[start..].iter().filter(|byte| is_special(**byte)).count();
    out.resize(to, b'"');
    // From the end. When the two positions meet, nothing is left to be escaped.
    while from < to {
        (from, to) = (from - 1, to - 1);
        out[to] = out[from];
        if is_special(out[to]) {
            to -= 1;
            out[to] = b'\\';
        }
    }
    out.push(b'"');
}
