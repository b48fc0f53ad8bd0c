//! Lines laid out by a pattern, in the three styles of CPython's `logging`.

mod parse;
mod spec;
#[cfg(test)]
mod tests;

use super::origin::program;
use super::pairs::{numbered_pairs, write_next_pair_value, write_pair_value};
use super::plan::{Marks, Plans};
use super::stamp::{TimeText, zone_settings};
use super::{FemtoFormatter, python};
use crate::error::Error;
use crate::record::FemtoLogRecord;
use crate::text::{Appends, Escaped, Output, Raw};
use crate::time::{Timestamp, first_use};
use crate::value::{Reader, Tag, Value, write_next, write_value};
use spec::{Conversion, Number, Spec, write_repr};

/// Lays records out by a pattern, in any of the three styles of CPython's `logging`.
///
/// | style | example | a width | the character itself |
/// |---|---|---|---|
/// | [`percent`](Self::percent) | `%(asctime)s %(message)s` | `%(levelname)-8s` | `%%` |
/// | [`brace`](Self::brace) | `{asctime} {message}` | `{levelname:<8}` | `{{`, `}}` |
/// | [`dollar`](Self::dollar) | `$asctime ${message}` | none | `$$` |
///
/// | attribute | what it is |
/// |---|---|
/// | `name` | the logger's name |
/// | `levelno`, `levelname` | the level's number and its name |
/// | `message` | the message |
/// | `asctime` | the time as [`datefmt`](Self::datefmt) says; `2026-03-12 08:30:00,123` by default, in UTC |
/// | `created`, `msecs` | seconds since the Unix epoch, and milliseconds into the second |
/// | `relativeCreated` | milliseconds since the process first used this library |
/// | `pathname`, `filename`, `module`, `lineno` | the call's source file, its last part, that without its extension, and the line |
/// | `funcName` | the name of the function that contains the call, without its path; `-` where it is not known |
/// | `thread`, `threadName` | the calling thread's number and name |
/// | `process`, `processName` | the process's id, and its program's file name |
/// | `key_values` | all keys with their values, as `a=1 b="two words"` |
/// | `spans` | the names of the spans around the record, as `request:load`; `-` where there are none |
/// | `span_id` | the value of the key `span_id`; without one, the number of the innermost span |
/// | any other name | the value of this key; its [default](Self::defaults), or else `-`, where a record has no such key |
///
/// Behind a name may stand, in `percent` style, the flags `-`, `+`, `#`, `0` and space, a width, a precision and one of
/// `s`, `r`, `d`, `i`, `u`, `f`, `x`, `X`, `o`; in `brace` style `!s` or `!r`, and `:` with fill, alignment (`<`, `>`,
/// `^`, `=`), sign, `#`, `0`, width, `,` or `_`, precision and type. They mean what they mean in Python. Widths count
/// characters.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`datefmt`](Self::datefmt) | | how `asctime` is written |
/// | [`defaults`](Self::defaults) | `-` | what stands for keys that a record does not have |
/// | [`escape`](Self::escape) | `true` | control characters of records (not of the pattern) are written as `\n`, `\u{1b}` … |
/// | [`python_level_names`](Self::python_level_names) | `false` | `WARNING` in place of `WARN` |
/// | [`process_name`](Self::process_name) | the program's | what `processName` is |
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoPatternFormatter;
/// use femtologging::FemtoStreamHandler;
///
/// let formatter = FemtoPatternFormatter::percent("%(asctime)s.%(msecs)03d %(levelname)-8s [%(request)s] %(message)s")?
///     .datefmt("%H:%M:%S")?
///     .defaults([("request", "none")]);
/// let handler = FemtoStreamHandler::stderr().formatter(formatter).build()?;
/// # drop(handler);
///
/// let error = FemtoPatternFormatter::brace("{levelname} {taskName}").unwrap_err();
/// assert!(error.to_string().contains("character 14: taskName does not exist here"));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FemtoPatternFormatter {
    steps: Vec<PatternStep>,
    stamp: TimeText,
    escape: bool,
    python_level_names: bool,
    process_name: String,
    start: Timestamp,
    /// Text that is to be quoted.
    scratch: Vec<u8>,
    plans: Plans<PatternPiece>,
}

