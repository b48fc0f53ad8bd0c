//! Asynchronous logging: a log call costs the calling thread about as much as reading the clock, and the handlers'
//! threads do everything else.
//!
//! A macro such as [`info!`] copies its typed arguments into a record in a ring that belongs to the calling thread.
//! Each handler has a thread that takes records out of the rings, formats them, and writes them in batches. Loggers,
//! handlers, formatters, filters and levels are those of CPython's `logging`.
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
//! No guard is needed: an ordinary exit of the process writes what is still queued. [`basic_config`] is the shortest
//! set-up: it logs to standard error.
//!
//! # Levels
//!
//! [`Level`] is one of `Trace`, `Debug`, `Info`, `Warn`, `Error` and `Critical`, with CPython's numbers 5, 10, 20, 30,
//! 40 and 50; [`LevelFilter`] adds `Off`. A record reaches a handler if all of these enable it, in this order:
//!
//! 1. the build: [`STATIC_MAX_LEVEL`]; calls below it leave no code in the program;
//! 2. the process: [`disable`];
//! 3. the logger: [`FemtoLogger::effective_level`] and its filters;
//! 4. the handler: its level and its filters.
//!
//! Each call site caches the result of the levels as one number, so a disabled call costs one load and one comparison.
//! A change of a level updates all call sites before it returns.
//!
//! # Macros
//!
//! [`trace!`], [`debug!`], [`info!`], [`warn!`](crate::warn!), [`error!`] and [`critical!`]; [`log!`] takes the level
//! as a value; [`enabled!`] tells whether a record would be logged. The macros take options, a format string with
//! arguments as for [`format!`], and, after a semicolon, keys with values:
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
//! Arguments of the common types are copied into the record and formatted on the handler's thread. Arguments are
//! evaluated only if the call is enabled.
//!
//! # Loggers
//!
//! Loggers form a tree by their names, whose parts are separated by `.` or `::`. A call uses the logger that its
//! `target:` names; the default is the module path. A logger without a level has its parent's. A record goes to the
//! handlers of its logger and of all ancestors, once to each handler, up to a logger that does not
//! [`propagate`](FemtoLogger::propagate).
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
//! While no handler is configured, records at `Warn` and above go to standard error, as with CPython's `lastResort`.
//!
//! # Context and spans
//!
//! [`context!`] adds keys to all records of a scope, and [`FemtoLogger::with`] to those of a logger. [`info_span!`] and
//! the macros for the other levels give a scope a name and measure its duration. [`FemtoFutureExt`] does both for
//! futures, on any executor.
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
//! | [`FemtoSocketHandler`] | a peer, by TCP, TLS, UDP or a Unix socket (feature `socket`) |
//! | [`FemtoRotatingFileHandler`] | a file that becomes a backup by size (feature `rotation`) |
//! | [`FemtoTimedRotatingFileHandler`] | a file that becomes a backup by time (feature `rotation`) |
//! | [`FemtoWatchedFileHandler`] | a file that other programs, such as logrotate, rename |
//! | [`FemtoSyslogHandler`] | syslog: the local daemon, or a server by UDP, TCP or TLS (feature `syslog`) |
//! | `FemtoJournaldHandler` | systemd's journal (feature `journald`, Linux) |
//! | [`FemtoMemoryHandler`] | another handler, in large batches (feature `compose`) |
//! | [`FemtoFlightRecorder`] | another handler, the last records before an error (feature `compose`) |
//! | [`FemtoRouteHandler`] | one of several handlers (feature `compose`) |
//! | [`FemtoFallbackHandler`] | a second handler, where the first one fails (feature `compose`) |
//! | `FemtoHttpHandler` | a server, by HTTP or HTTPS; Loki, Elasticsearch, Splunk, Datadog (feature `http`) |
//! | `FemtoOtlpHandler` | OpenTelemetry's collector (feature `otlp`) |
//! | [`FemtoCaptureHandler`] | a list for tests |
//! | [`FemtoNullHandler`] | nowhere |
//!
//! [`HandlerBuilder`](handler::HandlerBuilder) lists the settings that all handlers have. The trait [`FemtoHandler`] is
//! for handlers of your own. A handler that fails or panics does not affect the others: its error is counted and
//! reported, and the next batch is tried.
//!
//! # Queues
//!
//! [`Transport::PerThread`] gives every thread that logs a ring of 256 KiB for each handler. [`Transport::Shared`] is
//! one channel for all threads, for programs with thousands of them. [`Transport::Inline`] is neither queue nor thread,
//! for command-line tools: a record is written before the call returns. When a queue is full, its [`OverflowPolicy`]
//! decides; by default the caller waits and nothing is lost. Dropped records are counted, and a line in the log says
//! how many there were:
//!
//! ```text
//! 2026-03-12T08:30:01.000213Z WARN  femtologging [femtolog-file] dropped 1,204 records (1,200 debug, 4 info) between …
//! ```
//!
//! The records of one thread stay in order. Across threads, a record that was logged before another one was begun comes
//! first; records that are logged at the same time come in either order. A shared channel keeps the order in which
//! records entered it.
//!
//! # Formatting
//!
//! [`FemtoTextFormatter`] writes `2026-03-12T08:30:00.123456Z INFO app::db [main] message key=value` and escapes
//! control characters, so that a message cannot forge a second line. The other formatters escape as their formats
//! require:
//!
//! | formatter | for |
//! |---|---|
//! | [`FemtoTextFormatter`] | files that people read |
//! | [`FemtoPatternFormatter`] | any layout, in the three styles of CPython's `logging` (feature `pattern`) |
//! | [`FemtoJsonFormatter`] | programs, log stores: own fields, ECS, OpenTelemetry, GCP, Datadog, GELF, logstash |
//! | [`FemtoLogfmtFormatter`] | programs and people (feature `logfmt`) |
//! | [`FemtoConsoleFormatter`] | terminals |
//! | [`FemtoSyslogFormatter`] | syslog: RFC 5424, RFC 3164 (feature `syslog`) |
//! | [`FemtoPickleFormatter`] | receivers written with CPython's `logging` (feature `pickle`) |
//! | `FemtoMsgpackFormatter`, `FemtoCborFormatter` | programs, in binary (features `msgpack`, `cbor`) |
//!
//! A closure is a formatter:
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
//! The module [`filter`] has filters by level, name, key and text, and for sampling, rate limits, repeats and secrets.
//! A closure `Fn(&FemtoLogRecord) -> bool` is a filter. [`ConfigBuilder::directives`] reads levels from text such as
//! `info,my_app::db=debug`.
//!
//! # Setting up
//!
//! [`Config::builder`] lists every setting. [`build_and_init`](config::ConfigBuilder::build_and_init) sets up the
//! global system, which calls without `logger:` use. [`build`](config::ConfigBuilder::build) makes an independent
//! system, a [`Logging`]; a process may have any number of them. One [`Error`] lists everything that is wrong with a
//! configuration.
//!
//! # Flush and exit
//!
//! An ordinary exit (return from `main`, [`std::process::exit`], the end of a test binary) drains all handlers, for at
//! most [`set_exit_timeout`]; no guard is needed. [`flush`] waits until everything logged
//! before it is written, or returns an error that says what is not. [`shutdown()`] also ends the handlers' threads.
//! [`flush_async`] and [`shutdown_async`] are futures, for any executor.
//! [`install_panic_hook`] logs panics. A process that aborts, is killed or calls `exec` loses the records that are
//! still queued; [`before_exec`] writes them first.
//!
//! # Testing
//!
//! With the feature `testing`, `testing::capture` gives each test the records that it logs by the macros, also where
//! tests run in parallel; `assert_logged!` and its siblings look for records. Without it, a test builds a system of its
//! own, whose [`FemtoCaptureHandler`] keeps the records:
//!
//! ```
//! use femtologging::handler::FemtoCaptureHandler;
//! use femtologging::{Config, Value, info};
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
//! A [`ManualClock`](time::ManualClock) makes timestamps predictable.
//!
//! # Errors
//!
//! A log call does not fail and does not panic. Functions that set up, flush or shut down return an [`Error`]. An error
//! on a handler's thread is counted and reported as one line on standard error, with a rate limit; [`set_error_hook`]
//! sends reports elsewhere.
//!
//! # Metrics
//!
//! [`metrics()`] returns the counters of all handlers. `emitted = written + dropped + failed + in_flight` holds in
//! every snapshot.
//!
//! ```
//! println!("{}", femtologging::metrics());
//! ```
//!
//! # Cargo features
//!
//! None is on by default, so that a program compiles the handlers for streams and files, the formatters for text,
//! consoles and JSON, and all filters. `full` adds every handler and formatter that needs no further crate.
//!
//! | feature | what it adds |
//! |---|---|
//! | `full` | all of `compose`, `logfmt`, `pattern`, `pickle`, `rotation`, `socket`, `syslog` |
//! | `compose` | handlers made of handlers: memory, flight recorder, routes, fallback |
//! | `logfmt` | [`FemtoLogfmtFormatter`] |
//! | `pattern` | [`FemtoPatternFormatter`] |
//! | `pickle` | [`FemtoPickleFormatter`] |
//! | `rotation` | [`FemtoRotatingFileHandler`], [`FemtoTimedRotatingFileHandler`] |
//! | `socket` | [`FemtoSocketHandler`] |
//! | `syslog` | [`FemtoSyslogHandler`], [`FemtoSyslogFormatter`]; brings `socket` |
//! | `cbor` | `FemtoCborFormatter`: CBOR, RFC 8949 |
//! | `cli` | the command `femtolog`, which checks and prints configurations |
//! | `compat-tracing` | `compat::tracing`: the call syntax of the crate `tracing`, without that crate |
//! | `config` | [`config::Spec`](config): configuration as data, from TOML files and the environment; brings `full` |
//! | `inotify` | [`config::Watch`](config) finds a change at once, by events of directories (Linux); brings `config` |
//! | `journald` | `FemtoJournaldHandler`: systemd's journal (Linux); brings `socket` |
//! | `json` | configuration files in JSON |
//! | `local-time` | local time and time zones in formatters and for rollovers, by the crate `jiff` |
//! | `log` | `bridge`: a back end for the crate `log`, and `FemtoLogHandler`, which passes records to it |
//! | `http` | `FemtoHttpHandler`: records by HTTP and HTTPS, by the crate `ureq`; brings `tls`, `logfmt` |
//! | `msgpack` | `FemtoMsgpackFormatter`: MessagePack |
//! | `gzip` | compressed backups of files that roll over, by the crate `flate2` |
//! | `otlp` | `FemtoOtlpHandler`: records to OpenTelemetry's collector, by OTLP over HTTP; brings `http` |
//! | `regex` | [`filter::Matches`](filter), and expressions for [`filter::Redact`] |
//! | `serde` | `key:serde = value`: values of any type that `serde` can serialize |
//! | `sighup` | [`config::Watch`](config) loads a file at `SIGHUP`, with `signal-hook` (Unix); brings `config` |
//! | `testing` | `testing`: the records of each test, assertions on them, snapshots |
//! | `tracing` | `bridge`: `FemtoTracingLayer`, `FemtoTracingSubscriber` and `FemtoTracingHandler` for `tracing` |
//! | `tls` | encrypted connections of the socket and syslog handlers, by the crate `rustls`; brings `socket` |
//! | `tokio` | [`handler::FemtoAsyncHandler`](handler): asynchronous delivery, on a runtime of `tokio` |
//! | `yaml` | configuration files in YAML |
//!
//! The other features strip levels from the build. If several are enabled, the strictest one counts. The environment
//! variable `FEMTOLOGGING_MAX_LEVEL`, set at build time, overrides them all; see [`STATIC_MAX_LEVEL`].
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
//! Tests run on Linux (x86-64). The crate compiles for macOS and Windows, where it has not been run. The cycle counter
//! is read on x86 if its rate is steady, and the monotonic clock otherwise. The exit hook needs Unix or Windows; on
//! other platforms, call [`shutdown()`] before the end. A child of `fork` does not have the handlers' threads: its
//! records are counted as dropped until it sets up the global system again. 64-bit atomics are required.
//!
//! # Guides
//!
//! The module [`guide`] has the guides: handlers, files, networks, formatters, filters, spans, testing, operations, and
//! migration from CPython's `logging`, `log` and `tracing`.
//!
//! [`ConfigBuilder::directives`]: config::ConfigBuilder::directives
//! [`FemtoCaptureHandler`]: handler::FemtoCaptureHandler
//! [`FemtoConsoleFormatter`]: formatter::FemtoConsoleFormatter
//! [`FemtoFallbackHandler`]: handler::FemtoFallbackHandler
//! [`FemtoFlightRecorder`]: handler::FemtoFlightRecorder
//! [`FemtoFutureExt`]: span::FemtoFutureExt
//! [`FemtoHandler`]: handler::FemtoHandler
//! [`FemtoLogfmtFormatter`]: formatter::FemtoLogfmtFormatter
//! [`FemtoMemoryHandler`]: handler::FemtoMemoryHandler
//! [`FemtoNullHandler`]: handler::FemtoNullHandler
//! [`FemtoPatternFormatter`]: formatter::FemtoPatternFormatter
//! [`FemtoPickleFormatter`]: formatter::FemtoPickleFormatter
//! [`FemtoRotatingFileHandler`]: handler::FemtoRotatingFileHandler
//! [`FemtoRouteHandler`]: handler::FemtoRouteHandler
//! [`FemtoSocketHandler`]: handler::FemtoSocketHandler
//! [`FemtoSyslogFormatter`]: formatter::FemtoSyslogFormatter
//! [`FemtoSyslogHandler`]: handler::FemtoSyslogHandler
//! [`FemtoTimedRotatingFileHandler`]: handler::FemtoTimedRotatingFileHandler
//! [`FemtoWatchedFileHandler`]: handler::FemtoWatchedFileHandler
//! [`OverflowPolicy`]: policy::OverflowPolicy
//! [`Transport::Inline`]: policy::Transport::Inline
//! [`Transport::PerThread`]: policy::Transport::PerThread
//! [`Transport::Shared`]: policy::Transport::Shared
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// What several families of handlers share is there in every build, and unused if the build has none of them.
#![cfg_attr(not(feature = "full"), allow(dead_code))]
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

