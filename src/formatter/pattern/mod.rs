//! Lines formatted by a pattern, in the three styles of CPython's `logging`.

mod parse;
mod spec;
#[cfg(test)]
mod tests;

use super::color;
use super::multiline::{self, IndentedText, Multiline};
use super::origin::program;
use super::pairs::{NextValue, numbered_pairs, write_pair_value};
use super::plan::{Marks, Plans, ValuePiece};
use super::stamp::{TimeText, zone_settings};
use super::{FemtoFormatter, python};
use crate::error::Error;
use crate::record::FemtoLogRecord;
use crate::text::{Appends, Escaped, Output, Raw};
use crate::time::{Timestamp, first_use};
use crate::value::{Reader, Tag, Value, write_value};
use spec::{Conversion, FieldSpec, Number, write_repr};

/// Writes records by a pattern, in any of the three styles of CPython's `logging`.
///
/// | style | example | a width | the character itself |
/// |---|---|---|---|
/// | [`percent`](Self::percent) | `%(asctime)s %(message)s` | `%(levelname)-8s` | `%%` |
/// | [`brace`](Self::brace) | `{asctime} {message}` | `{levelname:<8}` | `{{`, `}}` |
/// | [`dollar`](Self::dollar) | `$asctime ${message}` | none | `$$` |
///
/// | attribute | value |
/// |---|---|
/// | `name` | the logger's name |
/// | `levelno`, `levelname` | the level's number and its name |
/// | `message` | the message |
/// | `asctime` | the time, by [`datefmt`](Self::datefmt); `2026-03-12 08:30:00,123` by default, in UTC |
/// | `created`, `msecs` | seconds since the Unix epoch, and milliseconds into the second |
/// | `relativeCreated` | milliseconds since the process first used this library |
/// | `pathname`, `filename`, `module` | the call's source file, its last part, and that without the extension |
/// | `lineno` | the line of the call |
/// | `funcName` | the name of the function that contains the call, without its path; `-` if it is unknown |
/// | `thread`, `threadName` | the calling thread's number and name |
/// | `process`, `processName` | the process's id, and its program's file name |
/// | `key_values` | all keys with their values, as `a=1 b="two words"` |
/// | `spans` | the names of the enclosing spans, as `request:load`; `-` if there are none |
/// | `span_id` | the value of the key `span_id`, or else the id of the innermost span |
/// | `level_color`, `dim_color`, `reset_color` | escape sequences, empty without [`color`](Self::color) |
/// | any other name | the value of this key, or else its [default](Self::defaults), or else `-` |
///
/// `level_color` begins the colour of the record's level, `dim_color` faint text, and `reset_color` ends both.
///
/// A name may be followed by a format specification, with the meaning that it has in Python: in `percent` style the
/// flags `-`, `+`, `#`, `0` and space, a width, a precision and one of `s`, `r`, `d`, `i`, `u`, `f`, `x`, `X`, `o`; in
/// `brace` style `!s` or `!r`, and `:` with fill, alignment (`<`, `>`, `^`, `=`), sign, `#`, `0`, width, `,` or `_`,
/// precision and type. Widths count characters.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`datefmt`](Self::datefmt) | `%Y-%m-%d %H:%M:%S,%3f` | the format of `asctime` |
/// | [`defaults`](Self::defaults) | `-` | the text for keys that a record does not have |
/// | [`escape`](Self::escape) | `true` | control characters of records are written as `\n`, `\u{1b}` … |
/// | [`multiline`](Self::multiline) | `Escape` | whether a line feed in a field begins a further line, behind a mark |
/// | [`color`](Self::color) | `false` | whether the fields for colours write anything |
/// | [`python_level_names`](Self::python_level_names) | `false` | `WARNING` in place of `WARN` |
/// | [`process_name`](Self::process_name) | the program's file name | the value of `processName` |
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
    multiline: Multiline,
    color: bool,
    python_level_names: bool,
    process_name: String,
    start: Timestamp,
    /// Text that is to be quoted.
    scratch: Vec<u8>,
    plans: Plans<PatternPiece>,
}

