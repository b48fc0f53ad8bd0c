//! The formats of documents.

use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "json")]
use super::json;
use super::setting::Setting;
use super::toml;
#[cfg(feature = "yaml")]
use super::yaml;
use crate::error::{Position, Problem};

/// A format of configuration files.
///
/// A document is UTF-8 text of at most 4 MiB, with or without a byte order mark, and at most 32 levels deep.
///
/// # Examples
///
/// ```
/// use femtologging::config::{Format, Spec};
///
/// assert_eq!(Format::of_path("/etc/shop/log.yml"), Some(Format::Yaml));
/// assert_eq!(Format::of_path("/etc/shop/log.conf"), None);
/// assert!(Spec::from_str("handlers.console.type = \"stream\"", Format::Toml).is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// TOML 1.1.
    Toml,
    /// YAML 1.2, with the merge key `<<` of YAML 1.1. One document. Needs the Cargo feature `yaml`.
    Yaml,
    /// JSON, RFC 8259. Needs the Cargo feature `json`.
    Json,
}

impl Format {
    /// Returns the format that a path's extension names: `toml`, `yaml`, `yml` or `json`.
    ///
    /// Letter case does not matter. Returns `None` for any other extension, or none.
    pub fn of_path(path: impl AsRef<Path>) -> Option<Self> {
        let extension = path.as_ref().extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Reads a document. Every problem has a position.
    pub(super) fn parse(self, text: &str, source: &Arc<str>) -> Result<Setting, Vec<Problem>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > MOST_BYTES {
            return Err(vec![problem(Position::new(source.clone(), 1, 1), "the document is larger than 4 MiB")]);
        }
        match self {
            Self::Toml => toml::parse(text, source),
            #[cfg(feature = "yaml")]
            Self::Yaml => yaml::parse(text, source),
            #[cfg(not(feature = "yaml"))]
            Self::Yaml => {
                Err(vec![problem(Position::new(source.clone(), 1, 1), "YAML needs the Cargo feature `yaml`")])
            }
            #[cfg(feature = "json")]
            Self::Json => json::parse(text, source),
            #[cfg(not(feature = "json"))]
            Self::Json => {
                Err(vec![problem(Position::new(source.clone(), 1, 1), "JSON needs the Cargo feature `json`")])
            }
        }
    }
}

/// The maximum size of a document.
pub(super) const MOST_BYTES: usize = 4 << 20;

/// A problem of the document itself.
fn problem(position: Position, what: &str) -> Problem {
    Problem { position: Some(position), ..Problem::new("", "", what) }
}
