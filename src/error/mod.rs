//! What can go wrong, and how the library says so.
//!
//! Calls that can fail return an [`Error`]. What goes wrong later, on a consumer thread where nobody waits for a
//! result, is said through the library's own voice (`notify`), which never uses the pipeline it reports on.

mod notifier;
mod voice;

pub use notifier::set_error_hook;
pub(crate) use notifier::{guarded, notices_dropped, notify, rendered};
pub(crate) use voice::adopt_stderr;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Anything that can go wrong in this library.
///
/// The type is opaque; ask the predicates what kind of failure it is. Its text is one readable sentence that
/// already includes the cause, which [`source`](StdError::source) gives as a value.
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
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// Dotted path of the setting the failure belongs to, for all kinds but `Config`, whose problems have their
    /// own.
    field: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Config(Vec<Problem>),
    Io { context: String, source: io::Error },
    Timeout(String),
    Closed(String),
    AlreadyInitialized(String),
    InvalidName { name: String, why: String },
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
        Self::new(Kind::Other(error.into()))
    }

    /// Reports settings that cannot be used, all at once.
    pub(crate) fn config(problems: Vec<Problem>) -> Self {
        Self::new(Kind::Config(problems))
    }

    /// Reports failed input or output; the context reads like "could not open a.log".
    pub(crate) fn io(context: impl fmt::Display, source: io::Error) -> Self {
        Self::new(Kind::Io { context: context.to_string(), source })
    }

    /// Reports that something did not finish in time; `what` reads like "flushing handler a".
    pub(crate) fn timeout(what: impl fmt::Display) -> Self {
        Self::new(Kind::Timeout(what.to_string()))
    }

    /// Reports that something takes no more work; `what` reads like "handler a".
    pub(crate) fn closed(what: impl fmt::Display) -> Self {
        Self::new(Kind::Closed(what.to_string()))
    }

    /// Reports that something is set up only once; `what` reads like "the global logger".
    pub(crate) fn already_initialized(what: impl fmt::Display) -> Self {
        Self::new(Kind::AlreadyInitialized(what.to_string()))
    }

    /// Reports a name that cannot be used; `why` reads like "it has an empty part".
    pub(crate) fn invalid_name(name: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(Kind::InvalidName { name: name.to_string(), why: why.to_string() })
    }

    /// Makes one result of the failures of several parts.
    pub(crate) fn gather(mut failures: Vec<Error>) -> Result<(), Error> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Self::new(Kind::Several(failures))),
        }
    }

    /// Returns an error of the same kind and text, for a second one who waited for the same thing.
    pub(crate) fn duplicate(&self) -> Self {
        let kind = match &self.0.kind {
            Kind::Config(problems) => Kind::Config(problems.clone()),
            Kind::Io { context, source } => {
                let source = match source.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => io::Error::new(source.kind(), source.to_string()),
                };
                Kind::Io { context: context.clone(), source }
            }
            Kind::Timeout(what) => Kind::Timeout(what.clone()),
            Kind::Closed(what) => Kind::Closed(what.clone()),
            Kind::AlreadyInitialized(what) => Kind::AlreadyInitialized(what.clone()),
            Kind::InvalidName { name, why } => Kind::InvalidName { name: name.clone(), why: why.clone() },
            // A user's error, whose `Display` may fail.
            Kind::Other(error) => Kind::Other(rendered(format_args!("{error}")).into()),
            Kind::Several(failures) => Kind::Several(failures.iter().map(Self::duplicate).collect()),
        };
        Self(Box::new(Inner { field: self.0.field.clone(), kind }))
    }

    fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { field: String::new(), kind }))
    }

    /// Says whether settings were at fault; [`problems`](Self::problems) lists them.
    pub fn is_config(&self) -> bool {
        matches!(self.0.kind, Kind::Config(_))
    }

    /// Says whether input or output failed.
    pub fn is_io(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Io { .. }))
    }

    /// Says whether something did not finish in time.
    pub fn is_timeout(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Timeout(_)))
    }

    /// Says whether a handler, queue or logger no longer takes work.
    pub fn is_closed(&self) -> bool {
        self.any(|kind| matches!(kind, Kind::Closed(_)))
    }

    /// Says whether something that can be set up once had been set up before.
    pub fn is_already_initialized(&self) -> bool {
        matches!(self.0.kind, Kind::AlreadyInitialized(_))
    }

    /// Says whether a name was refused.
    pub fn is_invalid_name(&self) -> bool {
        matches!(self.0.kind, Kind::InvalidName { .. })
    }

    /// Whether this failure, or one of those it gathers, is of a kind.
    fn any(&self, is: impl Fn(&Kind) -> bool + Copy) -> bool {
        match &self.0.kind {
            Kind::Several(failures) => failures.iter().any(|failure| failure.any(is)),
            kind => is(kind),
        }
    }

    /// Returns the settings at fault; empty unless [`is_config`](Self::is_config).
    pub fn problems(&self) -> &[Problem] {
        match &self.0.kind {
            Kind::Config(problems) => problems,
            _ => &[],
        }
    }

    /// Puts the failure under a dotted path of the configuration, such as `handlers.file`.
    pub(crate) fn with_prefix(mut self, prefix: &str) -> Self {
        match &mut self.0.kind {
            Kind::Config(problems) => problems.iter_mut().for_each(|problem| prepend(prefix, &mut problem.field)),
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
        self.0.kind.fmt(f)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(problems) => match problems.as_slice() {
                [] => f.write_str("invalid configuration"),
                [problem] => write!(f, "invalid configuration: {problem}"),
                problems => {
                    write!(f, "invalid configuration, {} problems:", problems.len())?;
                    problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
                }
            },
            Self::Io { context, source } if context.is_empty() => source.fmt(f),
            Self::Io { context, source } => write!(f, "{context}: {source}"),
            Self::Timeout(what) => write!(f, "{what} did not finish in time"),
            Self::Closed(what) => write!(f, "{what} is closed"),
            Self::AlreadyInitialized(what) => write!(f, "{what} is already initialized"),
            Self::InvalidName { name, why } => write!(f, "invalid name {name:?}: {why}"),
            Self::Other(error) => error.fmt(f),
            Self::Several(failures) => {
                write!(f, "{} failures:", failures.len())?;
                failures.iter().try_for_each(|failure| write!(f, "\n  {failure}"))
            }
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            Kind::Io { source, .. } => Some(source),
            Kind::Other(error) => Some(error.as_ref()),
            Kind::Several(failures) => failures.first().map(|first| first as _),
            _ => None,
        }
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
/// use femtologging::{Config, FemtoNullHandler, Level};
///
/// let config = Config::builder().add_handler("file", FemtoNullHandler).add_logger_config("app", Level::Info, ["fil"]);
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
}

