//! The settings of handlers.
//!
//! Rows that several handlers have in common are functions or macros, and a handler's table is their concatenation:
//!
//! | rows | handlers |
//! |---|---|
//! | `common` | all |
//! | `line` | those that write the text of a formatter |
//! | `file`, `rotating` | those that write files; those whose files roll over |
//! | `net`, `tls_rows`, `retry_rows`, `backoff_rows` | those that connect to a peer |
//!
//! They are macros where the builders have methods of the same name but no trait in common; a trait would only exist
//! for this file.
//!
//! A setting that belongs to a Cargo feature which this build does not have keeps its row. Its call returns an error
//! that names the feature, so a document for another build fails with a remedy instead of "no such setting".

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use super::super::setting::Setting;
use super::super::table::{Decoded, Maker, PartType, Row, SettingInfo, apply_rows, settings, with_formatter};
use super::super::types::{
    Count, FilterName, FormatterName, HandlerName, OptionalLevel, Percent, Permissions, Routes, Size, TimeOfDay, Whole,
    choices,
};
#[cfg(not(feature = "local-time"))]
use super::formatters::no_zone;
use super::formatters::zone;
use crate::error::{Error, Problem};
use crate::handler::{
    Endpoint, FallbackOptions, FemtoFallbackHandler, FemtoFileHandler, FemtoFlightRecorder, FemtoHandler,
    FemtoHandlerExt, FemtoMemoryHandler, FemtoNullHandler, FemtoRotatingFileHandler, FemtoRouteHandler,
    FemtoSocketHandler, FemtoStreamHandler, FemtoSyslogHandler, FemtoTimedRotatingFileHandler, FemtoWatchedFileHandler,
    FileOptions, FlightRecorderOptions, Framing, HandlerBuilder, HandlerSpec, Line, MemoryOptions, NetOptions,
    RotatingFileOptions, RouteOptions, SocketOptions, StandardStream, StreamOptions, SyslogOptions, When,
};
use crate::level::{Level, LevelFilter};
use crate::policy::{ErrorPolicy, FlushPolicy, Governor, IdlePolicy, OnRemoval, OverflowPolicy, Reserve, Transport};

#[derive(Clone, Copy, PartialEq)]
enum TransportKind {
    PerThread,
    Shared,
    Inline,
}

#[derive(Clone, Copy)]
enum OverflowKind {
    Block,
    BlockFor,
    DropNewest,
    DropOldest,
}

#[derive(Clone, Copy)]
enum FlushKind {
    EveryBatch,
    AtLevel,
    Every,
}

choices! {
    TransportName: TransportKind {
        "per_thread" => TransportKind::PerThread,
        "shared" => TransportKind::Shared,
        "inline" => TransportKind::Inline,
    }
    OverflowName: OverflowKind {
        "block" => OverflowKind::Block,
        "block_for" => OverflowKind::BlockFor,
        "drop_newest" => OverflowKind::DropNewest,
        "drop_oldest" => OverflowKind::DropOldest,
    }
    FlushName: FlushKind {
        "every_batch" => FlushKind::EveryBatch,
        "at_level" => FlushKind::AtLevel,
        "every" => FlushKind::Every,
    }
    /// Whether records that failed are tried again.
    RetryName: bool {
        "report" => false,
        "retry" => true,
    }
    OnRemovalName: OnRemoval {
        "reopen" => OnRemoval::Reopen,
        "fail" => OnRemoval::Fail,
    }
    FramingName: Framing {
        "length_prefix" => Framing::LengthPrefix,
        "newline" => Framing::Newline,
        "octet_counting" => Framing::OctetCounting,
        "none" => Framing::None,
    }
    /// Whether a stream is standard output.
    StreamName: bool {
        "stderr" => false,
        "stdout" => true,
    }
}

/// Makes the error of a setting that contradicts another one, or that another one requires.
///
/// A setting that would have no effect is an error and not ignored: `overflow.timeout` beside `overflow = "block"` is a
/// mistake about what the handler will do.
fn unused(field: &str, remedy: &str) -> Error {
    Error::config(vec![Problem::new(field, "", remedy)])
}

