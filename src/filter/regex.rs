//! A filter by regular expression.

use regex::Regex;

use super::FemtoFilter;
use super::message::with_message;
use crate::error::{Error, Problem};
use crate::record::FemtoLogRecord;

/// Lets records pass whose message contains a match of a regular expression. Needs the feature `regex`.
///
/// The syntax is that of the crate [`regex`]. Matching takes time linear in the length of the message.
///
/// # Examples
///
/// ```
/// use femtologging::FemtoStreamHandler;
/// use femtologging::filter::Matches;
///
/// let handler = FemtoStreamHandler::stderr().filter(Matches::new(r"(?i)time(d )?out")?);
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Matches(Regex);

impl Matches {
    /// Makes a filter for messages that match.
    ///
    /// # Errors
    ///
    /// Returns an error if the expression is not valid.
    pub fn new(expression: &str) -> Result<Self, Error> {
        compile(expression).map(Self)
    }
}

impl FemtoFilter for Matches {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        with_message(record, |message| self.0.is_match(message))
    }
}

/// Compiles a regular expression; an invalid one is an error of the configuration.
pub(super) fn compile(expression: &str) -> Result<Regex, Error> {
    Regex::new(expression).map_err(|error| {
        Error::config(vec![Problem::new("regex", format_args!("{expression:?}"), error.to_string().replace('\n', " "))])
    })
}
