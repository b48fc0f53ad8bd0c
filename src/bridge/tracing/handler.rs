//! A handler that sends records to `tracing`.

use std::fmt::{self, Write};

use tracing_core::field::{self, Field};
use tracing_core::{Dispatch, Event};

use super::FEEDING;
use super::site::EventSite;
use crate::error::Error;
use crate::handler::{Batch, FemtoHandler};
use crate::record::FemtoLogRecord;
use crate::value::Value;

/// A handler that turns records into events of `tracing`, for programs with a `tracing` subscriber.
///
/// | of the record | in the event |
/// |---|---|
/// | level | the level of the same name; `Critical` becomes `ERROR` |
/// | target, module path, file, line | the same |
/// | message | the field `message` |
/// | keys | fields of the same names: numbers, `bool`s, strings and bytes typed, others as text |
/// | names of the spans around it | the field `span`, as `outer:inner` |
///
/// The subscriber takes the time of the event itself, when the handler's thread sends it, and sees the handler's
/// thread.
///
/// `tracing` needs a static call site for each combination of a call and its keys, which this handler makes and never
/// frees. It makes up to 4,096. After that, events of new calls have the target `femtologging` and the fields
/// `message`, `key_values`, `target`, `module_path`, `file` and `line`. An event has at most 30 keys as fields; all
/// others are in the field `key_values`.
///
/// Records do not return through a [`FemtoTracingLayer`](super::FemtoTracingLayer) of the same dispatcher.
///
/// # Examples
///
/// ```
/// use femtologging::bridge::FemtoTracingHandler;
/// use femtologging::handler::FemtoHandlerExt;
/// use femtologging::{Config, info};
///
/// // With the layers of the program.
/// let subscriber = tracing_subscriber::registry();
/// let handler = FemtoTracingHandler::new(tracing::Dispatch::new(subscriber));
/// let logging = Config::builder().add_handler("tracing", handler.configure().build()?).build()?;
/// let logger = logging.get_logger("shop")?;
/// info!(logger: logger, "{} packed", 3; express = true);
/// # logging.flush(std::time::Duration::from_secs(5))?;
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoTracingHandler {
    dispatch: Dispatch,
    text: String,
}

/// Maximum number of values of an event in every version of `tracing`.
const VALUES: usize = 32;

/// Maximum number of keys that have a field of their own: all but the message and [`REST`].
const KEYS: usize = VALUES - 2;

/// The field for all other keys.
const REST: &str = "key_values";

/// The fields of events of new calls, once there are too many call sites.
const OTHER: &[&str] = &["message", REST, "target", "module_path", "file", "line"];

type AnyValue<'a> = Box<dyn field::Value + 'a>;

impl FemtoTracingHandler {
    /// Makes a handler that sends events to this dispatcher.
    pub fn new(dispatch: Dispatch) -> Self {
        Self { dispatch, text: String::new() }
    }
}

impl FemtoHandler for FemtoTracingHandler {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let (mut names, mut values, rest) = fields(record);
        names.extend((!rest.is_empty()).then_some(REST));
        let metadata = match EventSite::of(record, &names, &mut self.text) {
            Some(metadata) => {
                values.extend((!rest.is_empty()).then(|| Box::new(rest) as AnyValue<'_>));
                metadata
            }
            None => {
                let all = record.key_values().fold(String::new(), with_key);
                values.truncate(1);
                values.push(Box::new(all));
                values.push(Box::new(record.target()));
                values.push(Box::new(record.module_path()));
                values.push(Box::new(record.file()));
                values.push(Box::new(record.line()));
                EventSite::any(record.level(), OTHER)
            }
        };
        let fields: Vec<Field> = metadata.fields().iter().collect();
        if let Some(first) = fields.first() {
            let mut pairs: [(&Field, Option<&dyn field::Value>); VALUES] = [(first, None); VALUES];
            for ((pair, field), value) in pairs.iter_mut().zip(&fields).zip(&values) {
                *pair = (field, Some(&**value));
            }
            // Marks the thread, so that a layer of this crate in the same dispatcher ignores the event.
            FEEDING.set(true);
            if self.dispatch.enabled(metadata) {
                self.dispatch.event(&Event::new(metadata, &metadata.fields().value_set(&pairs)));
            }
            FEEDING.set(false);
        }
        Ok(())
    }
}

/// Returns the names and values of the fields, and the text of the keys beyond the maximum number of fields.
fn fields<'a>(record: &FemtoLogRecord<'a>) -> (Vec<&'a str>, Vec<AnyValue<'a>>, String) {
    let (mut names, mut rest) = (vec!["message"], String::new());
    let mut values: Vec<AnyValue<'a>> = vec![Box::new(field::display(record.message()))];
    let spans: Vec<_> = record.spans().map(|span| span.name()).collect();
    if !spans.is_empty() {
        names.push("span");
        values.push(Box::new(spans.join(":")));
    }
    for (key, value) in record.key_values() {
        match names.iter().position(|name| *name == key) {
            // The last value of a key counts. A key cannot replace the message and the spans.
            Some(at) if at > 0 && spans.is_empty() || at > 1 => values[at] = any(value),
            Some(_) => rest = with_key(rest, (key, value)),
            None if names.len() <= KEYS => {
                names.push(key);
                values.push(any(value));
            }
            None => rest = with_key(rest, (key, value)),
        }
    }
    (names, values, rest)
}

/// Converts a value to one of `tracing`. Types that `tracing` does not have become text.
fn any<'a>(value: Value<'a>) -> AnyValue<'a> {
    match value {
        Value::Bool(x) => Box::new(x),
        Value::I64(x) => Box::new(x),
        Value::U64(x) => Box::new(x),
        Value::I128(x) => Box::new(x),
        Value::U128(x) => Box::new(x),
        Value::F64(x) => Box::new(x),
        Value::F32(x) => Box::new(f64::from(x)),
        Value::Str(text) => Box::new(text),
        Value::Bytes(bytes) => Box::new(bytes),
        other => Box::new(field::display(other)),
    }
}

/// Appends ` key=value`.
fn with_key(mut text: String, (key, value): (&str, Value<'_>)) -> String {
    let _ = write!(text, "{}{key}={value}", if text.is_empty() { "" } else { " " });
    text
}

impl fmt::Debug for FemtoTracingHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoTracingHandler").finish_non_exhaustive()
    }
}