/// The settings that all handlers have.
///
/// ```text
/// [handlers.audit]
/// type = "null"
/// level = "warn"
/// filters = ["secrets", "limit"]
/// transport = { type = "shared", capacity = 10_000 }
/// overflow = { type = "block_for", timeout = "5 ms" }
/// idle.longest_sleep = "1 s"
/// ```
///
/// The groups have no call for each setting, since a policy such as [`OverflowPolicy::BlockFor`] is one value that is
/// made of several settings.
fn common<O: 'static>() -> Vec<Row<HandlerBuilder<O>>> {
    settings! { for HandlerBuilder<O>;
        "level": OptionalLevel = "trace", "the minimum level", python "level"
            => (b, v) b.level(v.0.unwrap_or(LevelFilter::Trace));
        "filters": Vec<FilterName> = "", "filters, called in this order on the handler's thread", python "filters"
            => (b, v, maker) {
                let mut builder = b;
                for name in v {
                    builder = builder.filter(maker.filter(&name.0)?);
                }
                builder
            };
        "transport.type": TransportName = "per_thread", "how records reach the handler: by a ring for each thread that logs, by one channel, or `inline` on the caller's thread";
        "transport.bytes": Size = "256 KiB", "the size of each ring, for `per_thread`";
        "transport.capacity": Whole<1, 16_777_216> = none, "the maximum number of records in the channel, for `shared`; by default what the memory of queues allows";
        group "transport" (b, s) transport(s).map(|transport| b.transport(transport));
        "overflow.type": OverflowName = "block", "what happens to records when the queue is full";
        "overflow.timeout": Duration = none, "how long `block_for` waits before it drops the record";
        group "overflow" (b, s) overflow(s).map(|overflow| b.overflow(overflow));
        "reserve.share": Percent<50> = "10 %", "the part of the queue that only severe records may take, where `overflow` drops records";
        "reserve.from": Level = "warn", "the lowest level of severe records";
        group "reserve" (b, s) reserve(s).map(|reserve| b.reserve(reserve));
        "governor.enabled": bool = none, "whether the handler's level is raised while its queue is nearly full; by default, if a setting of the group is given";
        "governor.raise_above": Percent = "75 %", "how full the queue has to be for a raise";
        "governor.raise_after": Duration = "1 s", "for how long";
        "governor.lower_below": Percent = "25 %", "how empty the queue has to be for the way back";
        "governor.lower_after": Duration = "10 s", "for how long";
        "governor.up_to": Level = "warn", "the highest level that the handler's is raised to";
        group "governor" (b, s) governor(s).map(|governor| match governor {
            Some(governor) => b.governor(governor),
            None => b,
        });
        "idle.spin": Duration = "2 us", "how long the thread polls without sleeping";
        "idle.first_sleep": Duration = "50 us", "the duration of the first sleep";
        "idle.longest_sleep": Duration = "100 ms", "the maximum duration of a sleep";
        group "idle" (b, s) idle(s).map(|idle| b.idle(idle));
        "wake_level": LevelFilter = "off", "records of this level and above wake the thread at once" => (b, v) b.wake_level(v);
        "exit_timeout": Duration = none, "how long an exit of the process waits for this handler; by default as long as for all" => (b, v) b.exit_timeout(v);
        "on_error.type": RetryName = "report", "what happens to records that cannot be delivered: they count as failed, or are tried again";
        "on_error.bytes": Size = none, "the maximum memory of the records that `retry` keeps";
        group "on_error" (b, s) on_error(s).map(|policy| b.on_error(policy));
    }
}

/// Reads the group `transport`.
///
/// | document | transport |
/// |---|---|
/// | `transport.bytes = "1 MiB"` | `PerThread { bytes: 1_048_576 }` |
/// | `transport = "shared"` | `Shared { capacity: None }` |
/// | `transport = { type = "shared", capacity = 100 }` | `Shared { capacity: Some(100) }` |
/// | `transport = "inline"` | `Inline` |
/// | `transport.capacity = 100` | an error: the type is `per_thread`, which has `bytes` |
fn transport(s: &Decoded<'_>) -> Result<Transport, Error> {
    let capacity = s.get::<Whole<1, 16_777_216>>("transport.capacity");
    let kind = s.or_default::<TransportName>("transport.type")?.value;
    if capacity.is_some() && kind != TransportKind::Shared {
        return Err(unused("transport.capacity", "this is for `type = \"shared\"`; rings have `bytes`"));
    }
    if s.get::<Size>("transport.bytes").is_some() && kind != TransportKind::PerThread {
        return Err(unused("transport.bytes", "this is for `type = \"per_thread\"`; a channel has `capacity`"));
    }
    Ok(match kind {
        TransportKind::PerThread => Transport::PerThread { bytes: s.or_default::<Size>("transport.bytes")?.bytes() },
        TransportKind::Shared => Transport::Shared { capacity: capacity.map(Whole::size) },
        TransportKind::Inline => Transport::Inline,
    })
}

/// Reads the group `overflow`. Only `block_for` has a timeout, and it must have one.
fn overflow(s: &Decoded<'_>) -> Result<OverflowPolicy, Error> {
    let timeout = s.get::<Duration>("overflow.timeout");
    Ok(match (s.or_default::<OverflowName>("overflow.type")?.value, timeout) {
        (OverflowKind::BlockFor, Some(timeout)) => OverflowPolicy::BlockFor(timeout),
        (OverflowKind::BlockFor, None) => {
            return Err(unused("overflow.timeout", "`block_for` needs a `timeout`, such as \"5 ms\""));
        }
        (_, Some(_)) => return Err(unused("overflow.timeout", "only `type = \"block_for\"` has a timeout")),
        (OverflowKind::Block, None) => OverflowPolicy::Block,
        (OverflowKind::DropNewest, None) => OverflowPolicy::DropNewest,
        (OverflowKind::DropOldest, None) => OverflowPolicy::DropOldest,
    })
}

/// Reads the group `reserve`.
fn reserve(s: &Decoded<'_>) -> Result<Reserve, Error> {
    Ok(Reserve { share: s.or_default::<Percent<50>>("reserve.share")?.0, from: s.or_default("reserve.from")? })
}

