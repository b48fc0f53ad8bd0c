//! From the crate `log`: an implementation of [`Log`] that sends records of `log`'s macros to this crate.
//!
//! All of them share one static call site, since `log` has none. What differs from call to call (target, level, source
//! location, keys) is sent with each record; see `logger/dynamic.rs`.

use std::sync::Mutex;
use std::time::Duration;

use log::kv::{self, VisitSource};
use log::{Log, Metadata, Record};

use crate::callsite::{Callsite, Metadata as SiteMetadata, Module, Origin};
use crate::config::logging::flush;
use crate::context::ExtrasWriter;
use crate::error::{Error, notify};
use crate::level::{Level, is_compiled};
use crate::logger::dynamic::{self, Dynamic, SourceLocation};
use crate::logger::{AtTarget, Registry, Source};
use crate::sync::lock;
use crate::value::log_kv::{LogValueSink, TypedVisitor};
use crate::value::{Field, Value};

/// The call site of all records that come from `log`.
static SITE: Callsite = Callsite::new(SiteMetadata {
    level: None,
    origin: Origin::Target,
    module: &Module { target: "", module_path: "", file: "" },
    line: 0,
    template: "",
    keys: &[],
});

/// The timeout of [`Log::flush`], which has none of its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// A logger for the crate `log` that sends records to the global logging system.
///
/// [`init_log`] installs it. Use it directly if the program sets a `log` logger of its own, which forwards records to
/// several others. Then do not call [`init_log`]; the program calls `log::set_max_level` itself.
///
/// | in the record of `log` | in the record of this crate |
/// |---|---|
/// | target | the target, which names the logger: levels, filters and handlers are that logger's |
/// | level | the level of the same name; `Critical` does not occur |
/// | message | the message, formatted by the caller |
/// | module path, file, line | the same |
/// | key-values | typed keys, after those of the [`Context`](crate::Context): see below |
///
/// | value in `log` | [`Value`] |
/// |---|---|
/// | integers, `f64`, `bool`, `char`, strings, null | the same type; `log` converts an `f32` to an `f64` |
/// | an error | [`Value::Error`], with its sources |
/// | captured by `Display` or `Debug` | [`Value::Display`]; with the feature `serde`, [`Value::Str`] |
/// | captured by serde or sval | its text, [`Value::Display`]; with the feature `serde`, lists and maps |
///
/// Records that the thread of a handler logs are dropped and counted, like those of this crate's own macros. Otherwise
/// a handler would feed itself.
///
/// [`Log::flush`] flushes the global system, with a timeout of 5 s. What is not written by then is reported to the
/// [error hook](crate::set_error_hook).
///
/// # Examples
///
/// ```
/// use femtologging::bridge::LogBridge;
/// use log::Log;
///
/// /// Sends warnings to standard error at once, and everything to femtologging.
/// struct Both;
///
/// impl Log for Both {
///     fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
///         LogBridge.enabled(metadata)
///     }
///
///     fn log(&self, record: &log::Record<'_>) {
///         if record.level() <= log::Level::Warn {
///             eprintln!("{}", record.args());
///         }
///         LogBridge.log(record);
///     }
///
///     fn flush(&self) {
///         LogBridge.flush();
///     }
/// }
///
/// log::set_logger(&Both)?;
/// log::set_max_level(log::LevelFilter::Info);
/// log::warn!("low on fuel");
/// # Ok::<(), log::SetLoggerError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct LogBridge;

impl Log for LogBridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = Level::from(metadata.level());
        is_compiled(level) && AtTarget(metadata.target()).enabled(&SITE, level)
    }

    fn log(&self, record: &Record<'_>) {
        let level = Level::from(record.level());
        if !is_compiled(level) {
            return;
        }
        let place = SourceLocation {
            module_path: record.module_path().unwrap_or_default(),
            file: record.file().unwrap_or_default(),
            line: record.line().unwrap_or_default(),
        };
        let dynamic = Dynamic {
            message: &|out| out.write_fmt(*record.args()),
            place: Some(place),
            keys: &|entries| {
                // The visitor returns no errors. An error of the source ends the keys.
                let _ = record.key_values().visit(&mut KeyVisitor(entries));
            },
        };
        dynamic::send(AtTarget(record.target()), &SITE, level, &dynamic);
    }

    fn flush(&self) {
        if let Err(error) = flush(PATIENCE) {
            notify("log", format_args!("{error:#}"));
        }
    }
}

/// Sends the records of the crate `log` to the global logging system.
///
/// It sets [`LogBridge`] as the logger of `log`, and keeps [`log::max_level`] equal to the most verbose level that any
/// logger has enabled, also when levels change later.
///
/// It can be called before or after the global system is set up, and several times.
///
/// # Errors
///
/// Returns an error if `log` already has another logger.
///
/// # Examples
///
/// ```
/// use femtologging::{Level, basic_config, get_logger};
///
/// basic_config(Level::Warn)?;
/// femtologging::bridge::init_log()?;
/// log::warn!(attempts = 3; "could not connect");
/// assert_eq!(log::max_level(), log::LevelFilter::Warn);
///
/// get_logger("app.db")?.set_level(Level::Debug);
/// assert_eq!(log::max_level(), log::LevelFilter::Debug);
/// assert!(log::log_enabled!(target: "app::db", log::Level::Debug));
/// assert!(!log::log_enabled!(target: "app::net", log::Level::Debug));
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn init_log() -> Result<(), Error> {
    let mut installed = lock(&INSTALLED);
    if !*installed {
        log::set_logger(&LogBridge).map_err(|_| {
            Error::already_initialized("the one logger of the crate `log`, which can pass records on to `LogBridge`,")
        })?;
        *installed = true;
        drop(installed);
        Registry::global().on_change(follow_levels);
        follow_levels();
    }
    Ok(())
}

/// Whether [`init_log`] has set the logger.
static INSTALLED: Mutex<bool> = Mutex::new(false);

/// Returns whether [`init_log`] has set the logger: then the logger of `log` is [`LogBridge`].
pub(super) fn is_installed() -> bool {
    *lock(&INSTALLED)
}

/// Sets `log`'s maximum level to the most verbose level of the global system.
fn follow_levels() {
    /// Held while the level is read and set, so that a thread that read an older level cannot set it last.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = lock(&TURN);
    log::set_max_level(Registry::global().most_verbose().into());
}

/// Adds the key-values of a record of `log` to one of this crate.
struct KeyVisitor<'a, 'e>(&'a mut ExtrasWriter<'e>);

impl<'kvs> VisitSource<'kvs> for KeyVisitor<'_, '_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(TypedVisitor(KeySink { entries: self.0, key: key.as_str() }))
    }
}

/// Adds the value of one key.
struct KeySink<'a, 'e> {
    entries: &'a mut ExtrasWriter<'e>,
    key: &'a str,
}

impl LogValueSink for KeySink<'_, '_> {
    fn value(&mut self, value: Value<'_>) {
        self.entries.named(self.key, value);
    }

    fn field<F: Field>(&mut self, field: &F) {
        self.entries.field(self.key, field);
    }
}
