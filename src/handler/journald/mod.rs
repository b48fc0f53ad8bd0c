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
/// | `TIMESTAMP` | when the record was logged, RFC 3339 with nine fractional digits, in UTC; the journal's own times are those of arrival |
/// | `CODE_FILE`, `CODE_LINE`, `CODE_MODULE` | the call's source file, line and module |
/// | `SYSLOG_IDENTIFIER` | [`identifier`](HandlerBuilder::identifier) |
/// | keys | their values as text; of a key that comes twice, the last one |
///
/// The journal allows `A`–`Z`, `0`–`9` and `_` in names, 64 of them at most: keys are upper-cased, other characters
/// become `_`, and `F_` stands before a name that does not begin with a letter. A key that has the name of a field
/// above gets a `_` at its end.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`identifier`](HandlerBuilder::identifier) | the program's file name | what `journalctl -t` selects by |
/// | [`field`](HandlerBuilder::field) | none | a field that is the same in every entry |
/// | [`retry_buffer`](HandlerBuilder::retry_buffer) | 100,000 records, 8 MiB | what is kept while the journal is down |
/// | [`socket`](HandlerBuilder::socket) | `/run/systemd/journal/socket` | where the journal listens |
/// | the rest | see [`HandlerBuilder`] | |
///
/// An entry that is too large for a datagram travels in a sealed memory file, whose descriptor is passed to the
/// journal.
///
/// # What is lost, and when
///
/// * **The journal is down:** records are kept and sent in order once it is back. When the retry buffer is full, the
///   oldest are given up, counted as failed, and reported.
/// * **The journal is slow:** the handler's thread waits for it, up to 5 s at a time.
/// * **The journal limits its rate** (`RateLimitBurst` in journald.conf): what it throws away counts as written; it
///   says so itself.
/// * **The process is killed:** what was in the queue or kept for a retry.
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
    /// Starts a handler.
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
    /// Sets the name of the program, as `SYSLOG_IDENTIFIER`.
    pub fn identifier(mut self, identifier: impl Into<String>) -> Self {
        self.options.identifier = Some(identifier.into());
        self
    }

    /// Adds a field that is the same in every entry. Its name is changed as that of a key.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.fields.push((name.into(), value.into()));
        self
    }

    /// Sets how much is kept while the journal is down: at most this many records and this many bytes.
    pub fn retry_buffer(mut self, records: usize, bytes: usize) -> Self {
        self.options.net.keep(records, bytes);
        self
    }

    /// Sets the path of the socket that the journal listens on.
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
        let (JournaldOptions { socket, identifier, fields, net }, settings) = self.into_parts();
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
