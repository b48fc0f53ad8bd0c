//! Levels by logger in one line of text: the syntax of the environment variable `RUST_LOG`, as `env_logger` and
//! `tracing-subscriber` read it.

use std::fmt;

use super::name::{covers, parts};
use super::{FemtoFilter, Interest};
use crate::error::{Problem, notify};
use crate::level::{Level, LevelFilter, STATIC_MAX_LEVEL};
use crate::record::FemtoLogRecord;

/// Levels by logger, parsed from text such as `info,my_app::db=debug,hyper=off`.
///
/// Directives are separated by commas:
///
/// | directive | meaning |
/// |---|---|
/// | `info` | the level of all loggers to which no other directive applies |
/// | `my_app::db=debug` | the level of this logger and its descendants |
/// | `my_app::db` or `my_app::db=` | the same with `trace` |
/// | `my_app[{user}]=debug` | the same for records that have the key `user` |
/// | `my_app[{user=ada,n=7}]=debug` | the same for records that have these keys with these values |
/// | `my_app[load]=trace` | the same for records in a span of this name |
/// | `my_app[load{user}]=trace` | both conditions |
///
/// If several directives apply to a record, the most specific one decides: the one that names the most parts of the
/// logger's name; of those, one with a span; of those, the one with the most keys; of those, the last. A value can be
/// in double quotes. Levels are what [`LevelFilter`] parses.
///
/// An invalid directive is ignored and reported: by [`warnings`](Self::warnings), and as one of the library's own
/// notices (see [`set_error_hook`](crate::set_error_hook)). So is a level that is not compiled into this build.
///
/// Directives can be used in two ways. [`ConfigBuilder::directives`](crate::config::ConfigBuilder::directives) sets
/// the levels of loggers, which costs nothing when records are logged. As the filter of a handler, they suppress
/// records to which no directive applies; without any directive, all records pass.
///
/// # Examples
///
/// ```
/// use femtologging::filter::Directives;
/// use femtologging::{Config, FemtoStreamHandler, LevelFilter};
///
/// let directives = Directives::parse("info,my_app::db=debug,hyper=off");
/// assert_eq!(directives.level("my_app::db::pool"), Some(LevelFilter::Debug));
/// assert_eq!(directives.level("hyper"), Some(LevelFilter::Off));
/// assert_eq!(directives.to_string(), "INFO,my_app::db=DEBUG,hyper=OFF");
///
/// let config = Config::builder()
///     .add_handler("console", FemtoStreamHandler::stderr().filter(directives).build()?)
///     .directives("debug");
/// # drop(config);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    directives: Vec<Directive>,
    warnings: Vec<Problem>,
}

/// One of several [`Directives`].
///
/// # Examples
///
/// ```
/// use femtologging::LevelFilter;
/// use femtologging::filter::Directives;
///
/// let directives = Directives::parse("info,my_app[load{user=ada}]=trace");
/// let last = directives.iter().last().unwrap();
/// assert_eq!((last.target(), last.span(), last.level()), ("my_app", Some("load"), LevelFilter::Trace));
/// assert_eq!(last.fields().collect::<Vec<_>>(), [("user", Some("ada"))]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    target: String,
    span: Option<String>,
    fields: Vec<(String, Option<String>)>,
    level: LevelFilter,
}

impl Directive {
    /// Returns the name of the logger; empty for all loggers.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the name of the span in which records must be.
    pub fn span(&self) -> Option<&str> {
        self.span.as_deref()
    }

    /// Iterates over the keys that records must have, with the values that they must have, if any.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.fields.iter().map(|(key, value)| (key.as_str(), value.as_deref()))
    }

    /// Returns the level.
    pub fn level(&self) -> LevelFilter {
        self.level
    }

    /// Returns whether it names no span and no keys, so that the logger alone decides whether it applies.
    pub(crate) fn is_plain(&self) -> bool {
        self.span.is_none() && self.fields.is_empty()
    }

    /// Returns how specific it is: the number of parts of the name, whether there is a span, the number of keys.
    fn rank(&self) -> (usize, bool, usize) {
        (parts(&self.target).count(), self.span.is_some(), self.fields.len())
    }

    /// Returns whether it applies to the same records as another one.
    fn is_about(&self, other: &Self) -> bool {
        parts(&self.target).eq(parts(&other.target)) && self.span == other.span && self.fields == other.fields
    }

    /// Returns whether it applies to a record.
    fn covers(&self, record: &FemtoLogRecord<'_>) -> bool {
        self.span().is_none_or(|name| record.spans().any(|span| span.name() == name))
            && covers(&self.target, record.logger())
            && self.fields().all(|(key, wanted)| {
                let found = record.get(key);
                found.is_some_and(|found| {
                    wanted.is_none_or(|wanted| match found.as_str() {
                        Some(text) => text == wanted,
                        None => found.to_string() == wanted,
                    })
                })
            })
    }
}