/// What of a call site's text differs from record to record.
#[derive(Clone, Copy, Debug)]
enum PatternPiece {
    /// What the step at this place writes.
    Step(usize),
    Time,
    Thread,
    Message,
    /// A value as it is: one in the message, or that of a key.
    Value(Tag),
    /// A value among all keys and values.
    PairValue(Tag),
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum PatternStep {
    Literal(String),
    Field(PatternField, Spec),
}

#[derive(Clone, Debug, PartialEq)]
enum PatternField {
    Attribute(Attribute),
    Key { name: String, default: Option<String> },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Attribute {
    Name,
    LevelNumber,
    LevelName,
    Message,
    AscTime,
    Created,
    Msecs,
    RelativeCreated,
    PathName,
    FileName,
    Module,
    Line,
    Function,
    Thread,
    ThreadName,
    Process,
    ProcessName,
    KeyValues,
    Spans,
}

/// What an attribute's value is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ValueType {
    Text,
    Integer,
    Float,
    /// Known only from the record.
    Any,
}

const ATTRIBUTES: [(&str, Attribute, ValueType); 19] = [
    ("name", Attribute::Name, ValueType::Text),
    ("levelno", Attribute::LevelNumber, ValueType::Integer),
    ("levelname", Attribute::LevelName, ValueType::Text),
    ("message", Attribute::Message, ValueType::Text),
    ("asctime", Attribute::AscTime, ValueType::Text),
    ("created", Attribute::Created, ValueType::Float),
    ("msecs", Attribute::Msecs, ValueType::Float),
    ("relativeCreated", Attribute::RelativeCreated, ValueType::Float),
    ("pathname", Attribute::PathName, ValueType::Text),
    ("filename", Attribute::FileName, ValueType::Text),
    ("module", Attribute::Module, ValueType::Text),
    ("lineno", Attribute::Line, ValueType::Integer),
    ("funcName", Attribute::Function, ValueType::Text),
    ("thread", Attribute::Thread, ValueType::Integer),
    ("threadName", Attribute::ThreadName, ValueType::Text),
    ("process", Attribute::Process, ValueType::Integer),
    ("processName", Attribute::ProcessName, ValueType::Text),
    ("key_values", Attribute::KeyValues, ValueType::Text),
    ("spans", Attribute::Spans, ValueType::Text),
];

/// What stands for a key that a record does not have.
const MISSING: &str = "-";

impl FemtoPatternFormatter {
    /// Reads a pattern of CPython's style `%`.
    ///
    /// # Errors
    ///
    /// The pattern has a mistake: the error says at which character, and what would be right.
    pub fn percent(pattern: &str) -> Result<Self, Error> {
        parse::percent(pattern).map(Self::new)
    }

    /// Reads a pattern of CPython's style `{`.
    ///
    /// # Errors
    ///
    /// As for [`percent`](Self::percent).
    pub fn brace(pattern: &str) -> Result<Self, Error> {
        parse::brace(pattern).map(Self::new)
    }

    /// Reads a pattern of CPython's style `$`.
    ///
    /// # Errors
    ///
    /// As for [`percent`](Self::percent).
    pub fn dollar(pattern: &str) -> Result<Self, Error> {
        parse::dollar(pattern).map(Self::new)
    }

    fn new(steps: Vec<PatternStep>) -> Self {
        Self {
            steps,
            stamp: TimeText::asctime(),
            escape: true,
            python_level_names: false,
            process_name: program(),
            start: first_use(),
            scratch: Vec::new(),
            plans: Plans::new(),
        }
    }

