//! Decodes a configuration, and finds mistakes that involve several parts.
//!
//! A part is decoded by the table of its type ([`PartSpec::decode`]). This module calls that for each part, and then
//! looks at the references between parts:
//!
//! | mistake | message |
//! |---|---|
//! | a name that does not exist | ``there is no formatter of this name; did you mean "console"?`` |
//! | a handler inside itself | `this handler would be inside itself` |
//! | a handler inside two others | `this handler is inside the handler "fallback" already` |
//! | a logger that names an inner handler | `this handler is inside the handler "fallback": name that one` |
//!
//! A handler has one thread and one queue, so it can be inside one other handler at most, and then no logger can have
//! it. Formatters and filters can be shared: each handler that names one gets its own.
//!
//! The graph of references is searched with a list of parts still to visit instead of recursion, since its depth is the
//! document's choice.

use std::collections::BTreeMap;

use super::data::Spec;
use super::environment::Environment;
use super::part::{Decoding, Others, PartSpec, is_unknown, join};
use super::registry::Registry;
use super::setting::Content;
use super::similar::hint;
use super::table::{Preset, SettingInfo};
use super::tables::handlers::common_infos;
use super::tables::{MISSING, Tables, TypeInfo};
use super::types::{Reference, Section};
use crate::error::{Position, Problem};
use crate::logger;

const SECTIONS: [Section; 3] = [Section::Formatters, Section::Filters, Section::Handlers];

/// Decodes all parts; see [`PartSpec::decode`]. Without a registry, any type is accepted.
pub(super) fn decode(
    spec: &mut Spec,
    registry: Option<&Registry>,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) {
    let tables = Tables::get();
    let is = |name: &str, value| spec.system.settings.get(name).is_some_and(|set| set.content == Content::Bool(value));
    let (is_strict, is_incremental) = (!is("strict", false), is("incremental", true));
    let mut warnings = std::mem::take(&mut spec.warnings);
    let refused = Vec::new();
    let mut decoding = Decoding { environment, problems, warnings: &mut warnings, is_strict, is_incremental, refused };
    spec.system.decode(&tables.system, Others::Refuse, "", &mut decoding);
    for section in SECTIONS {
        let types = tables.of(section);
        for (name, part) in spec.section_mut(section) {
            if section == Section::Handlers && (name.is_empty() || name.chars().any(char::is_control)) {
                let remedy = "give the handler a name, without control characters";
                decoding.problem(part.position.clone(), "handlers".to_owned(), &format!("{name:?}"), remedy);
            }
            let path = format!("{}.{name}", section.names().0);
            match types.iter().find(|kind| kind.name == part.kind) {
                Some(kind) => part.decode(kind.infos, Others::Refuse, &path, &mut decoding),
                None => {
                    let common = if section == Section::Handlers { common_infos() } else { &[] };
                    part.decode(common, Others::Keep, &path, &mut decoding);
                    look_for_type(section, part, &path, registry, &types, &mut decoding);
                }
            }
        }
    }
    for (name, part) in &mut spec.loggers {
        let why = match name.as_str() {
            "" | "root" => Some("the root logger is the section `root`"),
            name => logger::Registry::name_problem(name),
        };
        if let Some(why) = why {
            let remedy = format!("a logger cannot have this name: {why}");
            decoding.problem(part.position.clone(), "loggers".to_owned(), &format!("{name:?}"), remedy);
        }
        part.decode(&tables.logger, Others::Refuse, &format!("loggers.{name}"), &mut decoding);
    }
    spec.root.decode(&tables.root, Others::Refuse, "root", &mut decoding);
    spec.warnings = warnings;
    references(spec, problems);
}

