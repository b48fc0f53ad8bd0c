//! Asynchronous logging: a call costs its thread about as much as reading the clock, and everything else happens on
//! the handlers' threads.
//!
//! A macro such as [`info!`] writes a small typed record into a ring that belongs to the calling thread. Every handler
//! has a thread of its own that takes records out of the rings, formats them, and writes them in batches. Loggers,
//! handlers, formatters, filters and levels are those of CPython's `logging`; builders, `Result`s and traits are Rust's.
//!
//! # Quick start
//!
//! ```
//! use femtologging::{Config, FemtoFileHandler, FemtoStreamHandler, Level, info, warn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("application.log");
//! Config::builder()
//!     .default_level(Level::Info)
//!     .add_handler("console", FemtoStreamHandler::stderr().level(Level::Warn).build()?)
//!     .add_handler("file", FemtoFileHandler::builder().path(&path).build()?)
//!     .build_and_init()?;
//!
//! let (user, attempts) = ("ada", 3);
//! info!("{} logged in after {} attempts", user, attempts; from = "10.0.0.7");
//! warn!("disk {}% full", 93; mount = "/var");
//! # femtologging::shutdown(std::time::Duration::from_secs(5))?;
//! # Ok(())
//! # }
//! ```
//!
//! That is all: when the process ends in an ordinary way, what is still queued is written. [`basic_config`] is the
//! shortest way to see anything at all.
//!
//! # Levels
//!
//! [`Level`] is one of `Trace`, `Debug`, `Info`, `Warn`, `Error` and `Critical`, with CPython's numbers 5, 10, 20, 30, 40
//! and 50; [`LevelFilter`] adds `Off`. A record is recorded if all of these let it through, in the order in which they are asked:
//!
//! 1. the build: [`STATIC_MAX_LEVEL`], below which calls leave nothing in the program;
//! 2. the process: [`disable`];
//! 3. the logger: [`FemtoLogger::effective_level`] and its filters;
//! 4. each handler: its level and its filters.
//!
//! The first two and the levels of loggers and handlers are folded into one number at the call site, so that a call
//! that is not recorded costs one load and one compare. Changes at run time reach every call site at once.
//!
//! # Macros
//!
//! [`trace!`], [`debug!`], [`info!`], [`warn!`](crate::warn!), [`error!`] and [`critical!`]; [`log!`] takes the level as a value;
//! [`enabled!`] asks. They take a format string with arguments as [`format!`] does, options before it, and keys with
//! values behind a semicolon:
//!
//! ```
//! use femtologging::{Level, error, info, log};
//!
//! # fn f(logger: &femtologging::FemtoLogger) {
//! # let (n, peer, cause, level) = (3, "10.0.0.7", std::fmt::Error, Level::Debug);
//! info!("{} of {total}", 3, total = 5);               // positional and named arguments
//! info!("{n:>4} left"; peer, retry = true);           // a captured variable; `peer` is a key and its value
//! error!("failed"; cause:% = cause, state:? = [1, 2]); // any type by Display or Debug
//! info!(target: "audit", "deleted {}", n);            // another name than the module's
//! info!(logger: *logger, "through this very logger"); // one of an instance, or kept at hand
//! log!(level, "at a level known at run time");
//! # }
//! ```
//!
//! Arguments of the common types travel as they are and are formatted on the handler's thread. Arguments are not
//! evaluated unless the record is recorded.
//!
//! # Loggers
//!
//! Loggers form a tree by their names, whose parts are separated by `.` or `::`. A call belongs to the logger that has its
//! `target:`'s name, by default the module path's. A logger without a level has its parent's; records go to the handlers of the
//! logger and of all its ancestors, once to each, until one does not [`propagate`](FemtoLogger::propagate).
//!
//! ```
//! use femtologging::{LevelFilter, get_logger};
//!
//! let logger = get_logger("app.db")?;
//! logger.set_level(LevelFilter::Debug);
//! assert_eq!(get_logger("app::db::pool")?.effective_level(), LevelFilter::Debug);
//! # Ok::<(), femtologging::Error>(())
//! ```
//!
//! While nothing is configured, records from `Warn` on go to standard error, as with CPython's handler of last resort.
//!
//! # Context and spans
//!
//! [`context!`] gives keys to all records of a scope, [`FemtoLogger::with`] to those of a logger; [`info_span!`] and its
//! siblings name a piece of work and time it. [`FemtoFutureExt`] puts futures into either, on every executor.
//!
//! ```
//! use femtologging::{context, info, info_span, warn};
//!
//! let _request = context! { request_id = 4711, user = "ada" }.enter();
//! let rows = info_span!("load"; table = "users"; {
//!     info!("busy"); // request_id=4711 user=ada table=users, in the span `load`
//!     7
//! });
//! warn!(every: 1000, "{} rows", rows); // the first of a thousand such calls
//! ```
//!
//! # Handlers
//!
//! | handler | where records go |
//! |---|---|
//! | [`FemtoStreamHandler`] | standard error, standard output, any `Write + Send` |
//! | [`FemtoFileHandler`] | a file |
//! | [`FemtoSocketHandler`] | a peer, by TCP, TLS, UDP or a Unix socket |
//! | [`FemtoRotatingFileHandler`], [`FemtoTimedRotatingFileHandler`] | a file that becomes a backup by size or time |
//! | [`FemtoWatchedFileHandler`] | a file that others, such as logrotate, rename |
//! | [`FemtoSyslogHandler`] | syslog: the machine's own, or a server by UDP, TCP or TLS |
//! | `FemtoJournaldHandler` | systemd's journal (feature `journald`, Linux) |
//! | [`FemtoMemoryHandler`] | another handler, many at once |
//! | [`FemtoFlightRecorder`] | another handler, the last ones before an error |
//! | [`FemtoRouteHandler`] | one of several handlers |
//! | [`FemtoFallbackHandler`] | a second handler, where the first one fails |
//! | `FemtoHttpHandler` | a server, by HTTP or HTTPS; Loki, Elasticsearch, Splunk, Datadog (feature `http`) |
//! | `FemtoOtlpHandler` | OpenTelemetry's collector (feature `otlp`) |
//! | [`FemtoCaptureHandler`] | a list that tests look into |
//! | [`FemtoNullHandler`] | nowhere |
//!
//! [`HandlerBuilder`](handler::HandlerBuilder) lists what can be set for all of them; the trait [`FemtoHandler`] is for
//! one's own. A handler that fails or panics harms no other: its error is counted, reported, and the next batch is
//! tried anew.
//!
//! # Queues
//!
//! [`Transport::PerThread`] gives every thread that logs a ring of 256 KiB for each handler. [`Transport::Shared`] is one channel
//! for all threads, for programs with thousands of them. When a queue is full, its [`OverflowPolicy`] decides; by default
//! the caller waits and nothing is lost. What is dropped is counted, and the log itself says how much:
//!
//! ```text
//! 2026-03-12T08:30:01.000213Z WARN  femtologging [femtolog-file] dropped 1,204 records (1,200 debug, 4 info) between …
//! ```
//!
//! Records of one thread stay in order. Across threads, a record that was logged before another was begun comes first; records
//! that are logged at the same time come out in either order. A shared channel keeps the order in which records entered it.
//!
//! # Formatting
//!
//! [`FemtoTextFormatter`] writes `2026-03-12T08:30:00.123456Z INFO  app::db [main] message key=value` and escapes control
//! characters, so that no message forges a second line. The others do so, too:
//!
//! | formatter | for |
//! |---|---|
//! | [`FemtoTextFormatter`] | files that people read |
//! | [`FemtoPatternFormatter`] | a layout of one's own, in the three styles of CPython's `logging` |
//! | [`FemtoJsonFormatter`] | programs and log stores: its own fields, ECS, OpenTelemetry, GCP, Datadog, GELF, logstash |
//! | [`FemtoLogfmtFormatter`] | programs and people |
//! | [`FemtoConsoleFormatter`] | terminals |
//! | [`FemtoSyslogFormatter`] | syslog: RFC 5424, RFC 3164 |
//! | [`FemtoPickleFormatter`] | receivers written with CPython's `logging` |
//! | `FemtoMsgpackFormatter`, `FemtoCborFormatter` | programs, in binary (features `msgpack`, `cbor`) |
//!
//! Closures are formatters:
//!
//! ```
//! use femtologging::{FemtoLogRecord, FemtoStreamHandler};
//!
//! let console = FemtoStreamHandler::stderr().formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
//!     out.extend_from_slice(record.level().as_str().as_bytes());
//!     out.extend_from_slice(b": ");
//!     record.write_message_escaped(out);
//! });
//! # drop(console);
//! ```
//!
//! # Filters
//!
//! The module [`filter`] has filters by level, name, key and text, for sampling, rate limits, repeats and secrets; every
//! `Fn(&FemtoLogRecord) -> bool` is one, too. [`ConfigBuilder::directives`] reads levels from text such as
//! `info,my_app::db=debug`.
//!
//! # Setting up
//!
//! [`Config::builder`] lists every setting. [`build_and_init`](ConfigBuilder::build_and_init) sets the global system up, which all
//! calls without `logger:` belong to. [`build`](ConfigBuilder::build) makes a system of its own, a [`Logging`], as many as one
//! likes. All that is wrong with a configuration comes in one [`Error`].
//!
//! # Ending
//!
//! An ordinary exit (return from `main`, [`std::process::exit`], the end of a test binary) drains all handlers, for at most
//! [`exit_timeout`](ConfigBuilder::exit_timeout); no guard has to be kept. [`flush`] waits until everything logged before it is written, and
//! says what is not; [`shutdown()`] also ends the handlers' threads. [`install_panic_hook`] logs panics. A process that is killed or aborts loses what is queued.
//!
//! # Testing
//!
//! Each test builds a system of its own, and asks its [`FemtoCaptureHandler`] what arrived:
//!
//! ```
//! use femtologging::{Config, FemtoCaptureHandler, Value, info};
//! use std::time::Duration;
//!
//! let capture = FemtoCaptureHandler::new();
//! let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
//! let logger = logging.get_logger("shop")?;
//! info!(logger: logger, "{} packed", 3; express = true);
//! logging.flush(Duration::from_secs(5))?;
//! assert_eq!(capture.messages(), ["3 packed"]);
//! assert_eq!(capture.records()[0].get("express"), Some(Value::Bool(true)));
//! # Ok::<(), femtologging::Error>(())
//! ```
//!
//! A [`ManualClock`](time::ManualClock) makes stamps predictable.
//!
//! # Errors
//!
//! A log call cannot fail, and never panics. What is called to set up, flush or shut down returns an [`Error`]. What goes
//! wrong on a handler's thread is counted, and said in one line on standard error, a few times in a row and then rarely;
//! [`set_error_hook`] sends it elsewhere.
//!
//! # Metrics
//!
//! [`metrics()`] gives the counters of every handler. `emitted = written + dropped + failed + in_flight` holds in every snapshot.
//!
//! ```
//! println!("{}", femtologging::metrics());
//! ```
//!
//! # Cargo features
//!
//! None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `cbor` | `FemtoCborFormatter`: CBOR, RFC 8949 |
//! | `journald` | `FemtoJournaldHandler`: systemd's journal (Linux) |
//! | `local-time` | times of the local or any other zone, in formatters and for rollovers, by the crate `jiff` |
//! | `log` | `bridge`: a back end for the crate `log`, and `FemtoLogHandler`, which feeds another one |
//! | `http` | `FemtoHttpHandler`: records by HTTP and HTTPS, by the crate `ureq`; brings `tls` |
//! | `msgpack` | `FemtoMsgpackFormatter`: MessagePack |
//! | `gzip` | compressed backups of files that roll over, by the crate `flate2` |
//! | `otlp` | `FemtoOtlpHandler`: records to OpenTelemetry's collector, by OTLP over HTTP; brings `http` |
//! | `regex` | [`filter::Matches`](filter), and expressions for [`filter::Redact`] |
//! | `serde` | `key:serde = value`: values of any type that `serde` can serialize |
//! | `tracing` | `FemtoTracingLayer`, `FemtoTracingSubscriber`: what `tracing`'s macros log; `FemtoTracingHandler`: the other way |
//! | `tls` | encrypted connections of the socket and syslog handlers, by the crate `rustls` |
//!
//! The others remove levels from the build and can be combined: the strictest counts. The environment
//! variable `FEMTOLOGGING_MAX_LEVEL` at build time overrides them all; see [`STATIC_MAX_LEVEL`].
//!
//! | feature | what stays compiled in | where |
//! |---|---|---|
//! | `max_level_off` | nothing | every build |
//! | `max_level_critical` | `Critical` | every build |
//! | `max_level_error` | `Error` and above | every build |
//! | `max_level_warn` | `Warn` and above | every build |
//! | `max_level_info` | `Info` and above | every build |
//! | `max_level_debug` | `Debug` and above | every build |
//! | `max_level_trace` | everything | every build |
//! | `release_max_level_off` | nothing | builds without `debug_assertions` |
//! | `release_max_level_critical` | `Critical` | builds without `debug_assertions` |
//! | `release_max_level_error` | `Error` and above | builds without `debug_assertions` |
//! | `release_max_level_warn` | `Warn` and above | builds without `debug_assertions` |
//! | `release_max_level_info` | `Info` and above | builds without `debug_assertions` |
//! | `release_max_level_debug` | `Debug` and above | builds without `debug_assertions` |
//! | `release_max_level_trace` | everything | builds without `debug_assertions` |
//!
//! # Platforms
//!
//! Tests run on Linux (x86-64). The code calls nothing that only Linux has: it compiles for macOS and Windows, where it has not
//! been run. The cycle counter is read on x86 where it is steady, and the monotonic clock elsewhere. The exit hook needs Unix or
//! Windows; on other platforms, call [`shutdown()`] before the end. A child of `fork` has no handlers' threads: what it logs is
//! counted as dropped, until it sets the global system up anew. Pointers of 64 bits are assumed for speed, not for correctness; 64-bit
//! atomics are required.
//!
//! # Guides
//!
//! The module [`guide`] has longer texts: handlers, files, networks, formatters, filters, spans, testing, operations, and how to
//! come from CPython's `logging`, `log` or `tracing`.
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(test),
    warn(
        clippy::disallowed_methods,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

// What a caller writes.
#[macro_use]
mod macros;
// What it expands to.
#[doc(hidden)]
pub mod __private;

// The caller's side: what the source says about a call,
mod callsite;
// what it sends,
mod record;
// and where that goes.
mod logger;

// The spans around it are made of what came so far.
mod span;

// Between the two sides.
mod queue;

// The handler's side: the thread that takes records out,
#[expect(clippy::disallowed_methods, reason = "waits with a deadline need a clock")]
mod worker;
// asks whether they go on,
pub mod filter;
// makes text of them,
mod formatter;
// and has them written.
pub mod handler;

// On top: setting up,
mod config;
// ending,
mod shutdown;
// and the ways from and to other logging facades.
#[cfg(any(feature = "log", feature = "tracing"))]
pub mod bridge;
// What runs when the process exits.
mod exit;

// The vocabulary: what the scopes around a call add to its record;
mod context;
// how a message comes out of a payload,
mod template;
// by a closure made out of nothing;
mod render;
// the values in it,
mod value;
// as text;
mod text;
// the zones of clocks;
mod zone;
// what went wrong,
mod error;
// and how often;
mod metrics;
// how often a call logs;
mod rate;
// what can be chosen,
mod policy;
// and how severe a record is;
mod level;
// clocks,
#[expect(clippy::disallowed_methods, reason = "clocks are read here")]
pub mod time;
// and atomics.
mod sync;

// Standard output and standard error, without std's locks.
mod stdio;
// Threads that take no signals, and the platform's exit hook.
mod sys;

pub mod guide;

#[cfg(feature = "log")]
pub use bridge::FemtoLogHandler;
#[cfg(feature = "tracing")]
pub use bridge::{FemtoTracingHandler, FemtoTracingLayer, FemtoTracingSubscriber};
pub use config::{
    Config, ConfigBuilder, LoggerConfig, Logging, basic_config, disable, disable_none, flush, get_logger, metrics,
    root_logger, set_handler_level, shutdown,
};
pub use context::{Context, ContextGuard};
pub use error::{Error, Problem, set_error_hook};
pub use filter::{FemtoFilter, FemtoFilterExt};
#[cfg(feature = "cbor")]
pub use formatter::FemtoCborFormatter;
#[cfg(feature = "msgpack")]
pub use formatter::FemtoMsgpackFormatter;
pub use formatter::{
    FemtoConsoleFormatter, FemtoFormatter, FemtoJsonFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter,
    FemtoPickleFormatter, FemtoSyslogFormatter, FemtoTextFormatter, JsonField, JsonSchema, JsonTime, SyslogFacility,
};
#[cfg(feature = "http")]
pub use handler::FemtoHttpHandler;
#[cfg(all(feature = "journald", target_os = "linux"))]
pub use handler::FemtoJournaldHandler;
#[cfg(feature = "otlp")]
pub use handler::FemtoOtlpHandler;
pub use handler::{
    FemtoCaptureHandler, FemtoFallbackHandler, FemtoFileHandler, FemtoFlightRecorder, FemtoHandler, FemtoHandlerExt,
    FemtoMemoryHandler, FemtoNullHandler, FemtoRotatingFileHandler, FemtoRouteHandler, FemtoSocketHandler,
    FemtoStreamHandler, FemtoSyslogHandler, FemtoTimedRotatingFileHandler, FemtoWatchedFileHandler,
};
pub use level::{Level, LevelFilter, ParseLevelError, STATIC_MAX_LEVEL};
pub use logger::FemtoLogger;
pub use metrics::{DropReason, Dropped, HandlerMetrics, Metrics};
pub use policy::{IdlePolicy, OverflowPolicy, SpanEvents, Transport};
pub use record::{FemtoLogRecord, Message, OwnedRecord, SpanRef};
pub use shutdown::install_panic_hook;
pub use span::{FemtoFutureExt, FemtoSpan, InScope, SpanGuard};
pub use value::{Limits, List, Map, OwnedValue, Value};

// Records for the targets in fuzz/.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use record::by_hand::ByHand;

// The examples of the README are compiled and run with the documentation's own.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
