//! A handler that sends records to systemd's journal.

mod link;

use std::path::{Path, PathBuf};

use super::net::{Connection, NetOptions};
use super::{Batch, Delivery, FemtoHandler, HandlerBuilder, HandlerSpec};
use crate::error::{Error, Problem};
use crate::formatter::{FemtoFormatter, JournalFormatter};
use crate::record::FemtoLogRecord;
use crate::time::Timestamp;
use link::JournalDialer;

/// Sends records to systemd's journal, by its [native protocol](https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): every key
/// is a field of its own, and messages of several lines and of any size arrive whole. Linux only, with the feature
/// `journald`.
///
/// | field | what it is |
/// |---|---|
/// | `MESSAGE` | the message, as it is |
/// | `PRIORITY` | 2 for `Critical`, 3 `Error`, 4 `Warn`, 6 `Info`, 7 `Debug` and `Trace` |
/// | `LEVEL`, `LOGGER`, `THREAD_NAME` | the level's, the logger's and the thread's name |
/// | `TIMESTAMP` | the time of the record: RFC 3339, in UTC, with nine fractional digits |
/// | `CODE_FILE`, `CODE_LINE`, `CODE_FUNC`, `CODE_MODULE` | the call's source file, line, function and module |
/// | `SYSLOG_IDENTIFIER` | [`identifier`](HandlerBuilder::identifier) |
/// | keys | their values as text; if a key occurs several times, the last value |
///
/// The journal's own timestamps are those of arrival. It allows `A`–`Z`, `0`–`9` and `_` in names of at most 64
/// characters: keys are converted to upper case, other characters to `_`, and `F_` is put before a name that does not
/// begin with a letter. A `_` is added to a key that has the name of a field above.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`identifier`](HandlerBuilder::identifier) | the program's file name | the name that `journalctl -t` selects |
/// | [`field`](HandlerBuilder::field) | none | a field that is the same in every entry |
/// | [`retry_buffer`](HandlerBuilder::retry_buffer) | 100,000 records, 8 MiB | maximum kept while the journal is down |
/// | [`socket`](HandlerBuilder::socket) | `/run/systemd/journal/socket` | the socket on which the journal listens |
/// | the rest | see [`HandlerBuilder`] | |
///
/// An entry that is too large for a datagram is sent as a sealed memory file (`memfd_create(2)`), whose descriptor is
/// passed to the journal.
///
/// # What is lost, and when
///
/// * **The journal is down:** records are kept, and sent in order once it is up again. When the retry buffer is full,
///   the oldest are given up, counted as failed, and reported.
/// * **The journal is slow:** the handler's thread waits for it, up to 5 s at a time.
/// * **The journal limits the rate** (`RateLimitBurst` in journald.conf): entries that it discards count as written. It
///   logs their number itself.
/// * **The process is killed:** records in the queue and in the retry buffer are lost.
///
/// # Examples
///
/// ```no_run
/// use femtologging::handler::FemtoJournaldHandler;
/// use femtologging::Config;
///
/// let version = env!("CARGO_PKG_VERSION");
/// let journal = FemtoJournaldHandler::builder().identifier("shop").field("SHOP_VERSION", version).build()?;
/// let logging = Config::builder().add_handler("journal", journal).build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct FemtoJournaldHandler {
    formatter: JournalFormatter,
    connection: Connection<JournalDialer>,
}

/// The options of a [`FemtoJournaldHandler`].
pub struct JournaldOptions {
    socket: PathBuf,
    identifier: Option<String>,
    fields: Vec<(String, String)>,
    net: NetOptions,
}

impl FemtoJournaldHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<JournaldOptions> {
        HandlerBuilder::new(JournaldOptions {
            socket: "/run/systemd/journal/socket".into(),
            identifier: None,
            fields: Vec::new(),
            net: NetOptions::default(),
        })
    }
}

impl HandlerBuilder<JournaldOptions> {
    /// Sets the name of the program, the field `SYSLOG_IDENTIFIER`; the program's file name by default.
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.options.identifier = Some(identifier.into());
        self
    }

    /// Adds a field that is the same in every entry. Its name is converted like that of a key. None by default.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.fields.push((name.into(), value.into()));
        self
    }

    /// Sets the maximum numbers of records and of bytes that are kept while the journal is down; 100,000 records and
    /// 8 MiB by default.
    pub fn retry_buffer(mut self, records: usize, bytes: usize) -> Self {
        self.options.net.keep(records, bytes);
        self
    }

    /// Sets the path of the socket on which the journal listens; `/run/systemd/journal/socket` by default.
    pub fn socket(mut self, path: impl AsRef<Path>) -> Self {
        self.options.socket = path.as_ref().to_owned();
        self
    }

    /// Makes the handler. It connects with the first record.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (JournaldOptions { socket, identifier, fields, net }, mut settings) = self.into_parts();
        settings.need_thread("FemtoJournaldHandler");
        let mut problems = Vec::new();
        if socket.as_os_str().is_empty() {
            problems.push(Problem::new(
                "socket",
                "\"\"",
                "give the path of the journal's socket, or leave the default",
            ));
        }
        Self::finish(settings, problems, || {
            let formatter = JournalFormatter::new(identifier.as_deref(), &fields);
            let peer = format!("the journal at {}", socket.display());
            Ok(Box::new(FemtoJournaldHandler { formatter, connection: net.connection_by(peer, JournalDialer(socket)) }))
        })
    }
}

impl FemtoHandler for FemtoJournaldHandler {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|out| self.formatter.format(record, out));
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, now: Timestamp) -> Result<Delivery, Error> {
        Ok(self.connection.send(batch, now))
    }
}
