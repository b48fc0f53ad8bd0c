//! The environment of a configuration: its variables, and the interpolation of settings.
//!
//! | in a text of a document | is replaced by |
//! |---|---|
//! | `${env:NAME}` | the variable; an error if it is not set |
//! | `${env:NAME:-default}` | the variable, or the default if it is not set or empty |
//! | `${file:/path}` | the file's text without its last line feed, as a secret of at most 64 KiB |
//! | `$$` | `$` |
//!
//! What takes a reference's place is not searched for references again, so a variable's value cannot name another
//! variable or a file. Text of code and of variables is not searched at all. `${…}` with anything else in it is an
//! error, except in patterns, where `$` belongs to the pattern.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::files;
use super::setting::{Content, Setting};
use crate::error::{Position, Problem};

/// The environment variables that a configuration sees.
///
/// # Examples
///
/// ```
/// use femtologging::config::{Environment, Format, Loader};
///
/// let environment = Environment::of([("LEVEL", "debug")]);
/// let loader = Loader::new().environment(environment);
/// let spec = loader.read("[root]\nlevel = \"${env:LEVEL}\"", Format::Toml, "log.toml")?;
/// assert_eq!(spec.root.get("level"), Some(&"debug".into()));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    /// `None` for the variables of the process, read when they are asked for.
    variables: Option<BTreeMap<String, String>>,
    ignores_missing: bool,
}

impl std::fmt::Debug for Environment {
    /// Omits the variables, which may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.as_ref().map(BTreeMap::len))
            .field("ignores_missing", &self.ignores_missing)
            .finish()
    }
}

impl Environment {
    /// Returns the environment of the process.
    pub fn process() -> Self {
        Self::default()
    }