// ---- The caller's side, in the order in which a call runs through it ----

// The logging macros. First, because macros are visible only to the modules that follow.
#[macro_use]
mod macros;

// The functions and types that the macros' expansions use.
#[doc(hidden)]
pub mod __private;

// The static of each call site: its metadata, cached level and route.
mod callsite;

// Records: the encoded form, and the view that filters, formatters and handlers read.
pub mod record;

// Loggers: the tree, the routes to handlers, and the dispatch of a record to its queues.
mod logger;

// Spans: scopes with a name, a beginning and an end.
pub mod span;

// ---- Between the two sides ----

// Queues: a ring per thread and handler, or one channel.
mod queue;

// ---- The handler's side: its thread, and what it calls for each record ----

// The handler's thread: takes records out of the queue, flushes, shuts down, reports.
#[expect(clippy::disallowed_methods, reason = "waits with a deadline need a clock")]
mod worker;

// Filters of loggers and handlers.
pub mod filter;

// Formatters: a record as text or in a binary format.
pub mod formatter;

// Handlers: the destinations of records.
pub mod handler;

// ---- Set-up, end of the process, other facades ----

// `Config`, `Logging` and the functions of the global system.
pub mod config;

// What an ordinary exit and a panic do.
mod shutdown;

// Bridges from and to the crates `log` and `tracing`.
#[cfg(any(feature = "log", feature = "tracing"))]
pub mod bridge;