/// A piece of text that differs from record to record of a call site; see `plan`.
#[derive(Clone, Copy, Debug)]
enum PatternPiece {
    /// The output of the step at this index.
    Step(usize),
    Time,
    Thread,
    Message,
    Value(NextValue),
}

impl PatternPiece {
    /// Makes the piece of a value as it is: one in the message, or that of a key.
    fn value(tag: Tag) -> ValuePiece<Self> {
        NextValue::in_message(tag, Self::Value)
    }

    /// Makes the piece of a value among all keys and values.
    fn of_pair(tag: Tag) -> ValuePiece<Self> {
        NextValue::of_pair(tag, Self::Value)
    }
}

/// A piece of a pattern. `%(levelname)-8s %(message)s` is
///
/// ```text
/// Field(Attribute(LevelName), width 8, left)   Literal(" ")   Field(Attribute(Message), default)
/// ```
///
/// Styles differ in their parsers only; all of them make the same steps.
#[derive(Clone, Debug, PartialEq)]
enum PatternStep {
    Literal(String),
    Field(PatternField, FieldSpec),
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
    LevelColor,
    DimColor,
    ResetColor,
}

/// The type of an attribute's value, by which a conversion is checked when the pattern is parsed: `%(message)d` is an
/// error of the constructor, not of the first record.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ValueType {
    Text,
    Integer,
    Float,
    /// A key that is found only by looking at the record.
    Any,
}

const ATTRIBUTES: [(&str, Attribute, ValueType); 22] = [
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
    ("level_color", Attribute::LevelColor, ValueType::Text),
    ("dim_color", Attribute::DimColor, ValueType::Text),
    ("reset_color", Attribute::ResetColor, ValueType::Text),
];

/// The text for a key that a record does not have.
const MISSING: &str = "-";

impl FemtoPatternFormatter {
    /// Makes a formatter from a pattern in CPython's style `%`.
    ///
    /// # Errors
    ///
    /// The pattern has a mistake: the error says at which character, and what would be right.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::formatter::FemtoPatternFormatter;
    ///
    /// let formatter = FemtoPatternFormatter::percent("%(asctime)s %(levelname)-8s %(name)s:%(lineno)d %(message)s")?;
    /// # drop(formatter);
    /// let error = FemtoPatternFormatter::percent("%(message)d").unwrap_err();
    /// assert_eq!(error.problems()[0].field, "pattern");
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn percent(pattern: &str) -> Result<Self, Error> {
        parse::percent(pattern).map(Self::new)
    }

