//! Errors, and the notices that report errors of the handlers' threads.
//!
//! Calls that can fail return an [`Error`]. An error on a handler's thread, where no caller waits for a result, is
//! reported by `notify`: on standard error or to the user's hook, and never through the pipeline that failed.

mod notifier;
mod voice;

pub use notifier::set_error_hook;
pub(crate) use notifier::{guarded, notices_dropped, notify, rendered};
pub(crate) use voice::adopt_stderr;

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::Arc;

/// Anything that can go wrong in this library.
///
/// The type is opaque; the predicates tell the kind of a failure, [`problems`](Self::problems),
/// [`errors`](Self::errors), [`io_error`](Self::io_error) and [`get_ref`](Self::get_ref) give its parts.
///
/// # Text
///
/// `{}` is one sentence that includes the operating system's or the user's error.
/// [`source`](StdError::source) starts with what that sentence does not say: the cause of the included error, if it has
/// one. `{:#}` and `{:?}` append these causes, so that a `main` that returns the error prints all of it. Reporters that
/// walk the sources, such as `anyhow`'s `{:#}`, print every part once.
///
/// # Examples
///
/// ```
/// use femtologging::Error;
/// use std::io;
///
/// let error = Error::from(io::Error::new(io::ErrorKind::StorageFull, "disk full"));
/// assert!(error.is_io());
/// assert_eq!(error.to_string(), "disk full");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    /// Dotted path of the setting the failure belongs to, for all kinds but `Config`, whose problems have their
    /// own.
    field: String,
    kind: ErrorKind,
    is_reader_gone: bool,
}

enum ErrorKind {
    Config(Vec<Problem>),
    Io { context: String, source: io::Error },
    Timeout(String),
    Closed(String),
    AlreadyInitialized(String),
    InvalidName { name: String, why: String },
    WouldDeadlock(String),
    Other(Box<dyn StdError + Send + Sync>),
    Several(Vec<Error>),
}