/// Reads the group `governor`; `None` if it is not enabled.
fn governor(s: &Decoded<'_>) -> Result<Option<Governor>, Error> {
    let governor = Governor {
        raise_above: s.or_default::<Percent>("governor.raise_above")?.0,
        raise_after: s.or_default("governor.raise_after")?,
        lower_below: s.or_default::<Percent>("governor.lower_below")?.0,
        lower_after: s.or_default("governor.lower_after")?,
        up_to: s.or_default("governor.up_to")?,
    };
    Ok(s.get::<bool>("governor.enabled").unwrap_or(true).then_some(governor))
}

/// Reads the group `idle`. Durations that are not given have the defaults of their rows.
fn idle(s: &Decoded<'_>) -> Result<IdlePolicy, Error> {
    Ok(IdlePolicy {
        spin: s.or_default("idle.spin")?,
        first_sleep: s.or_default("idle.first_sleep")?,
        longest_sleep: s.or_default("idle.longest_sleep")?,
    })
}

/// Reads the group `on_error`. A handler that retries keeps records in memory, so its document says how much.
fn on_error(s: &Decoded<'_>) -> Result<ErrorPolicy, Error> {
    match (s.or_default::<RetryName>("on_error.type")?.value, s.get::<Size>("on_error.bytes")) {
        (true, Some(bytes)) => Ok(ErrorPolicy::Retry { bytes: bytes.bytes() }),
        (true, None) => {
            Err(unused("on_error.bytes", "`retry` needs `bytes`, the memory for the records that it keeps"))
        }
        (false, None) => Ok(ErrorPolicy::Report),
        (false, Some(_)) => Err(unused("on_error.bytes", "only `type = \"retry\"` keeps records")),
    }
}

/// The settings of handlers that write lines.
fn line<O: AsMut<Line> + 'static>() -> Vec<Row<HandlerBuilder<O>>> {
    settings! { for HandlerBuilder<O>;
        "formatter": FormatterName = "text", "the formatter: a name in `formatters`, or a type", python "formatter"
            => (b, v, maker) with_formatter!(maker.formatter(&v.0)?, formatter => b.formatter(formatter));
        "terminator": String = "\n", "what ends each record's text" => (b, v) b.terminator(v);
    }
}

/// The settings of all handlers of files.
fn file<O: AsMut<FileOptions> + AsMut<Line> + 'static>() -> Vec<Row<HandlerBuilder<O>>> {
    settings! { for HandlerBuilder<O>;
        "path": PathBuf = required, "the file", python "filename" => (b, v) b.path(v);
        "truncate": bool = "false", "whether the file is truncated when it is first opened" => (b, v) b.truncate(v);
        "create_dirs": bool = "false", "whether missing directories are created" => (b, v) b.create_dirs(v);
        "delay": bool = "false", "whether the file is opened only when the first record comes", python "delay"
            => (b, v) b.delay(v);
        "permissions": Permissions = none, "the permission bits of a file that is created (Unix); by default 666 less the umask"
            => (b, v) b.permissions(v.0);
        "flush_policy.type": FlushName = "every_batch", "when text is written to the file";
        "flush_policy.level": Level = none, "the level whose records cause a write, for `at_level`";
        "flush_policy.interval": Duration = none, "the time between two writes, for `every`";
        group "flush_policy" (b, s) flush_policy(s).map(|policy| b.flush_policy(policy));
        "fsync": bool = "false", "whether every write waits until the disk has the data" => (b, v) b.fsync(v);
    }
}

/// Reads the group `flush_policy`.
///
/// | document | policy |
/// |---|---|
/// | `flush_policy = "every_batch"` | `EveryBatch` |
/// | `flush_policy = { type = "at_level", level = "error" }` | `AtLevel(Level::Error)` |
/// | `flush_policy = { type = "every", interval = "1 s" }` | `Every(1 s)` |
fn flush_policy(s: &Decoded<'_>) -> Result<FlushPolicy, Error> {
    let (level, interval) = (s.get::<Level>("flush_policy.level"), s.get::<Duration>("flush_policy.interval"));
    match (s.or_default::<FlushName>("flush_policy.type")?.value, level, interval) {
        (FlushKind::EveryBatch, None, None) => Ok(FlushPolicy::EveryBatch),
        (FlushKind::AtLevel, Some(level), None) => Ok(FlushPolicy::AtLevel(level)),
        (FlushKind::Every, None, Some(interval)) => Ok(FlushPolicy::Every(interval)),
        (FlushKind::AtLevel, None, _) => Err(unused("flush_policy.level", "`at_level` needs a `level`")),
        (FlushKind::Every, _, None) => Err(unused("flush_policy.interval", "`every` needs an `interval`")),
        (_, Some(_), _) => Err(unused("flush_policy.level", "only `type = \"at_level\"` has a level")),
        _ => Err(unused("flush_policy.interval", "only `type = \"every\"` has an interval")),
    }
}

