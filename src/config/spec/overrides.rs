//! Environment variables that set single settings: `FEMTO_LOG__HANDLERS__FILE__LEVEL=debug`.
//!
//! `__` separates the parts of a path, as names may contain `_`. What a variable cannot contain, such as the `-` of a
//! handler `my-file`, is also written as `_`. So names are compared in the form that they have in variables:
//!
//! | variable | sets |
//! |---|---|
//! | `FEMTO_LOG__HANDLERS__MY_FILE__PATH` | `handlers.my-file.path` or else `handlers.my_file.path` |
//! | `FEMTO_LOG__HANDLERS__FILE__IDLE__SPIN` | `handlers.file.idle.spin` |
//! | `FEMTO_LOG__LOGGERS__MY_APP__DB__LEVEL` | the level of the logger `my_app::db` |
//! | `FEMTO_LOG__LIMITS__KEYS` | `limits.keys`, a setting of the system |
//!
//! A logger's name contains `__` itself (`my_app::db`). A logger of the document is found as the longest one whose name
//! the path begins with; for a new logger, the last part of the path is the setting, if loggers have a setting of that
//! name.
//!
//! Variables are applied sorted by name, so that a result does not depend on the order of the process's environment.

use std::collections::BTreeMap;

use super::data::Spec;
use super::environment::{Environment, position_of};
use super::part::PartSpec;
use super::setting::{Content, Setting};
use super::tables::Tables;
use super::types::Section;
use crate::error::Problem;

const PREFIX: &str = "FEMTO_LOG__";

/// Sets what the variables say.
pub(super) fn apply(spec: &mut Spec, environment: &Environment, problems: &mut Vec<Problem>) {
    for (variable, value) in environment.with_prefix(PREFIX) {
        let mut complain = |what: &str| {
            problems.push(Problem { position: Some(position_of(&variable)), ..Problem::new("", "", what) });
        };
        let value = match value {
            Ok(value) => Setting::of_variable(value, position_of(&variable)),
            Err(why) => {
                complain(why);
                continue;
            }
        };
        let path = variable.strip_prefix(PREFIX).unwrap_or_default().to_ascii_lowercase();
        let (section, rest) = path.split_once("__").unwrap_or((&path, ""));
        let set = match section {
            "root" => set(&mut spec.root, rest, value),
            "loggers" => of_logger(&mut spec.loggers, rest, value),
            "formatters" => of_part(Section::Formatters, spec, rest, value),
            "filters" => of_part(Section::Filters, spec, rest, value),
            "handlers" => of_part(Section::Handlers, spec, rest, value),
            // Not a section, so a setting of the system; decoding reports one that does not exist.
            _ => set(&mut spec.system, &path, value),
        };
        if !set {
            complain("this names no setting; write FEMTO_LOG__HANDLERS__<NAME>__<SETTING>, and so on");
        }
    }
}

/// Sets a setting of a part by its name in a variable.
fn set(part: &mut PartSpec, path: &str, value: Setting) -> bool {
    let path: Vec<_> = path.split("__").collect();
    if path.iter().any(|name| name.is_empty()) {
        return false;
    }
    part.set(&path, value);
    true
}

/// Returns a name as it stands in variables: `my_app::db` is `my_app__db`.
fn in_variables(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// Finds the part whose name a path begins with, and what follows it. Of several, the longest name counts.
fn known<'n, 'p>(names: impl Iterator<Item = &'n String>, path: &'p str) -> Option<(String, &'p str)> {
    let found = names.filter_map(|name| {
        let rest = path.strip_prefix(&in_variables(name))?.strip_prefix("__")?;
        Some((name.clone(), rest))
    });
    found.max_by_key(|(name, _)| name.len())
}

fn of_part(section: Section, spec: &mut Spec, path: &str, value: Setting) -> bool {
    let parts = spec.section_mut(section);
    let new = || path.split_once("__").map(|(name, rest)| (name.to_owned(), rest));
    let Some((name, rest)) = known(parts.keys(), path).or_else(new) else { return false };
    if name.is_empty() {
        return false;
    }
    let part =
        parts.entry(name).or_insert_with(|| PartSpec { position: value.position.clone(), ..PartSpec::default() });
    if rest == "type" {
        if let Content::Text(kind) = value.content {
            (part.kind, part.kind_position) = (kind, value.position);
        }
        return true;
    }
    set(part, rest, value)
}

fn of_logger(loggers: &mut BTreeMap<String, PartSpec>, path: &str, value: Setting) -> bool {
    let new = || {
        // `__` separates the parts of a name as well: the setting is what a logger has.
        let (name, setting) = path.rsplit_once("__")?;
        let is_setting = Tables::get().logger.iter().any(|info| info.name == setting);
        is_setting.then(|| (name.replace("__", "::"), setting))
    };
    let Some((name, rest)) = known(loggers.keys(), path).or_else(new) else { return false };
    set(loggers.entry(name).or_default(), rest, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(spec: &mut Spec, variables: &[(&str, &str)]) -> Vec<String> {
        let mut problems = Vec::new();
        apply(spec, &Environment::of(variables.iter().copied()), &mut problems);
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn names_with_any_signs_are_found() {
        let mut spec = Spec::new()
            .handler("my-file", PartSpec::new("file"))
            .handler("my", PartSpec::new("null"))
            .logger("my_app::db", PartSpec::default());
        let variables = [
            ("FEMTO_LOG__HANDLERS__MY_FILE__PATH", "/a"),
            ("FEMTO_LOG__HANDLERS__MY__LEVEL", "info"),
            ("FEMTO_LOG__HANDLERS__NEW__TYPE", "stream"),
            ("FEMTO_LOG__HANDLERS__MY__IDLE__SPIN", "1 us"),
            ("FEMTO_LOG__LOGGERS__MY_APP__DB__LEVEL", "debug"),
            ("FEMTO_LOG__LOGGERS__OTHER__NET__PROPAGATE", "false"),
            ("FEMTO_LOG__ROOT__LEVEL", "warn"),
            ("FEMTO_LOG__LIMITS__KEYS", "9"),
            ("FEMTO_LOG_CONFIG", "not one of them"),
        ];
        assert_eq!(applied(&mut spec, &variables), Vec::<String>::new());
        assert_eq!(spec.handlers["my-file"].get("path"), Some(&"/a".into()));
        assert_eq!(spec.handlers["my"].get("level"), Some(&"info".into()));
        assert_eq!(spec.handlers["my"].get("idle"), Some(&[("spin", "1 us")].into()));
        assert_eq!(spec.handlers["new"].kind(), "stream");
        assert_eq!(spec.loggers["my_app::db"].get("level"), Some(&"debug".into()));
        assert_eq!(spec.loggers["other::net"].get("propagate"), Some(&"false".into()));
        assert_eq!(spec.root.get("level"), Some(&"warn".into()));
        assert_eq!(spec.system.get("limits"), Some(&[("keys", "9")].into()));
    }

    #[test]
    fn what_names_no_setting_is_a_problem() {
        let variables = [
            ("FEMTO_LOG__", "1"),
            ("FEMTO_LOG__HANDLERS", "1"),
            ("FEMTO_LOG__HANDLERS__X", "1"),
            ("FEMTO_LOG__LOGGERS__X__COLOUR", "1"),
        ];
        let problems = applied(&mut Spec::new(), &variables);
        let what = "this names no setting; write FEMTO_LOG__HANDLERS__<NAME>__<SETTING>, and so on";
        assert_eq!(problems, variables.map(|(name, _)| format!("{name}: {what}")));
    }
}