impl Error {
    /// Wraps an error of a user's own handler, filter or formatter.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Error;
    ///
    /// assert_eq!(Error::other("queue is gone").to_string(), "queue is gone");
    /// ```
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Other(error.into()))
    }

    /// Reports settings that cannot be used, all at once.
    pub(crate) fn config(problems: Vec<Problem>) -> Self {
        Self::new(ErrorKind::Config(problems))
    }

    /// Reports failed input or output; the context reads like "could not open a.log".
    pub(crate) fn io(context: impl fmt::Display, source: io::Error) -> Self {
        Self::new(ErrorKind::Io { context: context.to_string(), source })
    }

    /// Reports that something did not finish in time; `what` reads like "flushing handler a".
    pub(crate) fn timeout(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Timeout(what.to_string()))
    }

    /// Reports that nobody reads a pipe any more (`program | head`). That is no trouble of the program, so nobody is
    /// told who did not ask.
    pub(crate) fn reader_gone(context: impl fmt::Display, source: io::Error) -> Self {
        let mut error = Self::io(context, source);
        error.0.is_reader_gone = true;
        error
    }

    pub(crate) fn is_reader_gone(&self) -> bool {
        self.0.is_reader_gone
    }

    /// Reports that something takes no more work; `what` reads like "handler a".
    pub(crate) fn closed(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Closed(what.to_string()))
    }

    /// Reports that something is set up only once; `what` reads like "the global logger".
    pub(crate) fn already_initialized(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::AlreadyInitialized(what.to_string()))
    }

    /// Reports a name that cannot be used; `why` reads like "it has an empty part".
    pub(crate) fn invalid_name(name: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidName { name: name.to_string(), why: why.to_string() })
    }

    /// Reports a wait that could never end; `why` is a sentence.
    pub(crate) fn would_deadlock(why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::WouldDeadlock(why.to_string()))
    }

    /// Combines the failures of several parts into one result.
    pub(crate) fn gather(mut failures: Vec<Error>) -> Result<(), Error> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Self::new(ErrorKind::Several(failures))),
        }
    }

    /// Returns an error of the same kind and text, for a second thread that waited for the same result.
    pub(crate) fn duplicate(&self) -> Self {
        let kind = match &self.0.kind {
            ErrorKind::Config(problems) => ErrorKind::Config(problems.clone()),
            ErrorKind::Io { context, source } => {
                let source = match source.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => io::Error::new(source.kind(), rendered(format_args!("{}", Chain(source)))),
                };
                ErrorKind::Io { context: context.clone(), source }
            }
            ErrorKind::Timeout(what) => ErrorKind::Timeout(what.clone()),
            ErrorKind::Closed(what) => ErrorKind::Closed(what.clone()),
            ErrorKind::AlreadyInitialized(what) => ErrorKind::AlreadyInitialized(what.clone()),
            ErrorKind::InvalidName { name, why } => ErrorKind::InvalidName { name: name.clone(), why: why.clone() },
            ErrorKind::WouldDeadlock(why) => ErrorKind::WouldDeadlock(why.clone()),
            // A user's error, whose `Display` may fail.
            ErrorKind::Other(error) => ErrorKind::Other(rendered(format_args!("{}", Chain(error.as_ref()))).into()),
            ErrorKind::Several(failures) => ErrorKind::Several(failures.iter().map(Self::duplicate).collect()),
        };
        let Inner { field, is_reader_gone, .. } = &*self.0;
        Self(Box::new(Inner { field: field.clone(), kind, is_reader_gone: *is_reader_gone }))
    }

    fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner { field: String::new(), kind, is_reader_gone: false }))
    }

    /// Returns whether settings are invalid; [`problems`](Self::problems) lists them.
    pub fn is_config(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Config(_))
    }

    /// Returns whether input or output failed.
    pub fn is_io(&self) -> bool {
        self.any(|kind| matches!(kind, ErrorKind::Io { .. }))
    }

    /// Returns whether something did not finish in time.
    pub fn is_timeout(&self) -> bool {
        self.any(|kind| matches!(kind, ErrorKind::Timeout(_)))
    }

    /// Returns whether a handler, queue or logger is closed.
    pub fn is_closed(&self) -> bool {
        self.any(|kind| matches!(kind, ErrorKind::Closed(_)))
    }

    /// Returns whether something that can be set up once was set up before.
    pub fn is_already_initialized(&self) -> bool {
        matches!(self.0.kind, ErrorKind::AlreadyInitialized(_))
    }

    /// Returns whether a name is invalid.
    pub fn is_invalid_name(&self) -> bool {
        matches!(self.0.kind, ErrorKind::InvalidName { .. })
    }

    /// Returns whether a blocking call was refused because it would have waited for its own thread.
    pub fn is_would_deadlock(&self) -> bool {
        self.any(|kind| matches!(kind, ErrorKind::WouldDeadlock(_)))
    }

    /// Returns whether this failure, or one of those it gathers, is of a kind.
    fn any(&self, is: impl Fn(&ErrorKind) -> bool + Copy) -> bool {
        match &self.0.kind {
            ErrorKind::Several(failures) => failures.iter().any(|failure| failure.any(is)),
            kind => is(kind),
        }
    }

    /// Returns the invalid settings; empty unless [`is_config`](Self::is_config).
    pub fn problems(&self) -> &[Problem] {
        match &self.0.kind {
            ErrorKind::Config(problems) => problems,
            _ => &[],
        }
    }

    /// Returns the failures that this error gathers, for example one for each handler that could not be flushed. An
    /// error that gathers none is the only one.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Error;
    ///
    /// let error = Error::other("queue is gone");
    /// let texts: Vec<_> = error.errors().iter().map(Error::to_string).collect();
    /// assert_eq!(texts, ["queue is gone"]);
    /// ```
    pub fn errors(&self) -> &[Error] {
        match &self.0.kind {
            ErrorKind::Several(failures) => failures,
            _ => slice::from_ref(self),
        }
    }

    /// Returns the error of the operating system, or the first of several; `None` unless [`is_io`](Self::is_io).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::{Error, FemtoFileHandler};
    /// use std::io;
    ///
    /// let error = FemtoFileHandler::builder().path("/nowhere/at/all.log").build().unwrap_err();
    /// assert_eq!(error.io_error().map(io::Error::kind), Some(io::ErrorKind::NotFound));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.0.kind {
            ErrorKind::Io { source, .. } => Some(source),
            ErrorKind::Several(failures) => failures.iter().find_map(Self::io_error),
            _ => None,
        }
    }

    /// Returns the error that [`other`](Self::other) wraps, as [`io::Error::get_ref`] does.
    pub fn get_ref(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        match &self.0.kind {
            ErrorKind::Other(error) => Some(error.as_ref()),
            _ => None,
        }
    }

    /// Puts the failure under a dotted path of the configuration, such as `handlers.file`.
    pub(crate) fn with_prefix(mut self, prefix: &str) -> Self {
        match &mut self.0.kind {
            ErrorKind::Config(problems) => problems.iter_mut().for_each(|problem| prepend(prefix, &mut problem.field)),
            _ => prepend(prefix, &mut self.0.field),
        }
        self
    }
}