/// The settings of files that roll over, by size and by time.
///
/// Both types have all of them, as a file may roll over by whichever comes first. They differ in `when`, without which
/// `rotating_file` does not roll over by time and `timed_rotating_file` does every hour.
///
/// ```text
/// [handlers.file]
/// type = "timed_rotating_file"
/// path = "/var/log/shop/app.log"
/// when = "midnight"
/// max_bytes = "1 GiB"          # or before midnight
/// backup_count = 14
/// compress = true
/// ```
fn rotating() -> Vec<Row<HandlerBuilder<RotatingFileOptions>>> {
    settings! { for HandlerBuilder<RotatingFileOptions>;
        "max_bytes": Size = "0 B", "the length that the file stays below; 0 for no limit", python "maxBytes"
            => (b, v) b.max_bytes(v.0);
        "backup_count": Count = "0", "how many backups are kept; 0 for all", python "backupCount"
            => (b, v) b.backup_count(v.small());
        "max_age": Duration = none, "how long backups are kept; by default forever" => (b, v) b.max_age(v);
        "max_total_bytes": Size = none, "how many bytes of backups are kept; by default all" => (b, v) b.max_total_bytes(v.0);
        "when": When = none, "the unit of time after which the file rolls over", python "when" => (b, v) b.when(v);
        "interval": Count = "1", "how many units of time a file is for", python "interval" => (b, v) b.interval(v.small());
        "at_time": TimeOfDay = none, "the time of the day of rollovers; by default midnight", python "atTime"
            => (b, v) b.at_time(v.0, v.1, v.2);
        "aligned": bool = "false", "whether units are counted on the clock, not from the last rollover" => (b, v) b.aligned(v);
        "time_zone": String = "UTC", "the zone of rollovers and of the names of backups: `UTC`, `local`, or a name of the IANA database (feature `local-time`)"
            => (b, v) zone!(b, v);
        "namer": String = none, "what backups are called, as a pattern such as `app.%Y-%m-%d.log`; by default as CPython calls them"
            => (b, v) b.namer(v);
        "compress": bool = "false", "whether backups are compressed (feature `gzip`)" => (b, v) compress(b, v);
        "current_link": PathBuf = none, "a symbolic link to the file" => (b, v) b.current_link(v);
    }
}

#[cfg(feature = "gzip")]
fn compress(builder: HandlerBuilder<RotatingFileOptions>, compress: bool) -> HandlerBuilder<RotatingFileOptions> {
    builder.compress(compress)
}

#[cfg(not(feature = "gzip"))]
fn compress(
    builder: HandlerBuilder<RotatingFileOptions>,
    compress: bool,
) -> Result<HandlerBuilder<RotatingFileOptions>, Error> {
    if compress { Err(unused("compress", "compression needs the Cargo feature `gzip`")) } else { Ok(builder) }
}

/// The rows of the group `tls`, for a builder whose method `tls` takes them.
macro_rules! tls_rows {
    ($rows:ident, $builder:ty) => {
        let mut more = settings! { for $builder;
            "tls.enabled": bool = "true", "whether the connection is encrypted; any other setting of the group turns it on";
            "tls.ca_file": PathBuf = none, "the certificates of the authorities that are trusted, in PEM; by default the system's";
            "tls.client_certificate": PathBuf = none, "the file of the client's certificate and its chain, in PEM";
            "tls.client_key": PathBuf = none, "the file of the certificate's key, in PEM";
            "tls.server_name": String = none, "the name that the server's certificate must be for; by default the host";
            "tls.danger_accept_any_certificate": bool = "false", "accepts any certificate: for experiments only";
            group "tls" (b, s) tls_apply!(b, s);
        };
        $rows.append(&mut more);
    };
}

#[cfg(feature = "tls")]
macro_rules! tls_apply {
    ($b:ident, $s:ident) => {
        tls($s).map(|tls| match tls {
            Some(tls) => $b.tls(tls),
            None => $b,
        })
    };
}

#[cfg(not(feature = "tls"))]
macro_rules! tls_apply {
    ($b:ident, $s:ident) => {
        match $s.or_default::<bool>("tls.enabled") {
            Ok(false) => Ok($b),
            _ => Err(unused("tls", "encrypted connections need the Cargo feature `tls`")),
        }
    };
}

/// Reads the group `tls`; `None` if it has `enabled = false`.
///
/// A variable can so switch the encryption off for a test, and leave the rest of the document as it is:
/// `FEMTO_LOG__HANDLERS__NET__TLS__ENABLED=false`.
#[cfg(feature = "tls")]
fn tls(s: &Decoded<'_>) -> Result<Option<crate::handler::Tls>, Error> {
    if !s.or_default::<bool>("tls.enabled")? {
        return Ok(None);
    }
    let mut tls = crate::handler::Tls::new();
    if let Some(path) = s.get::<PathBuf>("tls.ca_file") {
        tls = tls.ca_file(path);
    }
    match (s.get::<PathBuf>("tls.client_certificate"), s.get::<PathBuf>("tls.client_key")) {
        (Some(certificate), Some(key)) => tls = tls.client_certificate_files(certificate, key),
        (None, None) => {}
        (Some(_), None) => return Err(unused("tls.client_key", "a client's certificate needs its key")),
        (None, Some(_)) => return Err(unused("tls.client_certificate", "a key needs its certificate")),
    }
    if let Some(name) = s.get::<String>("tls.server_name") {
        tls = tls.server_name(name);
    }
    if s.or_default::<bool>("tls.danger_accept_any_certificate")? {
        tls = tls.danger_accept_any_certificate();
    }
    Ok(Some(tls))
}

