//! One JSON object a line.

mod schema;
#[cfg(test)]
mod tests;

pub use schema::JsonSchema;

use std::fmt::Write;

use super::FemtoFormatter;
use super::origin::host;
use super::pairs::pairs;
use super::quoted::{Quoted, push_string};
use super::stamp::{Stamp, stamp_settings};
use crate::record::FemtoLogRecord;
use crate::text::{Output, Raw};
use crate::value::{Value, write_value};
use schema::{Keys, Style};

/// Writes records as JSON, one object a line, valid by RFC 8259 whatever is in them.
///
/// ```text
/// {"timestamp":"2026-03-12T08:30:00.123456Z","level":"INFO","message":"ready","logger":"app::db","thread":"main",
///  "file":"src/db.rs","line":42,"fields":{"port":8080}}
/// ```
///
/// | value | JSON |
/// |---|---|
/// | integers, also of 128 bits | a number, with all its digits |
/// | `f32`, `f64` | a number, with the shortest digits that give the same value |
/// | NaN, infinities | `null`; in GELF their text |
/// | `bool`, `None` | `true`, `false`, `null`; in GELF their text |
/// | `Duration` | a number of seconds, exact |
/// | everything else | a string |
///
/// Control characters, U+2028, U+2029 and those that change the direction of text are escaped.
///
/// A key that comes twice is written once: the last one wins. Where keys stand beside other fields, a key that has the name of one
/// of them gets a `_` at its end: `level` becomes `level_`, and `level_` becomes `level__`, so that nothing is lost and nothing
/// stands for another.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`schema`](Self::schema) | [`JsonSchema::Default`] | names and layout of all fields |
/// | [`fields`](Self::fields) | the schema's | which fields, in which order, by which names |
/// | [`flatten`](Self::flatten), [`nest`](Self::nest) | the schema's | where keys and values stand |
/// | [`time`](Self::time), [`digits`](Self::digits) | the schema's | how times are written |
/// | [`constant`](Self::constant) | none | fields that are the same in every record |
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoFileHandler, FemtoJsonFormatter, JsonField, JsonSchema, JsonTime};
///
/// let ecs = FemtoJsonFormatter::new().schema(JsonSchema::Ecs).constant("service.name", "shop");
///
/// let own = FemtoJsonFormatter::new()
///     .fields([(JsonField::Timestamp, "ts"), (JsonField::Level, "lvl"), (JsonField::Message, "msg"), (JsonField::KeyValues, ">")])
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
    /// What the settings above come to.
    steps: Vec<Step>,
    /// Names that keys cannot have in the object where they stand, and how many `_` a key gets that has one of them.
    taken: Vec<(String, usize)>,
}

/// What a JSON record can say of itself.
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
    /// All keys and their values.
    KeyValues,
}

/// How JSON records say when they were logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonTime {
    /// Text such as `2026-03-12T08:30:00.123456Z`.
    Rfc3339,
    /// Seconds since the Unix epoch, with as many digits behind the point as [`digits`](FemtoJsonFormatter::digits) says.
    Seconds,
    /// Whole milliseconds since the Unix epoch.
    Millis,
    /// Whole microseconds since the Unix epoch.
    Micros,
    /// Nanoseconds since the Unix epoch.
    Nanos,
}