    /// Makes a formatter from a pattern in CPython's style `{`.
    ///
    /// # Errors
    ///
    /// As for [`percent`](Self::percent).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::formatter::FemtoPatternFormatter;
    ///
    /// let formatter = FemtoPatternFormatter::brace("{asctime} {levelname:<8} {name}:{lineno} {message}")?;
    /// # drop(formatter);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn brace(pattern: &str) -> Result<Self, Error> {
        parse::brace(pattern).map(Self::new)
    }

    /// Makes a formatter from a pattern in CPython's style `$`.
    ///
    /// # Errors
    ///
    /// As for [`percent`](Self::percent).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::formatter::FemtoPatternFormatter;
    ///
    /// let formatter = FemtoPatternFormatter::dollar("$asctime $levelname ${name} $message")?;
    /// # drop(formatter);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn dollar(pattern: &str) -> Result<Self, Error> {
        parse::dollar(pattern).map(Self::new)
    }

    fn new(steps: Vec<PatternStep>) -> Self {
        Self {
            steps,
            stamp: TimeText::asctime(),
            escape: true,
            multiline: Multiline::Escape,
            color: false,
            python_level_names: false,
            process_name: program(),
            start: first_use(),
            scratch: Vec::new(),
            plans: Plans::new(),
        }
    }

    /// Sets the format of `asctime`, a `strftime` pattern. An empty pattern is the default.
    ///
    /// Names of days and months are English. `%f` is the microseconds, and `%0f` to `%9f` are 0 to 9 digits of the
    /// fraction of the second.
    ///
    /// The directives for the zone, `%z`, `%:z` and `%Z`, need no feature: in UTC, which is the only zone without the
    /// feature `local-time`, they give `+0000`, `+00:00` and `UTC`.
    ///
    /// # Errors
    ///
    /// The pattern has a directive that is not known: the error says where, and lists those that are.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::formatter::FemtoPatternFormatter;
    ///
    /// let formatter = FemtoPatternFormatter::percent("%(asctime)s %(message)s")?.datefmt("%d %b %H:%M:%S.%3f")?;
    /// # drop(formatter); // 12 Mar 08:30:00.123 ready
    /// assert!(FemtoPatternFormatter::percent("%(asctime)s")?.datefmt("%Q").is_err());
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn datefmt(mut self, pattern: &str) -> Result<Self, Error> {
        let text = if pattern.is_empty() { TimeText::asctime() } else { TimeText::strftime(pattern)? };
        self.stamp = text.with_zone_of(self.stamp);
        Ok(self)
    }

    /// Sets the text for keys that a record does not have; `-` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::formatter::FemtoPatternFormatter;
    ///
    /// let formatter = FemtoPatternFormatter::percent("[%(request)s %(user)s] %(message)s")?;
    /// let formatter = formatter.defaults([("request", "none")]);
    /// # drop(formatter); // without keys: `[none -] ready`
    /// # Ok::<(), femtologging::Error>(())
    /// ```
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

    /// Sets whether control characters of records, but not those of the pattern, are escaped; `true` by default.
    pub fn escape(mut self, escape: bool) -> Self {
        self.escape = escape;
        self.plans = Plans::new();
        self
    }

    /// Sets how line feeds in fields are written. Without [`escape`](Self::escape) they come through as they are.
    pub fn multiline(mut self, multiline: Multiline) -> Self {
        self.multiline = multiline;
        self
    }

    /// Sets whether `level_color`, `dim_color` and `reset_color` write escape sequences; `false` by default.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::formatter::FemtoPatternFormatter;
    ///
    /// let pattern = "%(dim_color)s%(asctime)s%(reset_color)s %(level_color)s%(levelname)s%(reset_color)s %(message)s";
    /// let formatter = FemtoPatternFormatter::percent(pattern)?.color_for_stderr();
    /// # drop(formatter);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self.plans = Plans::new();
        self
    }

    /// Has colours if standard error is a terminal and the environment does not say otherwise; see
    /// [`FemtoConsoleFormatter`](super::FemtoConsoleFormatter).
    pub fn color_for_stderr(self) -> Self {
        self.color(color::are_wanted(&std::io::stderr()))
    }

    /// The same for standard output.
    pub fn color_for_stdout(self) -> Self {
        self.color(color::are_wanted(&std::io::stdout()))
    }

    /// Sets whether levels have CPython's names, so that `Warn` is `WARNING`; `false` by default.
    pub fn python_level_names(mut self, python: bool) -> Self {
        self.python_level_names = python;
        self.plans = Plans::new();
        self
    }

    /// Sets the value of `processName`; the program's file name by default. CPython's is `MainProcess` for the process
    /// that a program starts in.
    pub fn process_name(mut self, name: impl Into<String>) -> Self {
        self.process_name = name.into();
        self.plans = Plans::new();
        self
    }

    zone_settings!();
}

impl FemtoFormatter for FemtoPatternFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        if self.multiline == Multiline::Indent && self.escape {
            return self.write_lines(record, out);
        }
        // Taken out, so that they can be read while other fields are written to.
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
        marks.key_value(*place, PatternPiece::of_pair, out, |out| write_pair_value(out, *value));
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
        PatternPiece::Value(value) => value.write(reader, out, write_pair_value),
        // Those are written by the formatter itself.
        PatternPiece::Step(_) | PatternPiece::Time => {}
    }
}

/// Returns the value of a key; for `span_id` without a value, the id of the innermost span.
fn value<'a>(key: &str, record: &FemtoLogRecord<'a>) -> Option<Value<'a>> {
    let span = || record.spans().last().filter(|_| key == "span_id").map(|span| Value::U64(span.id()));
    record.get(key).or_else(span)
}