/// The settings of everything that is kept while a peer is away. They have the same names everywhere, but belong to
/// builders that have no trait in common.
macro_rules! retry_rows {
    ($rows:ident, $builder:ty) => {
        let mut more = settings! { for $builder;
            "retry_buffer.records": Whole<1, { u32::MAX as u64 }> = "100000", "the maximum number of records that are kept while the peer is away";
            "retry_buffer.bytes": Size = "8 MiB", "the maximum memory of the records that are kept";
            group "retry_buffer" (b, s) retry_buffer(s).map(|(records, bytes)| b.retry_buffer(records, bytes));
        };
        $rows.append(&mut more);
    };
}

/// The delays between attempts.
macro_rules! backoff_rows {
    ($rows:ident, $builder:ty) => {
        let mut more = settings! { for $builder;
            "backoff.first": Duration = "100 ms", "the first delay between attempts; it doubles from one to the next";
            "backoff.longest": Duration = "30 s", "the maximum delay between attempts";
            group "backoff" (b, s) backoff(s).map(|delays| b.backoff(delays));
        };
        $rows.append(&mut more);
    };
}

fn retry_buffer(s: &Decoded<'_>) -> Result<(usize, usize), Error> {
    let records = s.or_default::<Whole<1, { u32::MAX as u64 }>>("retry_buffer.records")?;
    Ok((records.size(), s.or_default::<Size>("retry_buffer.bytes")?.bytes()))
}

fn backoff(s: &Decoded<'_>) -> Result<std::ops::RangeInclusive<Duration>, Error> {
    Ok(s.or_default("backoff.first")?..=s.or_default("backoff.longest")?)
}

/// The settings of handlers that keep a connection.
fn net<O: AsMut<NetOptions> + 'static>() -> Vec<Row<HandlerBuilder<O>>> {
    let mut rows = settings! { for HandlerBuilder<O>;
        "framing": FramingName = none, "how messages are told apart; by default a line feed on streams, and nothing in datagrams"
            => (b, v) b.framing(v.value);
        "connect_timeout": Duration = "5 s", "the maximum time of an attempt to connect" => (b, v) b.connect_timeout(v);
        "write_timeout": Duration = "5 s", "how long a peer may accept nothing before the connection is closed"
            => (b, v) b.write_timeout(v);
    };
    retry_rows!(rows, HandlerBuilder<O>);
    backoff_rows!(rows, HandlerBuilder<O>);
    tls_rows!(rows, HandlerBuilder<O>);
    rows
}

/// Puts tables together.
///
/// The order is that of the reference page: a type's own settings come before those that it shares with others.
fn all<B, const N: usize>(tables: [Vec<Row<B>>; N]) -> Vec<Row<B>> {
    tables.into_iter().flatten().collect()
}

/// The names of two handlers that are inside another one.
macro_rules! inner {
    ($decoded:ident, $maker:ident, $name:literal) => {
        $maker.handler(&$decoded.or_default::<HandlerName>($name)?.0)?
    };
}

