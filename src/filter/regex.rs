//! By regular expressions.

use regex::Regex;

use super::FemtoFilter;
use super::message::with_message;
use crate::error::{Error, Problem};
use crate::record::FemtoLogRecord;

/// Lets records through whose message matches a regular expression somewhere. Needs the feature `regex`.
///
/// Expressions are those of the crate [`regex`]: they take time in proportion to the text, whatever they are.
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
    /// What is wrong with the expression.
    pub fn new(expression: &str) -> Result<Self, Error> {
        compile(expression).map(Self)
    }
}

impl FemtoFilter for Matches {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        with_message(record, |message| self.0.is_match(message))
    }
}

pub(super) fn compile(expression: &str) -> Result<Regex, Error> {
    Regex::new(expression).map_err(|error| {
        Error::config(vec![Problem::new("regex", format_args!("{expression:?}"), error.to_string().replace('\n', " "))])
    })
}