impl Problem {
    pub(crate) fn new(field: impl Into<String>, value: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self { field: field.into(), value: value.to_string(), remedy: remedy.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, remedy } = self;
        match (field.is_empty(), value.is_empty()) {
            (true, true) => f.write_str(remedy),
            (true, false) => write!(f, "{value}: {remedy}"),
            (false, true) => write!(f, "`{field}`: {remedy}"),
            (false, false) => write!(f, "`{field}` = {value}: {remedy}"),
        }
    }
}

/// Calls a method of a handler or a filter; a panic becomes an error that names the method.
pub(crate) fn caught<T>(what: &str, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let error = Error::other(match message {
            Some(message) => format!("panicked in `{what}`: {message}"),
            None => format!("panicked in `{what}`"),
        });
        // Dropping the payload could panic again.
        std::mem::forget(panic);
        Err(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice;

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
            (Error::config(vec![]), "invalid configuration", [true, false, false, false, false, false]),
            (
                Error::io("could not open a.log", io_error()),
                "could not open a.log: permission denied",
                [false, true, false, false, false, false],
            ),
            (Error::from(io_error()), "permission denied", [false, true, false, false, false, false]),
            (
                Error::timeout("flushing handler a"),
                "flushing handler a did not finish in time",
                [false, false, true, false, false, false],
            ),
            (Error::closed("handler a"), "handler a is closed", [false, false, false, true, false, false]),
            (
                Error::already_initialized("the global logger"),
                "the global logger is already initialized",
                [false, false, false, false, true, false],
            ),
            (
                Error::invalid_name("a..b\n", "it has an empty part"),
                "invalid name \"a..b\\n\": it has an empty part",
                [false, false, false, false, false, true],
            ),
            (Error::other("queue is gone"), "queue is gone", [false; 6]),
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
                ];
                assert_eq!(found, kind, "{text}");
            }
        }
    }

    #[test]
    fn the_cause_is_available_as_a_value() {
        let error = Error::io("could not open a.log", io_error());
        let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));
        let error = Error::other(fmt::Error);
        assert!(error.source().is_some_and(|source| source.is::<fmt::Error>()));
        assert!(Error::closed("handler a").source().is_none());
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