/// All types of handlers.
pub(in super::super) fn types() -> Vec<PartType<HandlerSpec>> {
    #[allow(unused_mut, reason = "some features add types")]
    let mut types = Vec::from([
        PartType::new(
            "stream",
            "standard error or standard output",
            all([
                settings! { for HandlerBuilder<StreamOptions<StandardStream>>;
                    "stream": StreamName = "stderr", "the stream", python "stream";
                },
                line(),
                common(),
            ]),
            |s, _| {
                let is_stdout = s.or_default::<StreamName>("stream")?.value;
                Ok(if is_stdout { FemtoStreamHandler::stdout() } else { FemtoStreamHandler::stderr() })
            },
            |builder| builder.build(),
        )
        .classes(&["logging.StreamHandler"]),
        PartType::new(
            "file",
            "a file",
            all([
                file(),
                settings! { for HandlerBuilder<FileOptions>;
                    "on_removal": OnRemovalName = "reopen", "what happens when the file is removed (Unix)"
                        => (b, v) b.on_removal(v.value);
                },
                line(),
                common(),
            ]),
            |_, _| Ok(FemtoFileHandler::builder()),
            |builder| builder.build(),
        )
        .classes(&["logging.FileHandler"]),
        PartType::new(
            "rotating_file",
            "a file that becomes a backup when it is full",
            all([file(), rotating(), line(), common()]),
            |_, _| Ok(FemtoRotatingFileHandler::builder()),
            |builder| builder.build(),
        )
        .classes(&["logging.handlers.RotatingFileHandler"]),
        PartType::new(
            "timed_rotating_file",
            "a file that becomes a backup when its time has come; by default after an hour",
            all([file(), rotating(), line(), common()]),
            |_, _| Ok(FemtoTimedRotatingFileHandler::builder()),
            |builder| builder.build(),
        )
        .classes(&["logging.handlers.TimedRotatingFileHandler"]),
        PartType::new(
            "watched_file",
            "a file that other programs, such as logrotate, rename",
            all([file(), line(), common()]),
            |_, _| Ok(FemtoWatchedFileHandler::builder()),
            |builder| builder.build(),
        )
        .classes(&["logging.handlers.WatchedFileHandler"]),
        PartType::new(
            "socket",
            "a peer, by TCP, TLS, UDP or a Unix socket",
            all([
                settings! { for HandlerBuilder<SocketOptions>;
                    "endpoint": Endpoint = required, "where to send to: `tcp://host:port`, `udp://host:port`, `unix:/path`, `unixgram:/path`"
                        => (b, v) b.endpoint(v);
                    "formatter": FormatterName = "json", "the formatter: a name in `formatters`, or a type", python "formatter"
                        => (b, v, maker) with_formatter!(maker.formatter(&v.0)?, formatter => b.formatter(formatter));
                },
                net(),
                common(),
            ]),
            |_, _| Ok(FemtoSocketHandler::builder()),
            |builder| builder.build(),
        )
        .classes(&["logging.handlers.SocketHandler", "logging.handlers.DatagramHandler"]),
        PartType::new(
            "syslog",
            "syslog: the machine's own, or a server by UDP, TCP or TLS",
            all([
                settings! { for HandlerBuilder<SyslogOptions>;
                    "endpoint": Endpoint = none, "where to send to; by default the machine's own syslog" => (b, v) b.endpoint(v);
                    "formatter": FormatterName = none, "a formatter of the type `syslog`; by default RFC 5424, and RFC 3164 for Unix sockets", python "formatter"
                        => (b, v, maker) match maker.formatter(&v.0)? {
                            super::super::table::MadeFormatter::Syslog(formatter) => Ok(b.formatter(*formatter)),
                            _ => Err(unused("formatter", "this handler takes a formatter of the type `syslog`, whose setting `message` takes others")),
                        };
                },
                net(),
                common(),
            ]),
            |_, _| Ok(FemtoSyslogHandler::builder()),
            |builder| builder.build(),
        )
        .classes(&["logging.handlers.SysLogHandler"]),
        PartType::new(
            "memory",
            "another handler, in large batches",
            all([
                settings! { for HandlerBuilder<MemoryOptions>;
                    "target": HandlerName = required, "the other handler", python "target";
                    "capacity": Whole<1, 1_000_000> = "1000", "the number of records that are kept", python "capacity"
                        => (b, v) b.capacity(v.size());
                    "bytes": Size<4096> = "8 MiB", "the maximum memory of the records that are kept" => (b, v) b.bytes(v.bytes());
                    "flush_level": LevelFilter = "error", "a record of this level or above passes all on", python "flushLevel"
                        => (b, v) b.flush_level(v);
                    "flush_on_close": bool = "true", "whether what is kept is passed on at the end", python "flushOnClose"
                        => (b, v) b.flush_on_close(v);
                },
                common(),
            ]),
            |s, maker| Ok(FemtoMemoryHandler::builder(inner!(s, maker, "target"))),
            |builder| builder.build(),
        )
        .classes(&["logging.handlers.MemoryHandler"]),
        PartType::new(
            "flight_recorder",
            "another handler, which gets the last records before an error",
            all([
                settings! { for HandlerBuilder<FlightRecorderOptions>;
                    "target": HandlerName = required, "the other handler";
                    "records": Whole<1, 10_000_000> = "1000", "the number of records that are kept" => (b, v) b.records(v.size());
                    "bytes": Size<4096> = "1 MiB", "the maximum memory of the records that are kept" => (b, v) b.bytes(v.bytes());
                    "trigger": LevelFilter = "error", "a record of this level or above passes all on" => (b, v) b.trigger(v);
                },
                common(),
            ]),
            |s, maker| Ok(FemtoFlightRecorder::builder(inner!(s, maker, "target"))),
            |builder| builder.build(),
        ),
        PartType::new(
            "route",
            "one of several handlers, the first whose filter lets the record pass",
            all([
                settings! { for HandlerBuilder<RouteOptions>;
                    "routes": Routes = required, "the filters and their handlers";
                    "otherwise": HandlerName = none, "the handler of all other records; by default they go nowhere";
                },
                common(),
            ]),
            |s, maker| {
                let mut builder = FemtoRouteHandler::builder();
                for (filter, handler) in s.or_default::<Routes>("routes")?.0 {
                    builder = builder.route(maker.filter(&filter)?, maker.handler(&handler)?);
                }
                if let Some(name) = s.get::<HandlerName>("otherwise") {
                    builder = builder.otherwise(maker.handler(&name.0)?);
                }
                Ok(builder)
            },
            |builder| builder.build(),
        ),
        PartType::new(
            "fallback",
            "a second handler, where the first one fails",
            all([
                settings! { for HandlerBuilder<FallbackOptions>;
                    "first": HandlerName = required, "the handler that gets all records";
                    "second": HandlerName = required, "the handler that gets what the first one could not deliver";
                    "patience": Duration = "10 s", "how long the first handler may deliver nothing" => (b, v) b.patience(v);
                    "bytes": Size<4096> = "32 MiB", "the maximum memory of the records that the first handler has not delivered"
                        => (b, v) b.bytes(v.bytes());
                },
                common(),
            ]),
            |s, maker| {
                let (first, second) = (inner!(s, maker, "first"), inner!(s, maker, "second"));
                Ok(FemtoFallbackHandler::builder(first, second))
            },
            |builder| builder.build(),
        ),
        PartType::new(
            "null",
            "nowhere",
            common(),
            |_, _| Ok(FemtoNullHandler.configure()),
            |builder| builder.build(),
        )
        .classes(&["logging.NullHandler"]),
    ]);
    #[cfg(all(feature = "journald", target_os = "linux"))]
    types.push(journald::kind());
    #[cfg(feature = "http")]
    types.extend(http::types());
    types
}

