//! Redaction of secrets.

#[cfg(feature = "regex")]
use std::borrow::Cow;

use super::message::with_message;
use super::wildcard::Wildcard;
use super::{FemtoFilter, Rewrite};
#[cfg(feature = "regex")]
use crate::error::Error;
use crate::record::FemtoLogRecord;
use crate::value::{OwnedValue, Value};

/// Replaces secrets by `***`, for its handler. Every record passes.
///
/// | setting | what is replaced |
/// |---|---|
/// | [`key`](Self::key) | the values of keys that match, including keys of maps |
/// | [`word`](Self::word) | words that match, in the message, in values and in the keys of maps |
/// | `regex` (feature `regex`) | text that matches, in the same places |
///
/// Keys are matched regardless of case; words and expressions are matched exactly. Lists and maps are searched at any
/// depth and keep their structure.
///
/// After a replacement, a message has no [`arguments`](FemtoLogRecord::arguments), and the value of a matching key is
/// [`Value::Secret`]. A value of which only parts were replaced is a [`Value::Str`].
///
/// A filter only finds what it was told to look for. A value that must never be recorded is better logged with
/// `key:secret = value`. Loggers do not accept this filter, because filters of loggers cannot change records.
///
/// # Examples
///
/// ```
/// use femtologging::filter::Redact;
/// use femtologging::handler::{FemtoCaptureHandler, FemtoHandlerExt};
/// use femtologging::{Config, Value, info};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let redact = Redact::new().key("*password*").word("sk-*");
/// let handler = capture.clone().configure().filter(redact).build()?;
/// let logging = Config::builder().add_handler("capture", handler).build()?;
/// let logger = logging.get_logger("shop")?;
/// info!(logger: logger, "key {} for {}", "sk-4711", "ada"; db_password = "hunter2");
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["key *** for ada"]);
/// assert_eq!(capture.records()[0].get("db_password"), Some(Value::Secret));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Redact {
    keys: Vec<Wildcard>,
    words: Vec<Wildcard>,
    #[cfg(feature = "regex")]
    expressions: Vec<regex::Regex>,
}

/// The text that replaces a secret.
const STARS: &str = "***";

impl Redact {
    /// Makes a filter that replaces nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the values of keys that match a pattern as a whole. `*` matches any text.
    pub fn key(mut self, pattern: impl Into<String>) -> Self {
        self.keys.push(Wildcard::in_any_case(pattern.into()));
        self
    }

    /// Replaces words that match a pattern as a whole. `*` matches any text.
    ///
    /// Words are separated by white space and the characters `"'` `` ` `` `,;=()[]{}<>&?|`. So `sk-*` matches a word in
    /// `token="sk-4711"`. Dots and slashes are parts of words.
    pub fn word(mut self, pattern: impl Into<String>) -> Self {
        self.words.push(Wildcard::new(pattern.into()));
        self
    }

    /// Replaces all matches of a regular expression.
    ///
    /// # Errors
    ///
    /// Returns an error if the expression is not valid.
    #[cfg(feature = "regex")]
    pub fn regex(mut self, expression: &str) -> Result<Self, Error> {
        self.expressions.push(super::regex::compile(expression)?);
        Ok(self)
    }

    /// Returns whether text is searched, and not only keys.
    fn reads(&self) -> bool {
        #[cfg(feature = "regex")]
        if !self.expressions.is_empty() {
            return true;
        }
        !self.words.is_empty()
    }

    /// Returns the redacted text, or `None` if it contains no secret.
    fn redacted(&self, text: &str) -> Option<String> {
        let result = self.without_words(text);
        #[cfg(feature = "regex")]
        let result = self.expressions.iter().fold(result, |result, expression| {
            let replaced = match expression.replace_all(result.as_deref().unwrap_or(text), regex::NoExpand(STARS)) {
                Cow::Owned(replaced) => Some(replaced),
                Cow::Borrowed(_) => None,
            };
            replaced.or(result)
        });
        result
    }

    /// Returns the text with matching words replaced, or `None` if none matches.
    fn without_words(&self, text: &str) -> Option<String> {
        let mut result: Option<String> = None;
        // The number of bytes of `text` that are in `result`, copied or replaced.
        let mut copied = 0;
        let mut start = 0;
        for word in if self.words.is_empty() { "" } else { text }.split(is_between_words) {
            let end = start + word.len();
            if !word.is_empty() && self.words.iter().any(|pattern| pattern.matches(word)) {
                let result = result.get_or_insert_default();
                result.push_str(&text[copied..start]);
                result.push_str(STARS);
                copied = end;
            }
            // Skips the separator, which may be white space of several bytes.
            start = end + text[end..].chars().next().map_or(0, char::len_utf8);
        }
        result.map(|result| result + &text[copied..])
    }

    /// Returns the redacted value of a key, or `None` if it contains no secret.
    fn redacted_value(&self, key: &str, value: Value<'_>) -> Option<OwnedValue> {
        if self.keys.iter().any(|pattern| pattern.matches(key)) {
            return Some(Value::Secret.to_owned());
        }
        self.redacted_inside(value)
    }

    /// The same for a value whose key does not match, or an element of a list.
    fn redacted_inside(&self, value: Value<'_>) -> Option<OwnedValue> {
        let text = match value {
            Value::List(list) => {
                let found: Vec<_> = list.iter().map(|value| self.redacted_inside(value)).collect();
                return found.iter().any(Option::is_some).then(|| OwnedValue::list(merged(list.iter(), &found)));
            }
            Value::Map(map) => {
                let keys: Vec<_> = map.iter().map(|(key, _)| self.redacted(key)).collect();
                let found: Vec<_> = map.iter().map(|(key, value)| self.redacted_value(key, value)).collect();
                let any = keys.iter().any(Option::is_some) || found.iter().any(Option::is_some);
                // The map is rebuilt as a whole: redacted keys and values, and the others as they are.
                let known = map.iter().zip(&keys).map(|((key, _), new)| new.as_deref().unwrap_or(key));
                let values = map.iter().map(|(_, value)| value);
                return any.then(|| OwnedValue::map(known.zip(merged(values, &found))));
            }
            _ if !self.reads() => None,
            value => match value.as_str() {
                Some(text) => self.redacted(text),
                None => self.redacted(&value.to_string()),
            },
        };
        text.map(|text| Value::Str(&text).to_owned())
    }
}

/// Replaces those values for which there is a redacted one.
fn merged<'v>(
    values: impl Iterator<Item = Value<'v>>,
    found: &'v [Option<OwnedValue>],
) -> impl Iterator<Item = Value<'v>> {
    values.zip(found).map(|(value, new)| new.as_ref().map_or(value, OwnedValue::get))
}

/// Returns whether a character separates words.
fn is_between_words(c: char) -> bool {
    c.is_whitespace() || "\"'`,;=()[]{}<>&?|".contains(c)
}

impl FemtoFilter for Redact {
    fn allows(&self, _: &FemtoLogRecord<'_>) -> bool {
        true
    }

    fn rewrite(&self, record: &mut Rewrite<'_>) -> bool {
        if self.reads()
            && let Some(message) = with_message(&record.record(), |message| self.redacted(message))
        {
            record.set_message(message);
        }
        // Collected first: the record is borrowed while it is read.
        let mut values = Vec::new();
        for (at, (key, value)) in record.record().key_values().enumerate() {
            values.extend(self.redacted_value(key, value).map(|value| (at, value)));
        }
        for (at, value) in values {
            record.set_value(at, value.get());
        }
        true
    }

    fn is_for_handlers(&self) -> bool {
        true
    }
}