// Captures of the records of single tests.
#[cfg(feature = "testing")]
#[expect(clippy::disallowed_methods, reason = "tests start threads, and waits with a deadline need a clock")]
pub mod testing;

// The call syntax of the crate `tracing`.
#[cfg(feature = "compat-tracing")]
pub mod compat;

// Functions that run when the process exits.
mod exit;

// ---- The vocabulary: imported by the modules above ----

// Context: keys that all records of a scope carry.
pub mod context;

// Interned names: loggers, keys and spans by a 32-bit id.
mod names;

// Format strings, parsed at compile time, and how a message is made from them.
mod template;

// A call site's `format_args!`, as a type that the handler's thread can call.
mod render;

// Values of arguments and keys: capture, encoding, decoding.
pub mod value;

// Text output: escaping, truncation, numbers.
mod text;

// Time zones.
mod zone;

// Errors, and the notices that report those of the handlers' threads.
mod error;

// Counters of handlers and of the process.
pub mod metrics;

// Limits of single calls: `once`, `every: n`, `per: duration` …
mod rate;

// Settings that are plain values: overflow, transport, idling, span events.
pub mod policy;

// Levels, level filters, and the level that the build strips.
mod level;

// Clocks, timestamps, and the conversion of ticks to wall-clock time.
#[expect(clippy::disallowed_methods, reason = "clocks are read here")]
pub mod time;