#[cfg(all(feature = "journald", target_os = "linux"))]
mod journald {
    use super::super::super::types::TextPairs;
    use super::*;
    use crate::handler::FemtoJournaldHandler;

    pub(super) fn kind() -> PartType<HandlerSpec> {
        let mut rows = settings! { for HandlerBuilder<crate::handler::JournaldOptions>;
            "identifier": String = none, "what `journalctl -t` selects by; by default the program's file name"
                => (b, v) b.identifier(v);
            "fields": TextPairs = none, "fields that are the same in every entry"
                => (b, v) v.0.into_iter().fold(b, |b, (name, value)| b.field(name, value));
            "socket": PathBuf = "/run/systemd/journal/socket", "where the journal listens" => (b, v) b.socket(v);
        };
        retry_rows!(rows, HandlerBuilder<crate::handler::JournaldOptions>);
        PartType::new(
            "journald",
            "systemd's journal (Linux)",
            all([rows, common()]),
            |_, _| Ok(FemtoJournaldHandler::builder()),
            |builder| builder.build(),
        )
    }
}

#[cfg(feature = "http")]
mod http {
    use super::super::super::types::{Secret, SecretPairs, TextPairs};
    use super::*;
    use crate::handler::{FemtoHttpHandler, HttpBody, HttpMethod, HttpOptions};
    #[cfg(feature = "otlp")]
    use crate::handler::{FemtoOtlpHandler, OtlpEncoding, OtlpOptions};

    choices! {
        BodyName: HttpBody {
            "ndjson" => HttpBody::Ndjson,
            "json" => HttpBody::Json,
            "form" => HttpBody::Form,
        }
        MethodName: HttpMethod {
            "POST" => HttpMethod::Post,
            "PUT" => HttpMethod::Put,
            "GET" => HttpMethod::Get,
        }
    }

    #[cfg(feature = "otlp")]
    choices! {
        EncodingName: OtlpEncoding {
            "protobuf" => OtlpEncoding::Protobuf,
            "json" => OtlpEncoding::Json,
        }
    }

    /// The settings of everything that is sent by HTTP; see `http_settings` in `handler/http`.
    macro_rules! request_rows {
        ($builder:ty) => {{
            let mut rows = settings! { for $builder;
                "headers": SecretPairs = none, "further header fields of requests"
                    => (b, v) v.0.0.into_iter().fold(b, |b, (name, value)| b.header(name, value));
                "basic_auth.user": String = none, "the user's name, sent with every request";
                "basic_auth.password": Secret = none, "the user's password";
                group "basic_auth" (b, s) match (s.get::<String>("basic_auth.user"), s.get::<Secret>("basic_auth.password")) {
                    (Some(user), Some(password)) => Ok(b.basic_auth(user, password.0)),
                    _ => Err(unused("basic_auth", "give both `user` and `password`")),
                };
                "bearer_auth": Secret = none, "a token, sent with every request" => (b, v) b.bearer_auth(v.0);
                "gzip": bool = "false", "whether requests are compressed (feature `gzip`)" => (b, v) b.gzip(v);
                "batch_records": Whole<1, { u32::MAX as u64 }> = "1000", "the maximum number of records of a request"
                    => (b, v) b.batch_records(v.size());
                "batch_bytes": Size<1> = "1 MiB", "the maximum number of bytes of a request's records" => (b, v) b.batch_bytes(v.bytes());
                "batch_age": Duration = "1 s", "the maximum time that a record waits for others" => (b, v) b.batch_age(v);
                "timeout": Duration = "10 s", "the maximum time of a request with its answer" => (b, v) b.timeout(v);
                "connect_timeout": Duration = "5 s", "the maximum time of connecting" => (b, v) b.connect_timeout(v);
                "proxy": String = none, "the proxy's URL; empty for none; by default as `http_proxy` and its like say" => (b, v) b.proxy(v);
            };
            retry_rows!(rows, $builder);
            backoff_rows!(rows, $builder);
            tls_rows!(rows, $builder);
            rows
        }};
    }

    fn requests() -> Vec<Row<HandlerBuilder<HttpOptions>>> {
        request_rows!(HandlerBuilder<HttpOptions>)
    }

    fn formatter(about: &'static str) -> Vec<Row<HandlerBuilder<HttpOptions>>> {
        let mut rows = settings! { for HandlerBuilder<HttpOptions>;
            "formatter": FormatterName = none, "", python "formatter"
                => (b, v, maker) with_formatter!(maker.formatter(&v.0)?, formatter => b.formatter(formatter));
        };
        if let Some(Row::Setting(info, _)) = rows.first_mut() {
            info.about = about;
        }
        rows
    }

    fn pairs(s: &Decoded<'_>, name: &str) -> Vec<(String, String)> {
        s.get::<TextPairs>(name).map(|pairs| pairs.0).unwrap_or_default()
    }

