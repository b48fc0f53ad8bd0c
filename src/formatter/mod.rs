//! Formatters: a record's text.

mod binary;
mod console;
#[cfg(all(feature = "journald", target_os = "linux"))]
mod journal;
mod json;
mod logfmt;
pub(crate) mod origin;
mod pairs;
mod pattern;
pub(crate) mod python;
mod stamp;
mod syslog;
mod text;

#[cfg(feature = "cbor")]
pub use binary::FemtoCborFormatter;
#[cfg(feature = "msgpack")]
pub use binary::FemtoMsgpackFormatter;
pub use binary::FemtoPickleFormatter;
pub use console::FemtoConsoleFormatter;
#[cfg(all(feature = "journald", target_os = "linux"))]
pub(crate) use journal::JournalFormatter;
pub use json::{FemtoJsonFormatter, JsonField, JsonSchema, JsonTime};
pub use logfmt::FemtoLogfmtFormatter;
#[cfg(feature = "http")]
pub(crate) use pairs::pairs;
pub use pattern::FemtoPatternFormatter;
pub use syslog::{FemtoSyslogFormatter, SyslogFacility};
pub use text::FemtoTextFormatter;

use crate::record::FemtoLogRecord;

/// Writes a record as text.
///
/// It runs on its handler's thread and appends to the handler's buffer; the handler adds the line's end.
///
/// Every `FnMut(&FemtoLogRecord, &mut Vec<u8>)` is a formatter.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoLogRecord, FemtoStreamHandler};
///
/// let handler = FemtoStreamHandler::stderr()
///     .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
///         out.extend_from_slice(b"> ");
///         record.write_message_escaped(out);
///     })
///     .build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub trait FemtoFormatter: Send {
    /// Appends the record's text to `out`, without the line's end.
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>);
}

impl<F: FnMut(&FemtoLogRecord<'_>, &mut Vec<u8>) + Send> FemtoFormatter for F {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        self(record, out);
    }
}