/// Reports an unknown type.
fn look_for_type(
    section: Section,
    part: &PartSpec,
    path: &str,
    registry: Option<&Registry>,
    types: &[TypeInfo<'_>],
    decoding: &mut Decoding<'_>,
) {
    let users: Vec<&str> = match (registry, section) {
        (None, _) => Vec::new(),
        (Some(registry), Section::Formatters) => registry.formatters.keys().map(String::as_str).collect(),
        (Some(registry), Section::Filters) => registry.filters.keys().map(String::as_str).collect(),
        (Some(registry), Section::Handlers) => registry.handlers.keys().map(String::as_str).collect(),
    };
    let position = part.kind_position.clone().or_else(|| part.position.clone());
    let field = format!("{path}.type");
    let what = section.names().1;
    // An incremental document changes a handler that runs, and need not say its type.
    if part.kind.is_empty() && decoding.is_incremental {
    } else if part.kind.is_empty() {
        decoding.problem(position, field, "", format!("missing: the type of the {what}"));
    } else if users.contains(&part.kind.as_str()) {
    } else if let Some((_, feature)) = MISSING.iter().find(|(name, _)| *name == part.kind) {
        let remedy = format!("this type needs the Cargo feature `{feature}`");
        decoding.problem(position, field, &format!("{:?}", part.kind), remedy);
    } else if registry.is_some() {
        let hint = hint(&part.kind, types.iter().map(|kind| kind.name).chain(users));
        decoding.problem(position, field, &format!("{:?}", part.kind), format!("no such type of {what}s{hint}"));
    }
}

/// Returns the rows of a part's settings, as far as the library knows them.
pub(super) fn infos_of(section: Section, part: &PartSpec) -> Vec<SettingInfo> {
    let types = Tables::get().of(section);
    match types.iter().find(|kind| kind.name == part.kind) {
        Some(kind) => kind.infos.to_vec(),
        None if section == Section::Handlers => common_infos().to_vec(),
        None => Vec::new(),
    }
}

/// Returns what the settings of a part refer to, with the names of the settings.
fn references_of(part: &PartSpec, infos: &[SettingInfo]) -> Vec<(&'static str, Reference)> {
    let mut all = Vec::new();
    for info in infos {
        if let Some(setting) = part.settings.get(info.name).filter(|setting| !is_unknown(setting)) {
            let mut found = Vec::new();
            (info.kind.references)(setting, &mut found);
            all.extend(found.into_iter().filter(|found| !found.name.is_empty()).map(|found| (info.name, found)));
        }
    }
    all
}

/// Whether a formatter of this name exists: one of the document's, or a type that needs no settings.
pub(super) fn has_formatter(spec: &Spec, name: &str) -> bool {
    let tables = Tables::get();
    spec.formatters.contains_key(name)
        || tables
            .formatters
            .iter()
            .any(|kind| kind.name == name && kind.infos.iter().all(|info| info.default != Preset::Required))
}

/// Returns the handlers that are inside others, each with the one that it is in.
pub(super) fn inner_handlers(spec: &Spec) -> BTreeMap<String, String> {
    let mut inner = BTreeMap::new();
    for (name, part) in &spec.handlers {
        for (_, reference) in references_of(part, &infos_of(Section::Handlers, part)) {
            if reference.section == Section::Handlers {
                inner.entry(reference.name).or_insert_with(|| name.clone());
            }
        }
    }
    inner
}

/// Returns whether a handler, and everything that it refers to, says the same in both configurations, which are
/// decoded.
pub(super) fn is_same_handler(name: &str, one: &Spec, other: &Spec) -> bool {
    let (mut seen, mut todo) = (Vec::new(), vec![(Section::Handlers, name.to_owned())]);
    while let Some((section, name)) = todo.pop() {
        let part = one.section(section).get(&name);
        if part != other.section(section).get(&name) {
            return false;
        }
        // Without a part it is a type that needs no settings.
        if let Some(part) = part.filter(|_| !seen.contains(&(section, name.clone()))) {
            let found = references_of(part, &infos_of(section, part)).into_iter();
            todo.extend(found.map(|(_, found)| (found.section, found.name)));
        }
        // Also a part that was not found, so that it is looked for once.
        seen.push((section, name));
    }
    true
}

/// Finds references to parts that do not exist, that lead in a circle, or that want one handler twice.
fn references(spec: &Spec, problems: &mut Vec<Problem>) {
    let mut complain = |path: String, reference: &Reference, remedy: String| {
        let position = reference.position.clone();
        problems.push(Problem { position, ..Problem::new(path, format_args!("{:?}", reference.name), remedy) });
    };
    let exists = |reference: &Reference| match reference.section {
        Section::Formatters => has_formatter(spec, &reference.name),
        section => spec.section(section).contains_key(&reference.name),
    };
    let is_refused = |reference: &Reference| {
        spec.refused.iter().any(|(section, name)| *section == reference.section && *name == reference.name)
    };
    let exists = |reference: &Reference| exists(reference) || is_refused(reference);
    let missing = |reference: &Reference| {
        let (_, what) = reference.section.names();
        let names = spec.section(reference.section).keys().map(String::as_str);
        format!("there is no {what} of this name{}", hint(&reference.name, names))
    };
    let inner = inner_handlers(spec);
    for section in SECTIONS {
        for (name, part) in spec.section(section) {
            for (setting, reference) in references_of(part, &infos_of(section, part)) {
                let path = format!("{}.{name}.{setting}", section.names().0);
                if !exists(&reference) {
                    complain(path, &reference, missing(&reference));
                } else if reference.section == section && leads_to(spec, section, &reference.name, name) {
                    complain(path, &reference, format!("this {} would be inside itself", section.names().1));
                } else if reference.section == Section::Handlers && inner.get(&reference.name) != Some(name) {
                    let other = inner.get(&reference.name).map_or("", String::as_str);
                    complain(path, &reference, format!("this handler is inside the handler {other:?} already"));
                }
            }
        }
    }
    let tables = Tables::get();
    let loggers = spec.loggers.iter().map(|(name, part)| (format!("loggers.{name}"), part, &tables.logger));
    for (path, part, infos) in loggers.chain([("root".to_owned(), &spec.root, &tables.root)]) {
        for (setting, reference) in references_of(part, infos) {
            let path = format!("{path}.{setting}");
            if !exists(&reference) {
                complain(path, &reference, missing(&reference));
            } else if let Some(outer) = inner.get(&reference.name).filter(|_| reference.section == Section::Handlers) {
                let remedy = format!("this handler is inside the handler {outer:?}: name that one");
                complain(path, &reference, remedy);
            }
        }
    }
}

/// Whether a part is another one, or refers to it by others of its section.
fn leads_to(spec: &Spec, section: Section, from: &str, to: &str) -> bool {
    let (mut seen, mut todo) = (Vec::new(), vec![from.to_owned()]);
    while let Some(name) = todo.pop() {
        if name == to {
            return true;
        }
        if seen.contains(&name) {
            continue;
        }
        if let Some(part) = spec.section(section).get(&name) {
            let found = references_of(part, &infos_of(section, part)).into_iter();
            todo.extend(found.map(|(_, found)| found).filter(|found| found.section == section).map(|found| found.name));
        }
        seen.push(name);
    }
    false
}

/// Returns where the setting of a builder's problem was given: a setting, a group, or the part.
pub(super) fn position_in(part: &PartSpec, field: &str) -> Option<Position> {
    // Some problems are about two settings.
    let field = field.split([',', '[']).next().unwrap_or_default();
    let inside = |name: &&String| name.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'));
    let name = part.settings.keys().find(inside).map_or(field, String::as_str);
    part.position_of(name)
}

/// Returns the root logger's handlers: those that it names, or else all that no other part names.
pub(super) fn root_handlers(spec: &Spec, inner: &BTreeMap<String, String>) -> Vec<String> {
    let named = |part: &PartSpec, infos: &[SettingInfo]| -> Vec<String> {
        let found = references_of(part, infos).into_iter().map(|(_, found)| found);
        found.filter(|found| found.section == Section::Handlers).map(|found| found.name).collect()
    };
    let tables = Tables::get();
    if spec.root.settings.contains_key("handlers") {
        return named(&spec.root, &tables.root);
    }
    let taken: Vec<String> = spec.loggers.values().flat_map(|part| named(part, &tables.logger)).collect();
    spec.handlers.keys().filter(|name| !inner.contains_key(*name) && !taken.contains(name)).cloned().collect()
}

/// Reports settings whose values are unknown, because a check has ignored missing variables.
pub(super) fn is_whole(spec: &Spec, problems: &mut Vec<Problem>) {
    let sections = SECTIONS.into_iter().flat_map(|section| {
        spec.section(section).iter().map(move |(name, part)| (format!("{}.{name}", section.names().0), part))
    });
    let loggers = spec.loggers.iter().map(|(name, part)| (format!("loggers.{name}"), part));
    for (path, part) in sections.chain(loggers).chain([("root".to_owned(), &spec.root), (String::new(), &spec.system)])
    {
        for (name, setting) in part.settings.iter().filter(|(_, setting)| is_unknown(setting)) {
            let remedy = "the value was not known when this configuration was checked; read it again to use it";
            let position = setting.position.clone();
            problems.push(Problem { position, ..Problem::new(join(&path, name), "", remedy) });
        }
    }
}
