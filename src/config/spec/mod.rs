//! Configurations as data: documents, the environment, and the way from them to handlers and loggers.
//!
//! ```text
//! text ── format (toml, yaml, json) ──► Setting, a tree with positions
//!      ── document, python ───────────► Spec: parts with raw settings
//!      ── overrides ──────────────────► the same, with the environment's settings over them
//!      ── check ──────────────────────► the same, decoded by the tables; or all problems at once
//!      ── make ───────────────────────► MadeSystem, which the builder takes
//! ```
//!
//! `table` defines what a table of settings is, and `tables/` has one for each type of handlers, formatters and
//! filters. A new setting is a new row there: the loader, the overrides, the JSON Schema, the reference page, and what
//! [`effective`](Spec::effective) prints all read the rows, so none of them can forget it.
//!
//! # Example
//!
//! The document
//!
//! ```text
//! [handlers.file]                      # line 1
//! type = "rotating_file"
//! path = "${env:DIR}/shop.log"
//! max_bytes = "10240 KiB"
//! ```
//!
//! passes through these stages, with `DIR=/var/log` and `FEMTO_LOG__HANDLERS__FILE__LEVEL=debug`:
//!
//! | after | `handlers.file` is |
//! |---|---|
//! | `format` | a table with three texts, each with its line and column |
//! | `document` | a part of the type `rotating_file` with the settings `path` and `max_bytes` |
//! | `overrides` | the same part; it also has `level`, whose position is the variable's name |
//! | `check` | `path = "/var/log/shop.log"`, `max_bytes = "10 MiB"`, `level = "debug"` |
//! | `make` | a handler with an open file, built by `FemtoRotatingFileHandler::builder()` |
//!
//! # Invariants
//!
//! * No stage stops at the first mistake. A stage adds to a list of problems and leaves out what it could not read; the
//!   list is sorted by position and returned as one error.
//! * A part that could not be read is remembered as *refused*, so a reference to it is no second problem.
//! * After `check` every value is in its canonical form: two settings that mean the same are equal. A reload relies on
//!   this to find the handlers that have not changed.
//! * A value that came from `${file:…}`, or whose type is secret, is marked as secret before it can appear in a
//!   message.
//! * Nothing is opened, and no thread is started, before everything has been decoded without a problem.

mod check;
mod data;
mod document;
mod effective;
mod environment;
mod files;
mod format;
#[cfg(feature = "json")]
mod json;
mod loader;
mod make;
mod otel;
mod overrides;
mod part;
mod print;
mod python;
mod reference;
mod registry;
mod schema;
mod setting;
mod similar;
mod table;
mod tables;
mod text;
mod toml;
mod types;
mod units;
#[cfg(feature = "yaml")]
mod yaml;

pub use data::Spec;
pub use environment::Environment;
pub use format::Format;
pub use loader::Loader;
pub(super) use make::{MadeLogger, make, watch_interval};
pub use part::PartSpec;
pub use registry::{Arg, Args, Registry};
pub use setting::Setting;