    /// Sets how `asctime` is written, as a pattern of `strftime`; an empty one is the default.
    ///
    /// Names of days and months are English. `%f` stands for microseconds, and `%0f` to `%9f` for so many digits of the
    /// second's fraction.
    ///
    /// The directives for the zone, `%z`, `%:z` and `%Z`, need no feature: in UTC, which is the only zone without the
    /// feature `local-time`, they give `+0000`, `+00:00` and `UTC`.
    ///
    /// # Errors
    ///
    /// The pattern has a directive that is not known: the error says where, and lists those that are.
    pub fn datefmt(mut self, pattern: &str) -> Result<Self, Error> {
        let text = if pattern.is_empty() { TimeText::asctime() } else { TimeText::strftime(pattern)? };
        self.stamp = text.with_zone_of(self.stamp);
        Ok(self)
    }

    /// Sets what stands for keys that a record does not have.
    pub fn defaults<K: AsRef<str>, V: Into<String>>(mut self, defaults: impl IntoIterator<Item = (K, V)>) -> Self {
        for (key, value) in defaults {
            let value = value.into();
            for step in &mut self.steps {
                if let PatternStep::Field(PatternField::Key { name, default }, _) = step
                    && *name == key.as_ref()
                {
                    *default = Some(value.clone());
                }
            }
        }
        self.plans = Plans::new();
        self
    }

    /// Chooses whether control characters that come from records are escaped.
    pub fn escape(mut self, escape: bool) -> Self {
        self.escape = escape;
        self.plans = Plans::new();
        self
    }

    /// Chooses whether levels have CPython's names, so that `Warn` is `WARNING`.
    pub fn python_level_names(mut self, python: bool) -> Self {
        self.python_level_names = python;
        self.plans = Plans::new();
        self
    }

    /// Sets what `processName` is. CPython calls the process that a program starts in `MainProcess`.
    pub fn process_name(mut self, name: impl Into<String>) -> Self {
        self.process_name = name.into();
        self.plans = Plans::new();
        self
    }

    zone_settings!();
}

impl FemtoFormatter for FemtoPatternFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        // So that they can be read while other fields are written to.
        let (steps, plans) = (std::mem::take(&mut self.steps), std::mem::take(&mut self.plans));
        let marks = match plans.find(record, out) {
            Ok(plan) => {
                plan.run(record, out, |piece, reader, out| self.write_piece(piece, &steps, record, reader, out));
                None
            }
            Err(mut marks) => {
                for (place, step) in steps.iter().enumerate() {
                    match step {
                        PatternStep::Literal(text) => out.extend_from_slice(text.as_bytes()),
                        PatternStep::Field(field, spec) => {
                            self.write_marked(place, field, spec, record, &mut marks, out)
                        }
                    }
                }
                Some(marks)
            }
        };
        (self.steps, self.plans) = (steps, plans);
        if let Some(marks) = marks {
            self.plans.learn(record, marks, out);
        }
    }
}

/// Writes all keys and values.
fn write_pairs<O: Output + Appends>(record: &FemtoLogRecord<'_>, marks: &mut Marks<PatternPiece>, out: &mut O) {
    let mut separator = "";
    numbered_pairs(record).each(PartialEq::eq, |key, (place, value)| {
        out.plain(separator);
        separator = " ";
        let _ = out.write_str(key);
        out.plain("=");
        marks.key_value(*place, PatternPiece::PairValue, out, |out| write_pair_value(out, *value));
    });
}

#[inline]
fn write_text_piece<'a>(
    piece: PatternPiece,
    record: &FemtoLogRecord<'a>,
    reader: &mut Reader<'a>,
    out: &mut impl Output,
) {
    match piece {
        PatternPiece::Thread => record.render_thread(out),
        PatternPiece::Message => *reader = record.message().render(out),
        PatternPiece::Value(tag) => write_next(out, tag, reader),
        PatternPiece::PairValue(tag) => write_next_pair_value(out, tag, reader),
        // Those are written by the formatter itself.
        PatternPiece::Step(_) | PatternPiece::Time => {}
    }
}

/// The value of a key, or the number of the innermost span by the name of `span_id`.
fn value<'a>(key: &str, record: &FemtoLogRecord<'a>) -> Option<Value<'a>> {
    let span = || record.spans().last().filter(|_| key == "span_id").map(|span| Value::U64(span.id()));
    record.get(key).or_else(span)
}