    pub(super) fn types() -> Vec<PartType<HandlerSpec>> {
        vec![
            PartType::new(
                "http",
                "a server, by HTTP or HTTPS",
                all([
                    settings! { for HandlerBuilder<HttpOptions>;
                        "url": String = required, "where requests go" => (b, v) b.url(v);
                        "body": BodyName = "ndjson", "the body of a request: lines of JSON, one object, or one form" => (b, v) b.body(v.value);
                        "method": MethodName = "POST", "the request's method", python "method" => (b, v) b.method(v.value);
                    },
                    formatter("what a record looks like; by default JSON; forms have none"),
                    requests(),
                    common(),
                ]),
                |_, _| Ok(FemtoHttpHandler::builder()),
                |builder| builder.build(),
            )
            .classes(&["logging.handlers.HTTPHandler"]),
            PartType::new(
                "loki",
                "Grafana Loki",
                all([
                    settings! { for HandlerBuilder<HttpOptions>;
                        "url": String = required, "the server; `/loki/api/v1/push` is added";
                        "labels": TextPairs = required, "the labels of the streams, besides `level`";
                    },
                    formatter("what a line looks like; by default logfmt"),
                    requests(),
                    common(),
                ]),
                |s, _| Ok(FemtoHttpHandler::loki(s.or_default::<String>("url")?, pairs(s, "labels"))),
                |builder| builder.build(),
            ),
            PartType::new(
                "elasticsearch",
                "Elasticsearch or OpenSearch",
                all([
                    settings! { for HandlerBuilder<HttpOptions>;
                        "url": String = required, "the server; `/<index>/_bulk` is added";
                        "index": String = required, "the index or data stream";
                    },
                    formatter("what a record looks like; by default JSON in the layout `ecs`"),
                    requests(),
                    common(),
                ]),
                |s, _| Ok(FemtoHttpHandler::elasticsearch(s.or_default::<String>("url")?, s.or_default::<String>("index")?)),
                |builder| builder.build(),
            ),
            PartType::new(
                "splunk",
                "Splunk's HTTP Event Collector",
                all([
                    settings! { for HandlerBuilder<HttpOptions>;
                        "url": String = required, "the server; `/services/collector/event` is added";
                        "token": Secret = required, "the collector's token";
                        "metadata": TextPairs = none, "the event's `host`, `source`, `sourcetype` and `index`";
                    },
                    formatter("what an event looks like; by default JSON"),
                    requests(),
                    common(),
                ]),
                |s, _| {
                    let (url, token) = (s.or_default::<String>("url")?, s.or_default::<Secret>("token")?);
                    Ok(FemtoHttpHandler::splunk(url, token.0, pairs(s, "metadata")))
                },
                |builder| builder.build(),
            ),
            PartType::new(
                "datadog",
                "Datadog's logs intake",
                all([
                    settings! { for HandlerBuilder<HttpOptions>;
                        "site": String = required, "the site, such as `datadoghq.eu`, or the URL of a proxy";
                        "api_key": Secret = required, "the key of the API";
                        "attributes": TextPairs = none, "`service`, `ddsource`, `ddtags` and `hostname`";
                    },
                    formatter("what a record looks like; by default JSON in the layout `datadog`"),
                    requests(),
                    common(),
                ]),
                |s, _| {
                    let (site, key) = (s.or_default::<String>("site")?, s.or_default::<Secret>("api_key")?);
                    Ok(FemtoHttpHandler::datadog(site, key.0, pairs(s, "attributes")))
                },
                |builder| builder.build(),
            ),
            #[cfg(feature = "otlp")]
            PartType::new(
                "otlp",
                "OpenTelemetry's collector, by OTLP over HTTP",
                all([
                    settings! { for HandlerBuilder<OtlpOptions>;
                        "url": String = "http://localhost:4318", "the collector; `/v1/logs` is added" => (b, v) b.url(v);
                        "encoding": EncodingName = "protobuf", "the encoding of requests" => (b, v) b.encoding(v.value);
                        "service_name": String = none, "the resource's `service.name`; by default `unknown_service:` and the program's name"
                            => (b, v) b.service_name(v);
                        "resource": TextPairs = none, "further attributes of the resource"
                            => (b, v) v.0.into_iter().fold(b, |b, (name, value)| b.resource(name, value));
                        "detect_resource": bool = "false", "whether attributes of the process, host, container and pod are added"
                            => (b, v) if v { b.detect_resource() } else { b };
                    },
                    request_rows!(HandlerBuilder<OtlpOptions>),
                    common(),
                ]),
                |_, _| Ok(FemtoOtlpHandler::builder()),
                |builder| builder.build(),
            ),
        ]
    }
}

/// The table of the settings that all handlers have.
pub(in super::super) fn common_infos() -> &'static [SettingInfo] {
    static INFOS: LazyLock<Vec<SettingInfo>> = LazyLock::new(|| {
        let rows = common::<FemtoNullHandler>().into_iter().filter_map(|row| match row {
            Row::Setting(info, _) => Some(info),
            Row::Group(..) => None,
        });
        rows.collect()
    });
    &INFOS
}

/// Gives a handler of a user's type the settings that all handlers have.
pub(in super::super) fn configured<H: FemtoHandler>(
    handler: H,
    settings: &BTreeMap<String, Setting>,
    maker: &mut dyn Maker,
) -> Result<HandlerSpec, Error> {
    let decoded = Decoded { settings, infos: common_infos() };
    apply_rows(&common(), handler.configure(), &decoded, maker)?.build()
}