impl Directives {
    /// Parses directives. It does not fail: see [`warnings`](Self::warnings).
    pub fn parse(text: &str) -> Self {
        let (directives, complaints) = read(text, STATIC_MAX_LEVEL);
        let mut parsed = Self { directives, warnings: Vec::new() };
        for (directive, complaint) in complaints {
            parsed.warn("directives", format_args!("{directive:?}"), complaint);
        }
        parsed
    }

    /// Parses directives from an environment variable. Returns `None` if it is not set.
    pub fn from_env(variable: &str) -> Option<Self> {
        let value = std::env::var_os(variable)?;
        Some(value.to_str().map(Self::parse).unwrap_or_else(|| {
            let mut parsed = Self::default();
            parsed.warn(variable, format_args!("{value:?}"), "this is not Unicode text, and was left out");
            parsed
        }))
    }

    /// Returns what is wrong with the text, one problem for each directive that was ignored.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Iterates over the valid directives, in the order of the text. Of several that apply to the same records, there
    /// is only the last.
    pub fn iter(&self) -> impl Iterator<Item = &Directive> {
        self.directives.iter()
    }

    /// Returns the level of a logger by the directives without spans and keys, or `None` if none applies to it.
    pub fn level(&self, logger: &str) -> Option<LevelFilter> {
        let of_logger =
            self.directives.iter().filter(|directive| directive.is_plain() && covers(&directive.target, logger));
        of_logger.max_by_key(|directive| directive.rank()).map(Directive::level)
    }

    /// Reports a problem, and keeps it for [`warnings`](Self::warnings).
    fn warn(&mut self, field: &str, value: fmt::Arguments<'_>, complaint: Complaint) {
        let warning = Problem::new(field, value, complaint);
        notify("directives", format_args!("{warning}"));
        self.warnings.push(warning);
    }
}

impl From<&str> for Directives {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<String> for Directives {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl FemtoFilter for Directives {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        let about = self.directives.iter().filter(|directive| directive.covers(record));
        match about.max_by_key(|directive| directive.rank()) {
            Some(directive) => directive.level.enables(record.level()),
            None => self.directives.is_empty(),
        }
    }

    fn interest(&self, level: Level, logger: &str) -> Interest {
        if self.directives.iter().any(|directive| !directive.is_plain()) {
            return Interest::Sometimes;
        }
        match self.level(logger) {
            Some(filter) => Interest::certain(filter.enables(level)),
            None => Interest::certain(self.directives.is_empty()),
        }
    }
}

impl fmt::Display for Directives {
    /// Writes the directives in the syntax that [`parse`](Directives::parse) reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, directive) in self.directives.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{directive}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, span, fields, level } = self;
        f.write_str(target)?;
        if !self.is_plain() {
            write!(f, "[{}", span.as_deref().unwrap_or_default())?;
            for (at, (key, value)) in fields.iter().enumerate() {
                write!(f, "{}{key}", if at > 0 { "," } else { "{" })?;
                if let Some(value) = value {
                    write!(f, "=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
            }
            write!(f, "{}]", if fields.is_empty() { "" } else { "}" })?;
        }
        let equals = if target.is_empty() && self.is_plain() { "" } else { "=" };
        write!(f, "{equals}{level}")
    }
}

/// What is wrong with a directive, and how to correct it.
type Complaint = &'static str;

/// Parses directives. Returns the valid ones, and the text of each invalid one with what is wrong with it; `compiled`
/// is the least severe level that the build contains.
fn read(text: &str, compiled: LevelFilter) -> (Vec<Directive>, Vec<(&str, Complaint)>) {
    let mut directives: Vec<Directive> = Vec::new();
    let mut complaints = Vec::new();
    // `env_logger` reads what follows a `/` as a regular expression for messages.
    let (text, regex) = split_outside(text, '/');
    if let Some(regex) = regex {
        complaints.push((regex, "the part behind `/` was left out: filter messages with `Contains` or `Matches`"));
    }
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (directive, others) = split_outside(text, ',');
        rest = others;
        let directive = directive.trim();
        if directive.is_empty() {
            continue;
        }
        match read_one(directive) {
            Ok(read) => {
                if read.level < compiled {
                    complaints.push((directive, "this build has no records of so low a level; see STATIC_MAX_LEVEL"));
                }
                // A later directive for the same records replaces the earlier one.
                directives.retain(|known| !known.is_about(&read));
                directives.push(read);
            }
            Err(complaint) => complaints.push((directive, complaint)),
        }
    }
    (directives, complaints)
}

/// Parses one directive.
fn read_one(text: &str) -> Result<Directive, Complaint> {
    let (head, level) = split_outside(text, '=');
    let (target, scope) = match head.split_once('[') {
        Some((target, scope)) => (target, Some(scope)),
        None => (head, None),
    };
    let (mut target, level) = match level.map(str::trim) {
        // A level alone.
        None if scope.is_none() && (target.parse::<LevelFilter>().is_ok() || is_number(target)) => {
            ("", read_level(target)?)
        }
        None | Some("") => (target.trim(), LevelFilter::Trace),
        Some(level) => (target.trim(), read_level(level)?),
    };
    if target == "root" {
        target = "";
    }
    let is_bad = |part: &str| part.is_empty() || part.contains(|c: char| c.is_whitespace() || !is_plain(c));
    if !target.is_empty() && target.split("::").flat_map(|part| part.split('.')).any(is_bad) {
        return Err("this is no logger's name: write parts separated by `.` or `::`, such as `my_app::db=debug`");
    }
    if target.is_empty() && scope.is_none() && head.trim() != "root" && text.starts_with('=') {
        return Err("a logger's name is missing before `=`");
    }
    let (span, fields) = match scope {
        Some(scope) => read_scope(scope)?,
        None => (None, Vec::new()),
    };
    Ok(Directive { target: target.to_owned(), span, fields, level })
}

/// Returns whether text is a number, and so meant as a level, even if there is no such level.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Parses a level.
fn read_level(text: &str) -> Result<LevelFilter, Complaint> {
    text.parse().map_err(|_| {
        "this is no level: use trace, debug, info, warn, error, critical, off, or CPython's numbers 5, 10, 20, 30, 40, 50"
    })
}

/// A span's name, and keys with their values.
type SpanScope = (Option<String>, Vec<(String, Option<String>)>);

/// Parses the part after `[`: the name of a span, keys in braces, and `]`.
fn read_scope(text: &str) -> Result<SpanScope, Complaint> {
    const WRONG: Complaint = "this is no span or keys: write `[span]`, `[{key}]` or `[span{key=value}]`";
    let inside = text.trim_end().strip_suffix(']').ok_or(WRONG)?;
    let (span, fields) = match inside.split_once('{') {
        Some((span, fields)) => (span, Some(fields.trim_end().strip_suffix('}').ok_or(WRONG)?)),
        None => (inside, None),
    };
    let span = span.trim();
    let mut read = Vec::new();
    let mut rest = fields;
    while let Some(text) = rest {
        let (field, others) = split_outside(text, ',');
        rest = others;
        let (key, value) = split_outside(field, '=');
        let key = key.trim();
        if key.is_empty() || !key.chars().all(is_plain) {
            return Err(WRONG);
        }
        let value = value.map(|value| unquoted(value.trim()).ok_or(WRONG)).transpose()?;
        read.push((key.to_owned(), value));
    }
    if !span.chars().all(is_plain) || span.is_empty() && read.is_empty() {
        return Err(WRONG);
    }
    Ok(((!span.is_empty()).then(|| span.to_owned()), read))
}

/// Returns whether a name can contain this character: not those that have a meaning in directives.
fn is_plain(c: char) -> bool {
    !c.is_control() && !",=[]{}\"/:".contains(c)
}

/// Returns the text of a value, without its quotes; `None` if it is not valid.
fn unquoted(value: &str) -> Option<String> {
    let Some(rest) = value.strip_prefix('"') else {
        return (!value.contains(|c: char| c.is_control() || "[]{}\"".contains(c))).then(|| value.to_owned());
    };
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(text),
            '\\' => text.push(chars.next()?),
            c => text.push(c),
        }
    }
}