impl PatternField {
    /// Says whether the field is the same in all records that a plan is for.
    fn is_constant(&self, record: &FemtoLogRecord<'_>) -> bool {
        use Attribute::*;
        match self {
            PatternField::Attribute(attribute) => match attribute {
                Name | LevelNumber | LevelName | PathName | FileName | Module | Line | Function | ProcessName
                | Spans => true,
                Message | AscTime | Created | Msecs | RelativeCreated | Thread | ThreadName | Process | KeyValues => {
                    false
                }
            },
            PatternField::Key { name, .. } => value(name, record).is_none(),
        }
    }
}

impl FemtoPatternFormatter {
    /// How many call sites have a plan.
    #[cfg(test)]
    pub(super) fn plans(&self) -> usize {
        self.plans.len()
    }

    /// Writes the field of the step at a place, and marks what of it is not the call site's.
    fn write_marked(
        &mut self,
        place: usize,
        field: &PatternField,
        spec: &Spec,
        record: &FemtoLogRecord<'_>,
        marks: &mut Marks<PatternPiece>,
        out: &mut Vec<u8>,
    ) {
        match field {
            field if field.is_constant(record) => self.write_field(field, spec, record, out),
            field if !spec.is_plain() => {
                marks.piece(PatternPiece::Step(place), out, |out| self.write_field(field, spec, record, out));
            }
            PatternField::Attribute(Attribute::AscTime) => {
                marks.piece(PatternPiece::Time, out, |out| self.stamp.write(record.timestamp(), out));
            }
            PatternField::Attribute(Attribute::ThreadName) => {
                marks.piece(PatternPiece::Thread, out, |out| self.write_field(field, spec, record, out));
            }
            PatternField::Attribute(Attribute::Message) if self.escape => {
                marks.message(record, PatternPiece::Message, PatternPiece::Value, &mut Escaped(out));
            }
            PatternField::Attribute(Attribute::Message) => {
                marks.message(record, PatternPiece::Message, PatternPiece::Value, &mut Raw(out));
            }
            PatternField::Attribute(Attribute::KeyValues) if self.escape => {
                write_pairs(record, marks, &mut Escaped(out))
            }
            PatternField::Attribute(Attribute::KeyValues) => write_pairs(record, marks, &mut Raw(out)),
            PatternField::Key { name, .. } => {
                let of_name = record.key_values().enumerate().filter(|(_, (key, _))| key == name).last();
                let write = |out: &mut Vec<u8>| self.write_field(field, spec, record, out);
                match of_name {
                    Some((key, _)) => marks.key_value(key, PatternPiece::Value, out, write),
                    None => marks.piece(PatternPiece::Step(place), out, write),
                }
            }
            _ => marks.piece(PatternPiece::Step(place), out, |out| self.write_field(field, spec, record, out)),
        }
    }