impl PatternField {
    /// Returns whether the field is the same in all records that a plan is used for.
    fn is_constant(&self, record: &FemtoLogRecord<'_>) -> bool {
        use Attribute::*;
        match self {
            PatternField::Attribute(attribute) => match attribute {
                Name | LevelNumber | LevelName | PathName | FileName | Module | Line | Function | ProcessName
                | Spans | LevelColor | DimColor | ResetColor => true,
                Message | AscTime | Created | Msecs | RelativeCreated | Thread | ThreadName | Process | KeyValues => {
                    false
                }
            },
            PatternField::Key { name, .. } => value(name, record).is_none(),
        }
    }
}

impl FemtoPatternFormatter {
    /// Returns the number of call sites with a plan.
    #[cfg(test)]
    pub(super) fn plans(&self) -> usize {
        self.plans.len()
    }

    /// Writes a record whose fields may have several lines. Plans have constant text escaped, so there is none.
    fn write_lines(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let mut line = out.len();
        let steps = std::mem::take(&mut self.steps);
        for step in &steps {
            let start = out.len();
            match step {
                PatternStep::Literal(text) => {
                    out.extend_from_slice(text.as_bytes());
                    line = text.rfind('\n').map_or(line, |at| start + at + 1);
                }
                PatternStep::Field(field, spec) => {
                    self.write_field(field, spec, record, out);
                    multiline::trim_end(start, out);
                    multiline::indent(line, start, out);
                    // What follows stands on the last line of the field.
                    let last = out[start..].iter().rposition(|byte| *byte == b'\n');
                    line = last.map_or(line, |at| start + at + 1);
                }
            }
        }
        self.steps = steps;
    }

    /// Writes the field of the step at an index, and marks what differs from record to record.
    fn write_marked(
        &mut self,
        place: usize,
        field: &PatternField,
        spec: &FieldSpec,
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
                marks.message(record, PatternPiece::Message, PatternPiece::value, &mut Escaped(out));
            }
            PatternField::Attribute(Attribute::Message) => {
                marks.message(record, PatternPiece::Message, PatternPiece::value, &mut Raw(out));
            }
            PatternField::Attribute(Attribute::KeyValues) if self.escape => {
                write_pairs(record, marks, &mut Escaped(out))
            }
            PatternField::Attribute(Attribute::KeyValues) => write_pairs(record, marks, &mut Raw(out)),
            PatternField::Key { name, .. } => {
                let of_name = record.key_values().enumerate().filter(|(_, (key, _))| key == name).last();
                let write = |out: &mut Vec<u8>| self.write_field(field, spec, record, out);
                match of_name {
                    Some((key, _)) => marks.key_value(key, PatternPiece::value, out, write),
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

    fn write_field(&mut self, field: &PatternField, spec: &FieldSpec, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
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
                // With at least a `.0`, as Python writes a float.
                if let Some(number) = self.number(field, record) {
                    FieldSpec::default().write_number(number, out);
                }
            }
            PatternField::Attribute(Attribute::LevelColor) => self.paint(color::of_level(record.level()), out),
            PatternField::Attribute(Attribute::DimColor) => self.paint(color::DIM, out),
            PatternField::Attribute(Attribute::ResetColor) => self.paint(color::RESET, out),
            _ if !self.escape => self.write_to(field, record, &mut Raw(out)),
            _ => match self.multiline {
                Multiline::Escape => self.write_to(field, record, &mut Escaped(out)),
                Multiline::Indent => self.write_to(field, record, &mut IndentedText(out)),
            },
        }
    }

    fn paint(&self, command: &str, out: &mut Vec<u8>) {
        if self.color {
            out.extend_from_slice(command.as_bytes());
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
            Attribute::LevelColor | Attribute::DimColor | Attribute::ResetColor => {}
            Attribute::AscTime | Attribute::Created | Attribute::Msecs | Attribute::RelativeCreated => {}
        }
    }
}