/// Puts `prefix` and a dot before a dotted path.
fn prepend(prefix: &str, path: &mut String) {
    let dot = if path.is_empty() { "" } else { "." };
    path.insert_str(0, dot);
    path.insert_str(0, prefix);
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.field.is_empty() {
            write!(f, "`{}`: ", self.0.field)?;
        }
        self.0.kind.fmt(f)?;
        if f.alternate() { write_causes(self, f) } else { Ok(()) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => match problems.as_slice() {
                [] => f.write_str("invalid configuration"),
                [problem] if problem.position.is_some() => write!(f, "{problem}"),
                [problem] => write!(f, "invalid configuration: {problem}"),
                problems => {
                    write!(f, "invalid configuration, {} problems:", problems.len())?;
                    problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
                }
            },
            Self::Io { context, source } if context.is_empty() => write!(f, "{source}"),
            Self::Io { context, source } => write!(f, "{context}: {source}"),
            Self::Timeout(what) => write!(f, "{what} did not finish in time"),
            Self::Closed(what) => write!(f, "{what} is closed"),
            Self::AlreadyInitialized(what) => write!(f, "{what} is already initialized"),
            Self::InvalidName { name, why } => write!(f, "invalid name {name:?}: {why}"),
            Self::WouldDeadlock(why) => f.write_str(why),
            Self::Other(error) => write!(f, "{error}"),
            Self::Several(failures) => {
                write!(f, "{} failures:", failures.len())?;
                failures.iter().try_for_each(|failure| write!(f, "\n  {failure:#}"))
            }
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            ErrorKind::Io { source, .. } => source.source(),
            ErrorKind::Other(error) => error.source(),
            // The text of several failures has the causes of each.
            _ => None,
        }
    }
}

/// How many causes of an error are written.
const MOST_CAUSES: usize = 32;

/// Writes `: cause: cause of the cause`.
fn write_causes(error: &(impl StdError + ?Sized), out: &mut dyn fmt::Write) -> fmt::Result {
    let causes = iter::successors(error.source(), |cause: &&dyn StdError| (*cause).source());
    // An error may be its own cause, by mistake.
    causes.take(MOST_CAUSES).try_for_each(|cause| out.write_fmt(format_args!(": {cause}")))
}

/// Writes `message: cause: cause of the cause`.
pub(crate) fn write_chain(error: &(impl StdError + ?Sized), out: &mut dyn fmt::Write) -> fmt::Result {
    out.write_fmt(format_args!("{error}"))?;
    write_causes(error, out)
}

/// An error's text with that of its causes.
struct Chain<'e>(&'e (dyn StdError + Send + Sync));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(self.0, f)
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::io("", source)
    }
}

/// One setting that cannot be used, and what to do about it.
///
/// # Examples
///
/// ```
/// use femtologging::config::LoggerConfig;
/// use femtologging::handler::FemtoNullHandler;
/// use femtologging::{Config, Level};
///
/// let app = LoggerConfig::new().level(Level::Info).handlers(["fil"]);
/// let config = Config::builder().add_handler("file", FemtoNullHandler).add_logger("app", app);
/// let error = config.build().unwrap_err();
/// let problem = &error.problems()[0];
/// assert_eq!((problem.field.as_str(), problem.value.as_str()), ("loggers.app.handlers", "\"fil\""));
/// assert_eq!(problem.remedy, "there is no handler of this name; add it with add_handler, or use one of: file");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Dotted path of the setting, such as `handlers.file.path`; empty when the problem is not about one.
    pub field: String,
    /// The value as it was given; empty when there was none.
    pub value: String,
    /// What is wrong with it and what would be accepted.
    pub remedy: String,
    /// Where the setting was given, if it was read from a file or from the environment.
    pub position: Option<Position>,
}