// Atomics and locks: std's, or loom's in model checking; and what makes locks safe across `fork`.
mod sync;

// ---- The operating system ----

// Standard output and standard error, without std's locks.
mod stdio;

// Threads that block signals, bytes a socket has not sent, exit hooks.
mod sys;

// The guides of docs/guide/.
pub mod guide;

// ---- The root: what most programs name. Everything else has one path, in its module ----

// Levels, loggers, errors and the functions of the global system are documented here.
pub use config::builder::basic_config;
#[cfg(feature = "config")]
pub use config::init::init;
pub use config::logging::{
    disable, enable_all, flush, flush_async, get_logger, max_level, metrics, root_logger, set_handler_level,
    set_max_level, shutdown, shutdown_async,
};
pub use config::process::{before_exec, set_exit_timeout, set_limits};
pub use config::reload::reconfigure;
#[cfg(feature = "config")]
pub use config::reload::reload;
pub use error::{Error, Problem, set_error_hook};
pub use level::{Level, LevelFilter, ParseLevelError, STATIC_MAX_LEVEL};
pub use logger::FemtoLogger;
pub use shutdown::install_panic_hook;
// These are documented in their modules, with what belongs to them.
#[doc(no_inline)]
pub use config::{Config, Logging};
#[doc(no_inline)]
pub use context::Context;
#[doc(no_inline)]
pub use formatter::{FemtoJsonFormatter, FemtoTextFormatter};
#[doc(no_inline)]
pub use handler::{FemtoFileHandler, FemtoStreamHandler};
#[doc(no_inline)]
pub use record::FemtoLogRecord;
#[doc(no_inline)]
pub use span::FemtoSpan;
#[doc(no_inline)]
pub use value::Value;

// Records for the targets in fuzz/.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use record::by_hand::ByHand;

// Compiles and runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
