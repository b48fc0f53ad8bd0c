//! The settings of loggers, of the root logger, and of the system.
//!
//! These are not given to a builder by their rows: `make.rs` reads them by name. So their rows have no calls, and `()`
//! is the type of their builder.

use std::time::Duration;

use super::super::table::{Row, SettingInfo, settings};
use super::super::types::{FilterName, HandlerName, OptionalLevel, Size, Whole, choices};
use crate::policy::SpanEvents;

choices! {
    /// Which records spans log.
    pub(in super::super) SpanEventsName: SpanEvents {
        "none" => SpanEvents::None,
        "enter" => SpanEvents::Enter,
        "exit" => SpanEvents::Exit,
        "both" => SpanEvents::Both,
    }
}

fn infos(rows: Vec<Row<()>>) -> Vec<SettingInfo> {
    let infos = rows.into_iter().filter_map(|row| match row {
        Row::Setting(info, _) => Some(info),
        Row::Group(..) => None,
    });
    infos.collect()
}

/// The settings of a logger.
pub(in super::super) fn logger() -> Vec<SettingInfo> {
    infos(settings! { for ();
        "level": OptionalLevel = "notset", "the minimum level; `notset`: that of the next ancestor with one";
        "handlers": Vec<HandlerName> = "", "the logger's own handlers";
        "filters": Vec<FilterName> = "", "filters of the records logged to this logger";
        "propagate": bool = "true", "whether records also go to the ancestors' handlers";
        "disabled": bool = "false", "whether the logger is disabled";
    })
}

/// The settings of the root logger.
pub(in super::super) fn root() -> Vec<SettingInfo> {
    infos(settings! { for ();
        "level": OptionalLevel = "info", "the minimum level of all loggers without a level of their own";
        "handlers": Vec<HandlerName> = none, "the handlers; by default, all that no other part of the document names";
        "filters": Vec<FilterName> = "", "filters of the records logged to the root logger itself";
        "propagate": bool = "true", "has no effect: the root logger has no ancestors";
    })
}

/// The settings of the whole system.
pub(in super::super) fn system() -> Vec<SettingInfo> {
    infos(settings! { for ();
        "version": Whole<1, 1> = "1", "the version of the document's format";
        "strict": bool = "true", "whether unknown settings are errors; `false` makes them warnings";
        "disable_existing_loggers": bool = "false",
            "whether loggers that exist, and that the document does not name, are disabled (CPython's default is `true`)";
        "incremental": bool = "false",
            "whether the document only changes levels and `propagate` of a system that runs (CPython's meaning)";
        "directives": String = none, "levels of loggers in one line, such as `info,my_app::db=debug`; they override other levels";
        "span_events": SpanEventsName = "both", "which records spans log";
        "max_queue_bytes": Size<1_048_576> = "64 MiB", "the maximum memory of the queues of all handlers";
        "exit_timeout": Duration = "5 s", "how long the end of the process waits for the handlers of all systems";
        "drain_timeout": Duration = none,
            "how long handlers that a change removes may take to deliver; by default, the time that the change has";
        "probation": Duration = none,
            "how long the configuration before comes back if a new handler fails at its first delivery; by default, never";
        "watch": Duration = none,
            "how often a file that `init` has read is looked at, and loaded again if it has changed; by default, never";
        "limits.keys": Whole<8, 1_000_000> = "64", "the maximum number of keys of a record, in the whole process";
        "limits.key_bytes": Size<8> = "64 B", "the maximum length of a key";
        "limits.value_bytes": Size<64> = "64 KiB", "the maximum length of a value";
        "limits.record_bytes": Size<64> = "1 MiB", "the maximum length of a record; 64 MiB at most";
    })
}