/// Where a setting was given: a place in a file, or an environment variable.
///
/// `Display` writes it as compilers do, `logging.yaml:14:7`; or as the name of the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    source: Arc<str>,
    /// From 1; 0 if the source has no lines.
    line: u32,
    column: u32,
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, value: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::of(field.into(), &value, &remedy)
    }

    fn of(field: String, value: &dyn fmt::Display, remedy: &dyn fmt::Display) -> Self {
        Self { field, value: value.to_string(), remedy: remedy.to_string(), position: None }
    }
}

impl Position {
    /// A line and a column in characters, both from 1, of a file.
    #[cfg(feature = "config")]
    pub(crate) fn new(source: Arc<str>, line: u32, column: u32) -> Self {
        Self { source, line, column }
    }

    /// Returns the path of the file, or the name of the environment variable.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the line, counted from 1; `None` for a variable, or for a file that could not be read.
    pub fn line(&self) -> Option<u32> {
        (self.line > 0).then_some(self.line)
    }

    /// Returns the column in characters, counted from 1.
    pub fn column(&self) -> Option<u32> {
        (self.line > 0).then_some(self.column)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.source),
            line => write!(f, "{}:{line}:{}", self.source, self.column),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, remedy, position } = self;
        if let Some(position) = position {
            write!(f, "{position}: ")?;
            return match (field.is_empty(), value.is_empty()) {
                (true, true) => f.write_str(remedy),
                (true, false) => write!(f, "{value}: {remedy}"),
                (false, true) => write!(f, "{field}: {remedy}"),
                (false, false) => write!(f, "{field} = {value}: {remedy}"),
            };
        }
        match (field.is_empty(), value.is_empty()) {
            (true, true) => f.write_str(remedy),
            (true, false) => write!(f, "{value}: {remedy}"),
            (false, true) => write!(f, "`{field}`: {remedy}"),
            (false, false) => write!(f, "`{field}` = {value}: {remedy}"),
        }
    }
}

/// Calls a method of a handler or a filter; a panic becomes an error that names the method.
#[inline]
pub(crate) fn caught<T>(what: &str, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panicked(what, panic)))
}