/// Splits at the first `mark` outside of brackets, braces and quotes. One that is not closed is an ordinary
/// character.
fn split_outside(text: &str, mark: char) -> (&str, Option<&str>) {
    let mut at = 0;
    // What is not closed here is not closed further on, so that nothing is looked for again and again.
    let mut unclosed = String::new();
    while let Some(c) = text[at..].chars().next() {
        if c == mark {
            return (&text[..at], Some(&text[at + c.len_utf8()..]));
        }
        let length = match c {
            _ if unclosed.contains(c) => None,
            '[' => closing(&text[at..], ']'),
            '{' => closing(&text[at..], '}'),
            '"' => quoted(&text[at..]),
            _ => Some(c.len_utf8()),
        };
        if length.is_none() && !unclosed.contains(c) {
            unclosed.push(c);
        }
        at += length.unwrap_or(c.len_utf8());
    }
    (text, None)
}

/// Returns the length of the part in brackets.
fn closing(text: &str, close: char) -> Option<usize> {
    let mut at = 1;
    let mut quotes = true;
    while let Some(c) = text[at..].chars().next() {
        if c == close {
            return Some(at + 1);
        }
        let length = if c == '"' && quotes { quoted(&text[at..]) } else { Some(c.len_utf8()) };
        quotes &= length.is_some();
        at += length.unwrap_or(1);
    }
    None
}

/// Returns the length of the part in quotes.
fn quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_the_build_has_not_is_kept_with_a_warning() {
        let complaint = "this build has no records of so low a level; see STATIC_MAX_LEVEL";
        let (directives, complaints) = read("debug,a=info,b=off,c", LevelFilter::Info);
        assert_eq!(directives.len(), 4);
        assert_eq!(complaints, [("debug", complaint), ("c", complaint)]);
        assert_eq!(read("info,a=off", LevelFilter::Off).1, [("info", complaint)]);
    }

    #[test]
    fn brackets_that_nothing_closes_take_no_longer() {
        // Quadratic time would be minutes here, and cubic years.
        for text in ["[", "{", "\"", "[\"", "[\"{", "{[", "a,"] {
            read(&text.repeat(50_000), LevelFilter::Trace);
        }
    }
}