#[derive(Clone, Debug)]
enum Step {
    /// A name with its colon, and the value's source.
    Field(String, JsonField),
    /// A name with its colon and an opening brace.
    Open(String),
    Close,
    /// A name and value that never change.
    Constant(String),
    /// The keys and values, among others or, behind the name with its colon, in an object of their own.
    KeyValues(Option<String>),
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
        let (fields, constants, steps, taken) = Default::default();
        let stamp = Stamp::new(style.digits);
        Self { style, fields, constants, stamp, host: String::new(), steps, taken }.schema(JsonSchema::Default)
    }

    /// Takes all names, their order and their style from a schema.
    pub fn schema(mut self, schema: JsonSchema) -> Self {
        self.style = schema.style();
        self.stamp.set_digits(self.style.digits);
        self.fields = schema.fields().map(|(field, name)| (field, name.to_owned())).collect();
        self.lay_out()
    }

    /// Sets which fields are written, in which order, and by which names.
    ///
    /// `a>b` is a field `b` in an object `a`. Keys and values go into the object `a` by the name `a>` and beside the other fields by
    /// the name `>`. A name that is there already gets a `_` at its end.
    pub fn fields<N: Into<String>>(mut self, fields: impl IntoIterator<Item = (JsonField, N)>) -> Self {
        self.fields = fields.into_iter().map(|(field, name)| (field, name.into())).collect();
        self.lay_out()
    }

    /// Puts keys and values beside the other fields.
    pub fn flatten(self) -> Self {
        self.place_key_values(">".to_owned())
    }

    /// Puts keys and values into an object of this name.
    pub fn nest(self, name: impl Into<String>) -> Self {
        self.place_key_values(name.into() + ">")
    }

    fn place_key_values(mut self, name: String) -> Self {
        self.fields.retain(|(field, _)| *field != JsonField::KeyValues);
        self.fields.push((JsonField::KeyValues, name));
        self.lay_out()
    }

    /// Sets how times are written.
    pub fn time(mut self, time: JsonTime) -> Self {
        self.style.time = time;
        self
    }

    /// Adds a field that is the same in every record, behind those that are added already. GELF's `host`, which is the name of the
    /// machine, is replaced in this way, too.
    pub fn constant(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.fields.iter().find(|(field, known)| *field == JsonField::Host && *known == name) {
            Some(_) => self.host = value,
            None => self.constants.push((name, value)),
        }
        self.lay_out()
    }

    stamp_settings!();

    /// Works the steps out from the fields and the constants.
    fn lay_out(mut self) -> Self {
        let mut steps = Vec::new();
        let mut top = Vec::new();
        let group =
            |name: &str| name.rsplit_once('>').map(|(group, _)| group.to_owned()).filter(|group| !group.is_empty());
        let mut taken = Vec::new();
        for run in self.fields.chunk_by(|(_, a), (_, b)| group(a) == group(b)) {
            let outer = run.first().and_then(|(_, name)| group(name));
            let alone = matches!(run, [(JsonField::KeyValues, _)]);
            let mut inner = Vec::new();
            let names = if outer.is_some() { &mut inner } else { &mut top };
            let mut members = Vec::new();
            for (field, name) in run {
                let name = name.rsplit_once('>').map_or(name.as_str(), |(_, name)| name);
                members.push(match field {
                    JsonField::KeyValues => Step::KeyValues(None),
                    field => Step::Field(unique(name, names), *field),
                });
            }
            let here = run.iter().any(|(field, _)| *field == JsonField::KeyValues);
            match outer {
                Some(outer) if alone => steps.push(Step::KeyValues(Some(unique(&outer, &mut top)))),
                Some(outer) => {
                    steps.push(Step::Open(unique(&outer, &mut top) + "{"));
                    steps.append(&mut members);
                    steps.push(Step::Close);
                }
                None => steps.append(&mut members),
            }
            if here {
                taken = inner;
            }
        }
        for (name, value) in &self.constants {
            let mut text = unique(name, &mut top).into_bytes();
            push_string(&mut text, value);
            steps.push(Step::Constant(String::from_utf8(text).unwrap_or_default()));
        }
        // Where keys stand among the top fields, none of those can be theirs.
        if self.fields.iter().any(|(field, name)| *field == JsonField::KeyValues && group(name).is_none()) {
            taken = top;
        }
        if self.style.keys == Keys::Gelf {
            // The one name that the format forbids.
            taken.push("_id".to_owned());
        }
        self.taken = families(taken);
        if self.host.is_empty() && self.fields.iter().any(|(field, _)| *field == JsonField::Host) {
            self.host = host();
        }
        self.steps = steps;
        self
    }
}

/// Joins names that differ only in how many `_` they end in: to the one with the fewest, and how many more it takes to be none of
/// them. Any key that is such a name and any number of `_` gets that many more, so that different keys stay different.
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

/// Returns a name with its quotes and colon; with a `_` more where it is taken already.
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
        out.push(b'{');
        for step in &self.steps {
            match step {
                Step::Field(name, field) => {
                    push_name(name, out);
                    write_field(*field, &self.style, &mut self.stamp, &self.host, record, out);
                }
                Step::Open(name) => push_name(name, out),
                Step::Close => out.push(b'}'),
                Step::Constant(text) => push_name(text, out),
                Step::KeyValues(name) => write_key_values(name.as_deref(), self.style.keys, &self.taken, record, out),
            }
        }
        out.push(b'}');
    }
}

/// Appends a name, behind a comma unless it is the first of its object.
#[inline]
fn push_name(name: &str, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.extend_from_slice(name.as_bytes());
}