/// Makes an error of a panic's payload. Not generic, as opposed to [`caught`].
#[cold]
fn panicked(what: &str, panic: Box<dyn Any + Send>) -> Error {
    let message = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    let error = Error::other(match message {
        Some(message) => format!("panicked in `{what}`: {message}"),
        None => format!("panicked in `{what}`"),
    });
    // Dropping the payload could panic again.
    std::mem::forget(panic);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_error() -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, "permission denied")
    }

    #[test]
    fn it_is_one_pointer_and_travels_between_threads() {
        fn travels<T: Send + Sync + 'static>() {}
        travels::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn every_kind_has_one_sentence_and_one_predicate() {
        let rows = [
            (Error::config(vec![]), "invalid configuration", [true, false, false, false, false, false, false]),
            (
                Error::io("could not open a.log", io_error()),
                "could not open a.log: permission denied",
                [false, true, false, false, false, false, false],
            ),
            (Error::from(io_error()), "permission denied", [false, true, false, false, false, false, false]),
            (
                Error::timeout("flushing handler a"),
                "flushing handler a did not finish in time",
                [false, false, true, false, false, false, false],
            ),
            (Error::closed("handler a"), "handler a is closed", [false, false, false, true, false, false, false]),
            (
                Error::already_initialized("the global logger"),
                "the global logger is already initialized",
                [false, false, false, false, true, false, false],
            ),
            (
                Error::invalid_name("a..b\n", "it has an empty part"),
                "invalid name \"a..b\\n\": it has an empty part",
                [false, false, false, false, false, true, false],
            ),
            (
                Error::would_deadlock("no flush from here"),
                "no flush from here",
                [false, false, false, false, false, false, true],
            ),
            (Error::other("queue is gone"), "queue is gone", [false; 7]),
        ];
        for (error, text, kind) in rows {
            for error in [error.duplicate(), error] {
                assert_eq!(error.to_string(), text);
                let found = [
                    error.is_config(),
                    error.is_io(),
                    error.is_timeout(),
                    error.is_closed(),
                    error.is_already_initialized(),
                    error.is_invalid_name(),
                    error.is_would_deadlock(),
                ];
                assert_eq!(found, kind, "{text}");
            }
        }
    }

    /// An error with a cause of its own.
    #[derive(Debug)]
    struct Outer(fmt::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    /// What `anyhow` and `key:err` print.
    fn chain(error: &Error) -> String {
        let mut text = String::new();
        write_chain(error, &mut text).unwrap();
        text
    }

    const CAUSE: &str = "an error occurred when formatting an argument";

    #[test]
    fn a_reporter_of_causes_prints_each_once() {
        let rows = [
            (Error::io("could not open a.log", io_error()), "could not open a.log: permission denied".to_owned()),
            (Error::from(io_error()).with_prefix("handlers.a"), "`handlers.a`: permission denied".to_owned()),
            (
                Error::io("could not open a.log", io::Error::other(Outer(fmt::Error))),
                format!("could not open a.log: outer: {CAUSE}"),
            ),
            (Error::from(io::Error::other(Outer(fmt::Error))), format!("outer: {CAUSE}")),
            (Error::other(fmt::Error), CAUSE.to_owned()),
            (Error::other(Outer(fmt::Error)), format!("outer: {CAUSE}")),
            (Error::other(Error::other(Outer(fmt::Error))), format!("outer: {CAUSE}")),
            (Error::closed("handler a"), "handler a is closed".to_owned()),
            (
                Error::gather(vec![Error::other(Outer(fmt::Error)), Error::from(io_error())]).unwrap_err(),
                format!("2 failures:\n  outer: {CAUSE}\n  permission denied"),
            ),
        ];
        for (error, text) in rows {
            assert_eq!(chain(&error), text);
            assert_eq!(format!("{error:#}"), text);
            assert_eq!(format!("{error:?}"), text);
            assert_eq!(format!("{error:#?}"), text);
            assert_eq!(format!("{:#}", error.duplicate()), text);
        }
        assert_eq!(Error::other(Outer(fmt::Error)).to_string(), "outer");
    }

    #[test]
    fn the_parts_are_available_as_values() {
        let error = Error::io("could not open a.log", io_error());
        assert_eq!(error.io_error().map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));
        assert!(error.get_ref().is_none() && error.source().is_none());
        assert_eq!(error.errors().iter().map(Error::to_string).collect::<Vec<_>>(), [error.to_string()]);

        let several = Error::gather(vec![Error::closed("handler a"), error]).unwrap_err();
        let texts: Vec<_> = several.errors().iter().map(Error::to_string).collect();
        assert_eq!(texts, ["handler a is closed", "could not open a.log: permission denied"]);
        assert_eq!(several.io_error().map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));

        let error = Error::other(Outer(fmt::Error));
        assert!(error.get_ref().is_some_and(|error| error.is::<Outer>()));
        assert!(error.source().is_some_and(|source| source.is::<fmt::Error>()));
        assert!(error.io_error().is_none());
    }

    #[test]
    fn problems_are_listed_one_per_line() {
        let size = Problem::new("max_bytes", 0, "use 1 or more");
        let path = Problem::new("path", "", "give a path");
        let error = Error::config(vec![size.clone()]);
        assert_eq!(error.to_string(), "invalid configuration: `max_bytes` = 0: use 1 or more");
        assert_eq!(error.problems(), slice::from_ref(&size));
        let error = Error::config(vec![size, path]);
        assert_eq!(
            error.to_string(),
            "invalid configuration, 2 problems:\n  `max_bytes` = 0: use 1 or more\n  `path`: give a path",
        );
        assert_eq!(Error::closed("handler a").problems(), []);
    }

    #[test]
    fn a_problem_leaves_out_what_it_does_not_have() {
        assert_eq!(Problem::new("a", "1", "use 2").to_string(), "`a` = 1: use 2");
        assert_eq!(Problem::new("", "1", "use 2").to_string(), "1: use 2");
        assert_eq!(Problem::new("", "", "use 2").to_string(), "use 2");
    }

    #[test]
    fn a_prefix_says_which_part_failed() {
        let nested = Error::config(vec![Problem::new("path", "", "give a path"), Problem::new("", "", "be brief")]);
        assert_eq!(
            nested.with_prefix("file").with_prefix("handlers").problems(),
            [Problem::new("handlers.file.path", "", "give a path"), Problem::new("handlers.file", "", "be brief"),],
        );
        let io = Error::io("could not open a.log", io_error()).with_prefix("file");
        assert_eq!(io.to_string(), "`file`: could not open a.log: permission denied");
        assert!(io.is_io());
    }
}