    /// Makes an environment of these variables alone.
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: Some(variables.collect()), ignores_missing: false }
    }

    /// Sets whether missing variables and files are ignored: a check of a configuration on another machine than the one
    /// that it is for. What depends on them is not checked, and such a configuration cannot be built.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Environment, Format, Loader};
    ///
    /// let text = "handlers.file = { type = \"file\", path = \"${env:LOG_DIR}/app.log\", colour = 1 }";
    /// let here = Environment::of::<&str, &str>([]).ignore_missing(true);
    /// let error = Loader::new().environment(here).read(text, Format::Toml, "log.toml").unwrap_err();
    /// assert_eq!(error.problems().len(), 1); // `colour`; LOG_DIR is set where the program will run
    /// ```
    pub fn ignore_missing(mut self, ignore: bool) -> Self {
        self.ignores_missing = ignore;
        self
    }

    /// Returns a variable; an error if it is not Unicode text.
    pub(super) fn get(&self, name: &str) -> Result<Option<String>, &'static str> {
        match &self.variables {
            Some(variables) => Ok(variables.get(name).cloned()),
            // std panics on such names.
            None if name.is_empty() || name.contains(['=', '\0']) => Ok(None),
            None => std::env::var_os(name).map(OsString::into_string).transpose().map_err(|_| NOT_TEXT),
        }
    }

    /// Returns the variables whose names begin with a prefix, sorted by name.
    pub(super) fn with_prefix(&self, prefix: &str) -> BTreeMap<String, Result<String, &'static str>> {
        let starts = |name: &str| name.starts_with(prefix);
        match &self.variables {
            Some(variables) => {
                let found = variables.iter().filter(|(name, _)| starts(name));
                found.map(|(name, value)| (name.clone(), Ok(value.clone()))).collect()
            }
            None => {
                let found = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
                let found = found.filter(|(name, _)| starts(name));
                found.map(|(name, value)| (name, value.into_string().map_err(|_| NOT_TEXT))).collect()
            }
        }
    }

    /// Replaces `${env:NAME}`, `${env:NAME:-default}`, `${file:/path}` and `$$` in the text of a setting and of those
    /// in it. What takes their place is not looked at again.
    ///
    /// In a pattern, only the first three are replaced: `$` has a meaning of its own there.
    pub(super) fn interpolate(&self, setting: &mut Setting, is_pattern: bool, path: &str, problems: &mut Vec<Problem>) {
        // Once only: a value must not be searched again, whatever it contains.
        if !std::mem::take(&mut setting.is_raw) {
            return;
        }
        match &mut setting.content {
            Content::List(values) => {
                for (index, value) in values.iter_mut().enumerate() {
                    self.interpolate(value, is_pattern, &format!("{path}[{index}]"), problems);
                }
            }
            Content::Table(table) => {
                for (name, value) in &mut table.0 {
                    self.interpolate(value, is_pattern, &format!("{path}.{}", name.text), problems);
                }
            }
            Content::Text(text) if text.contains('$') => {
                let mut replaced = Replaced { is_pattern, ..Replaced::default() };
                let result = self.replace(text, &mut replaced);
                if let Err(what) = result {
                    problems.push(Problem { position: setting.position.clone(), ..Problem::new(path, "", what) });
                    setting.is_unknown = true;
                }
                setting.is_secret |= replaced.is_secret;
                setting.is_unknown |= replaced.is_unknown;
                if replaced.text != *text {
                    // A number or boolean can come out of a variable only as text.
                    setting.is_coerced = true;
                    setting.template = Some(std::mem::replace(text, replaced.text));
                }
            }
            _ => {}
        }
    }

    fn replace(&self, text: &str, out: &mut Replaced) -> Result<(), String> {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.text.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                out.text.push_str(if out.is_pattern { "$$" } else { "$" });
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
                if rest.starts_with('{') && !out.is_pattern {
                    return Err("`${` has no `}`; write `$$` for a dollar sign".to_owned());
                }
                out.text.push('$');
                continue;
            };
            match name.split_once(':') {
                Some(("env", name)) => self.variable(name, out)?,
                Some(("file", path)) => self.file(path, out)?,
                _ if out.is_pattern => {
                    out.text.push('$');
                    continue;
                }
                _ => {
                    let hint =
                        format!("`${{{name}}}` is no reference; write `${{env:NAME}}`, `${{file:/path}}`, or `$$`");
                    return Err(format!("{hint} for a dollar sign"));
                }
            }
            rest = after;
        }
        out.text.push_str(rest);
        Ok(())
    }

    fn variable(&self, reference: &str, out: &mut Replaced) -> Result<(), String> {
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if name.is_empty() || name.contains(['=', '\0', ':']) {
            return Err(format!(
                "`${{env:{reference}}}` names no variable; write `${{env:NAME}}` or `${{env:NAME:-default}}`"
            ));
        }
        match (self.get(name), default) {
            (Err(why), _) => return Err(format!("the environment variable {name} {why}")),
            // As in shells, the default of `:-` also applies to an empty variable.
            (Ok(Some(value)), Some(default)) if value.is_empty() => out.text.push_str(default),
            (Ok(Some(value)), _) => out.text.push_str(&value),
            (Ok(None), Some(default)) => out.text.push_str(default),
            (Ok(None), None) if self.ignores_missing => out.is_unknown = true,
            (Ok(None), None) => {
                return Err(format!("the environment variable {name} is not set; `${{env:{name}:-…}}` has a default"));
            }
        }
        Ok(())
    }

    fn file(&self, path: &str, out: &mut Replaced) -> Result<(), String> {
        let read = files::read(Path::new(path), MOST_BYTES);
        match read {
            Err(_) if self.ignores_missing => out.is_unknown = true,
            Err(error) => return Err(format!("cannot read the file {path}: {error}")),
            Ok(bytes) => {
                // Not even a part of it may be said.
                let text = String::from_utf8(bytes).map_err(|_| format!("the file {path} {NOT_TEXT}"))?;
                let text =
                    text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
                out.text.push_str(text);
                out.is_secret = true;
            }
        }
        Ok(())
    }
}

const NOT_TEXT: &str = "is not Unicode text";

/// The maximum size of a file that a setting refers to.
const MOST_BYTES: u64 = 64 << 10;

/// A text and what is known of it.
#[derive(Default)]
struct Replaced {
    text: String,
    is_pattern: bool,
    is_secret: bool,
    is_unknown: bool,
}

/// The position of a setting that an environment variable gives.
pub(super) fn position_of(variable: &str) -> Position {
    Position::new(variable.into(), 0, 0)
}