fn write_field(
    field: JsonField,
    style: &Style,
    stamp: &mut Stamp,
    host: &str,
    record: &FemtoLogRecord<'_>,
    out: &mut Vec<u8>,
) {
    match field {
        JsonField::Timestamp => write_time(style.time, stamp, record, out),
        JsonField::LevelNumber => Raw(out).number(style.level(record.level()).1.into()),
        JsonField::Line if !style.line_is_text => Raw(out).number(record.line().into()),
        JsonField::ThreadId => Raw(out).number(record.thread_id()),
        JsonField::ProcessId => Raw(out).number(record.process_id().into()),
        // What is left is text.
        _ => {
            out.push(b'"');
            let text = &mut Quoted(out);
            let verbatim = match field {
                JsonField::Message => {
                    let start = text.0.len();
                    let _ = record.message().render(text);
                    // GELF takes no message without text.
                    if style.keys == Keys::Gelf && text.0.len() == start { "-" } else { "" }
                }
                JsonField::Logger => {
                    record.render_logger(text);
                    ""
                }
                JsonField::ThreadName => {
                    record.render_thread(text);
                    ""
                }
                JsonField::Line => {
                    text.number(record.line().into());
                    ""
                }
                JsonField::Level => style.level(record.level()).0,
                JsonField::Target => record.target(),
                JsonField::Template => record.template(),
                JsonField::ModulePath => record.module_path(),
                JsonField::File => record.file(),
                JsonField::Host => host,
                _ => style.version,
            };
            let _ = text.write_str(verbatim);
            out.push(b'"');
        }
    }
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

/// Appends a point and digits of a fraction in billionths; nothing for no digits.
fn push_fraction(nanos: u32, digits: u8, out: &mut Vec<u8>) {
    if digits > 0 {
        // A leading one keeps the zeros behind it.
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(nanos + 1_000_000_000).as_bytes();
        out.push(b'.');
        out.extend_from_slice(&text[1..=usize::from(digits)]);
    }
}

fn write_key_values(
    object: Option<&str>,
    keys: Keys,
    taken: &[(String, usize)],
    record: &FemtoLogRecord<'_>,
    out: &mut Vec<u8>,
) {
    let pairs = pairs(record);
    if pairs.is_empty() {
        return;
    }
    if let Some(name) = object {
        push_name(name, out);
        out.push(b'{');
    }
    // Keys that nothing becomes of are compared and written as they stand.
    let same = |one: &&str, other: &&str| {
        one == other || !(keys.keep(one) && keys.keep(other)) && keys.spell(one).eq(keys.spell(other))
    };
    pairs.each(same, |key, value| {
        push_name(if keys == Keys::Gelf { "\"_" } else { "\"" }, out);
        let _ = match keys.keep(key) {
            true => Quoted(out).write_str(key),
            false => keys.spell(key).try_for_each(|c| Quoted(out).write_char(c)),
        };
        out.resize(out.len() + underscores(keys, key, taken), b'_');
        out.extend_from_slice(b"\":");
        write_json(*value, keys == Keys::Gelf, out);
    });
    if object.is_some() {
        out.push(b'}');
    }
}

/// Returns how many `_` a key needs so that it is none of the names that are taken.
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
    /// Says whether a key stays as it is.
    fn keep(self, key: &str) -> bool {
        match self {
            Self::AsTheyAre => true,
            Self::Labels => !key.bytes().any(|byte| matches!(byte, b'.' | b'*' | b'\\')),
            Self::Gelf => key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')),
        }
    }

    /// The characters of a key as the schema wants them.
    fn spell(self, key: &str) -> impl Iterator<Item = char> {
        key.chars().map(move |c| match (self, c) {
            (Self::Labels, '.' | '*' | '\\') => '_',
            (Self::Gelf, c) if !c.is_ascii_alphanumeric() && c != '.' && c != '-' => '_',
            _ => c,
        })
    }
}

/// Writes a value as JSON. `scalar`: as text where it is neither text nor a number.
#[inline]
fn write_json(value: Value<'_>, scalar: bool, out: &mut Vec<u8>) {
    match value {
        Value::I64(_) | Value::U64(_) | Value::I128(_) | Value::U128(_) => write_value(&mut Raw(out), value),
        // As JSON wants them; both write whole numbers with a `.0`, so that they stay what they are.
        Value::F64(x) if x.is_finite() => out.extend_from_slice(ryu::Buffer::new().format_finite(x).as_bytes()),
        Value::F32(x) if x.is_finite() => out.extend_from_slice(ryu::Buffer::new().format_finite(x).as_bytes()),
        Value::F64(_) | Value::F32(_) | Value::Null if !scalar => out.extend_from_slice(b"null"),
        Value::Bool(_) if !scalar => write_value(&mut Raw(out), value),
        Value::Duration(span) => {
            Raw(out).number(span.as_secs());
            let nanos = span.subsec_nanos();
            let zeros = (0..9).take_while(|n| nanos != 0 && nanos % 10_u32.pow(n + 1) == 0).count();
            push_fraction(nanos, if nanos == 0 { 0 } else { 9 - zeros as u8 }, out);
        }
        value => {
            out.push(b'"');
            write_value(&mut Quoted(out), value);
            out.push(b'"');
        }
    }
}