    #[inline]
    fn write_piece<'a>(
        &mut self,
        piece: PatternPiece,
        steps: &[PatternStep],
        record: &FemtoLogRecord<'a>,
        reader: &mut Reader<'a>,
        out: &mut Vec<u8>,
    ) {
        match piece {
            PatternPiece::Time => self.stamp.write(record.timestamp(), out),
            PatternPiece::Step(place) => {
                if let Some(PatternStep::Field(field, spec)) = steps.get(place) {
                    self.write_field(field, spec, record, out);
                }
            }
            _ if self.escape => write_text_piece(piece, record, reader, &mut Escaped(out)),
            _ => write_text_piece(piece, record, reader, &mut Raw(out)),
        }
    }

    fn write_field(&mut self, field: &PatternField, spec: &Spec, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        if spec.is_plain() {
            return self.write_text(field, record, out);
        }
        let start = out.len();
        if spec.conversion == Conversion::Repr {
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.clear();
            // The quoted text has its own escapes.
            let escape = std::mem::replace(&mut self.escape, false);
            self.write_text(field, record, &mut scratch);
            self.escape = escape;
            match self.number(field, record) {
                Some(_) => out.extend_from_slice(&scratch),
                None => write_repr(&scratch, out),
            }
            self.scratch = scratch;
        } else {
            if spec.conversion != Conversion::Text
                && let Some(number) = self.number(field, record)
                && spec.write_number(number, out)
            {
                return;
            }
            self.write_text(field, record, out);
        }
        spec.finish_text(start, out);
    }

    /// Returns the field's value if it is a number.
    fn number(&self, field: &PatternField, record: &FemtoLogRecord<'_>) -> Option<Number> {
        let time = record.timestamp();
        Some(match field {
            PatternField::Attribute(Attribute::LevelNumber) => u64::from(record.level().number()).into(),
            PatternField::Attribute(Attribute::Line) => u64::from(record.line()).into(),
            PatternField::Attribute(Attribute::Thread) => record.thread_id().into(),
            PatternField::Attribute(Attribute::Process) => u64::from(record.process_id()).into(),
            PatternField::Attribute(Attribute::Created) => Number::Float(python::created(time)),
            PatternField::Attribute(Attribute::Msecs) => Number::Float(python::msecs(time)),
            PatternField::Attribute(Attribute::RelativeCreated) => {
                Number::Float(python::relative_created(time, self.start))
            }
            PatternField::Attribute(_) => return None,
            PatternField::Key { name, .. } => match value(name, record)? {
                Value::I64(n) => i128::from(n).into(),
                Value::U64(n) => n.into(),
                Value::I128(n) => n.into(),
                Value::U128(magnitude) => Number::Integer { negative: false, magnitude },
                Value::F32(x) => Number::Float(x.into()),
                Value::F64(x) => Number::Float(x),
                _ => return None,
            },
        })
    }

    fn write_text(&mut self, field: &PatternField, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        match field {
            PatternField::Attribute(Attribute::AscTime) => self.stamp.write(record.timestamp(), out),
            PatternField::Attribute(Attribute::Created | Attribute::Msecs | Attribute::RelativeCreated) => {
                // As Python writes a float, with a `.0` at least.
                if let Some(number) = self.number(field, record) {
                    Spec::default().write_number(number, out);
                }
            }
            _ if self.escape => self.write_to(field, record, &mut Escaped(out)),
            _ => self.write_to(field, record, &mut Raw(out)),
        }
    }

    fn write_to(&self, field: &PatternField, record: &FemtoLogRecord<'_>, out: &mut (impl Output + Appends)) {
        let attribute = match field {
            PatternField::Attribute(attribute) => attribute,
            PatternField::Key { name, default } => {
                match value(name, record) {
                    Some(value) => write_value(out, value),
                    None => drop(out.write_str(default.as_deref().unwrap_or(MISSING))),
                }
                return;
            }
        };
        match attribute {
            Attribute::Name => record.render_logger(out),
            Attribute::LevelNumber => out.number(record.level().number().into()),
            Attribute::LevelName => out.plain(match record.level() {
                level if self.python_level_names => python::level_name(level),
                level => level.as_str(),
            }),
            Attribute::Message => {
                let _ = record.message().render(out);
            }
            Attribute::PathName => drop(out.write_str(record.file())),
            Attribute::FileName => drop(out.write_str(python::file_name(record))),
            Attribute::Module => drop(out.write_str(python::module(record))),
            Attribute::Line => out.number(record.line().into()),
            Attribute::Function => drop(out.write_str(python::function_name(record).unwrap_or(MISSING))),
            Attribute::Thread => out.number(record.thread_id()),
            Attribute::ThreadName => record.render_thread(out),
            Attribute::Process => out.number(record.process_id().into()),
            Attribute::ProcessName => drop(out.write_str(&self.process_name)),
            Attribute::KeyValues => write_pairs(record, &mut Marks::none(), out),
            Attribute::Spans => {
                if !record.render_spans(out) {
                    out.plain(MISSING);
                }
            }
            // Written by `write_text`.
            Attribute::AscTime | Attribute::Created | Attribute::Msecs | Attribute::RelativeCreated => {}
        }
    }
}
