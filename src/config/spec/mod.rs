//! Configuration as data: documents, the environment, and what becomes of them.
//!
//! ```text
//! text ── format (toml, yaml, json) ──► Setting, a tree with positions
//!      ── document, python ───────────► Spec, parts with raw settings
//!      ── overrides ──────────────────► the environment's settings over them
//!      ── check ──────────────────────► Spec, decoded by the tables; or all problems at once
//!      ── make ───────────────────────► MadeSystem, which the builder takes
//! ```
//!
//! `table` says what a table of settings is, and `tables/` has them.

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
