//! The crate `log`: records of its macros become records of ours.

use std::sync::Mutex;
use std::time::Duration;

use log::kv::{self, VisitSource, VisitValue};
use log::{Log, Metadata, Record};

use crate::callsite::{Callsite, Metadata as SiteMetadata, Origin};
use crate::config;
use crate::context::ExtrasWriter;
use crate::error::{Error, notify};
use crate::level::{Level, LevelFilter, is_compiled};
use crate::logger::dynamic::{self, Dynamic, Place};
use crate::logger::{AtTarget, Registry, Source};
use crate::sync::lock;
#[cfg(not(feature = "serde"))]
use crate::value::AsDisplay;
#[cfg(feature = "serde")]
use crate::value::AsSerde;
use crate::value::{AsError, Value};

/// The one call site of all records that come from `log`.
static SITE: Callsite = Callsite::new(SiteMetadata {
    level: None,
    origin: Origin::Target,
    target: "",
    module_path: "",
    file: "",
    line: 0,
    template: "",
    keys: &[],
});

/// How long [`Log::flush`] waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// A logger of the crate `log` that hands its records to the global system.
///
/// [`init_log`] installs it. It is of use by itself to programs that give `log` a logger of their own, which passes
/// records on to several others; [`init_log`] then does not run, and `log::set_max_level` is theirs to call.
///
/// | of `log`'s record | becomes |
/// |---|---|
/// | target | the target, which names the logger: levels, filters and handlers are that logger's |
/// | level | the level of the same name; none becomes `Critical` |
/// | message | the message, formatted by the caller |
/// | module path, file, line | the record's |
/// | key-values | keys behind those of the [`Context`](crate::Context), with their types: see below |
///
/// Integers, `f64`, `bool`, `char`, strings and null stay what they are; an `f32` is an `f64` to `log`. An error becomes
/// [`Value::Error`](crate::Value::Error) with its causes. Values captured by `Display` or `Debug`, or by serde or sval, become the text that
/// `log` has for them, [`Value::Display`](crate::Value::Display). With the feature `serde`, what was captured by serde or sval keeps its
/// structure, and all text is a [`Value::Str`](crate::Value::Str).
///
/// Records that a handler's own thread logs are dropped and counted, as those of this crate's own macros are; so nothing goes
/// round in circles.
///
/// [`Log::flush`] flushes the global system, for up to 5 s; what is not written by then is reported to the
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
        let level = level(metadata.level());
        is_compiled(level) && AtTarget(metadata.target()).lets(&SITE, level)
    }

    fn log(&self, record: &Record<'_>) {
        let level = level(record.level());
        if !is_compiled(level) {
            return;
        }
        let place = Place {
            module_path: record.module_path().unwrap_or_default(),
            file: record.file().unwrap_or_default(),
            line: record.line().unwrap_or_default(),
        };
        let dynamic = Dynamic {
            message: &|out| out.write_fmt(*record.args()),
            place: Some(place),
            keys: &|entries| {
                // The only errors are those of a source that has no more to give.
                let _ = record.key_values().visit(&mut KeyVisitor(entries));
            },
        };
        dynamic::send(AtTarget(record.target()), &SITE, level, &dynamic);
    }

    fn flush(&self) {
        if let Err(error) = config::flush(PATIENCE) {
            notify("log", format_args!("{error:#}"));
        }
    }
}

/// Makes records of the crate `log` records of the global system, and keeps [`log::max_level`] at the most verbose level
/// that any logger lets through, also when levels change.
///
/// It may run before the global system is set up or after, and again after a [`shutdown`](crate::shutdown). See
/// [`LogBridge`] for what becomes of a record.
///
/// # Errors
///
/// `log` has a logger already, and it is not this one.
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

/// Whether [`init_log`] has run.
static INSTALLED: Mutex<bool> = Mutex::new(false);

pub(super) fn is_installed() -> bool {
    *lock(&INSTALLED)
}

/// Sets `log`'s greatest level to what the global system lets through.
fn follow_levels() {
    /// Held from the question to the answer, so that the last one to ask is the last one to answer.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = lock(&TURN);
    log::set_max_level(match Registry::global().most_verbose() {
        LevelFilter::Trace => log::LevelFilter::Trace,
        LevelFilter::Debug => log::LevelFilter::Debug,
        LevelFilter::Info => log::LevelFilter::Info,
        LevelFilter::Warn => log::LevelFilter::Warn,
        LevelFilter::Error => log::LevelFilter::Error,
        // `log` has nothing that is as severe.
        LevelFilter::Critical | LevelFilter::Off => log::LevelFilter::Off,
    });
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::Trace,
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    }
}

/// Adds key-values to a record.
struct KeyVisitor<'a, 'e>(&'a mut ExtrasWriter<'e>);

impl<'kvs> VisitSource<'kvs> for KeyVisitor<'_, '_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(TypedVisitor { entries: self.0, key: key.as_str() })
    }
}

/// Adds a value by its type.
struct TypedVisitor<'a, 'e> {
    entries: &'a mut ExtrasWriter<'e>,
    key: &'a str,
}

macro_rules! typed {
    ($($method:ident: $type:ty => $variant:ident;)*) => {$(
        fn $method(&mut self, value: $type) -> Result<(), kv::Error> {
            self.entries.named(self.key, Value::$variant(value));
            Ok(())
        }
    )*};
}

impl<'v> VisitValue<'v> for TypedVisitor<'_, '_> {
    typed! {
        visit_bool: bool => Bool;
        visit_i64: i64 => I64;
        visit_u64: u64 => U64;
        visit_i128: i128 => I128;
        visit_u128: u128 => U128;
        visit_f64: f64 => F64;
        visit_char: char => Char;
        visit_str: &str => Str;
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.entries.named(self.key, Value::Null);
        Ok(())
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.entries.field(self.key, &AsError(error));
        Ok(())
    }

    fn visit_borrowed_error(&mut self, error: &'v (dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.visit_error(error)
    }

    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        #[cfg(feature = "serde")]
        self.entries.field(self.key, &AsSerde(&value));
        #[cfg(not(feature = "serde"))]
        self.entries.field(self.key, &AsDisplay(&value));
        Ok(())
    }
}
