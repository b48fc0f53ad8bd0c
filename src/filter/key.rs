//! A filter by key and value.

use super::FemtoFilter;
use crate::record::FemtoLogRecord;
use crate::value::{OwnedValue, Value};

/// Lets records pass that have a key, or a key with a certain value.
///
/// # Examples
///
/// ```
/// use femtologging::FemtoStreamHandler;
/// use femtologging::filter::Key;
///
/// let handler = FemtoStreamHandler::stderr().filter(Key::present("audit")).filter(Key::equal("user", "ada"));
/// # drop(handler);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    key: String,
    value: Option<OwnedValue>,
}

impl Key {
    /// Makes a filter for records that have this key.
    pub fn present(key: impl Into<String>) -> Self {
        Self { key: key.into(), value: None }
    }

    /// Makes a filter for records that have this key with this value.
    ///
    /// Values of different types are equal if they are the same number (`7_u8` and `7_i64`; `0.5_f32` and `0.5_f64`) or
    /// the same text (a string and the text of a `Display`).
    pub fn equal<'v>(key: impl Into<String>, value: impl Into<Value<'v>>) -> Self {
        Self { key: key.into(), value: Some(value.into().to_owned()) }
    }
}

impl FemtoFilter for Key {
    fn allows(&self, record: &FemtoLogRecord<'_>) -> bool {
        let found = record.get(&self.key);
        found.is_some_and(|found| self.value.as_ref().is_none_or(|value| are_equal(value.get(), found)))
    }
}

/// Compares two values by number or text, regardless of their types.
fn are_equal(a: Value<'_>, b: Value<'_>) -> bool {
    let same_text = a.as_str().zip(b.as_str()).is_some_and(|(a, b)| a == b);
    let same_float = a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a == b);
    a == b || same_text || same_float || integer(a).zip(integer(b)).is_some_and(|(a, b)| a == b)
}

/// Returns the value of an integer. One that exceeds `i128` needs no conversion: only `u128` has it.
fn integer(value: Value<'_>) -> Option<i128> {
    match value {
        Value::I64(n) => Some(n.into()),
        Value::U64(n) => Some(n.into()),
        Value::I128(n) => Some(n),
        Value::U128(n) => n.try_into().ok(),
        _ => None,
    }
}
