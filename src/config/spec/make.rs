//! Builds the handlers and the settings of loggers that a [`Spec`] describes.
//!
//! ```text
//! Spec ── check::decode ──► no problems? ── Makers::system ──► MadeSystem
//!                               │                  │
//!                               └── Error          └── formatter(name), filter(name), handler(name)
//! ```
//!
//! [`Makers`] builds parts by name. A part that refers to others asks for them through the trait [`Maker`]: the handler
//! `fallback` asks for its two handlers, and each of those for its formatter. The check has excluded circles before, so
//! the recursion ends.
//!
//! # Errors
//!
//! Mistakes that only a builder can see, such as a directory that does not exist or a pattern with an unknown field,
//! are found here. The first part that is wrong does not stop the others: its problem is recorded, with the position of
//! the setting that caused it, and the part that wanted it gets an error *without* problems, which says "reported
//! already". So each mistake is reported once, however many parts refer to the part with the mistake.
//!
//! # Reloads
//!
//! `running` is the configuration of the system that is being reloaded. A handler that says the same in both, including
//! the parts that it refers to, is not built again: its entry has no [`HandlerSpec`], and the running handler stays.

use std::sync::Arc;
use std::time::Duration;

use super::check;
use super::data::Spec;
use super::environment::Environment;
use super::loader::sorted;
use super::part::{PartSpec, is_unknown};
use super::registry::{Args, Registry};
use super::table::{Decoded, MadeFormatter, Maker, SettingInfo};
use super::tables::Tables;
use super::tables::general::SpanEventsName;
use super::types::{FilterName, HandlerName, OptionalLevel, Section, Size, Whole};
use crate::error::{Error, Problem, caught, notify};
use crate::filter::FemtoFilter;
use crate::handler::HandlerSpec;
use crate::level::LevelFilter;
use crate::policy::SpanEvents;
use crate::value::Limits;

/// Handlers and everything else that a configuration comes to.
pub(in crate::config) struct MadeSystem {
    /// The configuration, decoded.
    pub(in crate::config) spec: Arc<Spec>,
    /// The handlers by name; `None` for one that is running as it should.
    pub(in crate::config) handlers: Vec<(String, Option<HandlerSpec>)>,
    pub(in crate::config) loggers: Vec<(String, MadeLogger)>,
    pub(in crate::config) root: MadeLogger,
    pub(in crate::config) directives: Option<String>,
    pub(in crate::config) span_events: Option<SpanEvents>,
    pub(in crate::config) max_queue_bytes: Option<usize>,
    pub(in crate::config) limits: Option<Limits>,
    pub(in crate::config) exit_timeout: Option<Duration>,
    pub(in crate::config) drain_timeout: Option<Duration>,
    pub(in crate::config) probation: Option<Duration>,
    pub(in crate::config) disable_existing_loggers: bool,
}

/// Returns how often a configuration, which is decoded, wants its file to be looked at.
pub(in crate::config) fn watch_interval(spec: &Spec) -> Option<Duration> {
    let interval = decoded(&spec.system, &Tables::get().system).get::<Duration>("watch");
    interval.filter(|interval| !interval.is_zero())
}

/// The settings of a logger.
pub(in crate::config) struct MadeLogger {
    pub(in crate::config) level: Option<LevelFilter>,
    pub(in crate::config) handlers: Vec<String>,
    pub(in crate::config) filters: Vec<Arc<dyn FemtoFilter>>,
    pub(in crate::config) propagate: bool,
    pub(in crate::config) disabled: bool,
}

/// Makes what a configuration says: files are opened, certificates are read, no thread is started. Handlers that
/// `running` has as well, with the same settings, are not made.
pub(in crate::config) fn make(spec: &Spec, registry: &Registry, running: Option<&Spec>) -> Result<MadeSystem, Error> {
    let mut spec = spec.clone();
    let mut problems = Vec::new();
    check::decode(&mut spec, Some(registry), &Environment::process(), &mut problems);
    check::is_whole(&spec, &mut problems);
    if !problems.is_empty() {
        return Err(Error::config(sorted(problems)));
    }
    let spec = Arc::new(spec);
    let made = make_decoded(&spec, registry, running)?;
    for warning in &spec.warnings {
        notify("configuration", format_args!("{warning}"));
    }
    Ok(made)
}

impl Spec {
    /// Finds what [`Config::from_spec`](crate::Config::from_spec) would find, without opening log files: mistakes that
    /// only the builders of handlers, formatters and filters see. Parts with values that are not known, because
    /// [missing variables](Environment::ignore_missing) are ignored, are left out.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its position and a remedy.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{PartSpec, Registry, Spec};
    ///
    /// let handler = PartSpec::new("file").with("path", "app.log").with("formatter", "mine");
    /// let pattern = PartSpec::new("pattern").with("pattern", "no field");
    /// let spec = Spec::new().handler("file", handler).formatter("mine", pattern);
    /// let error = spec.check(&Registry::new()).unwrap_err();
    /// assert_eq!(error.problems()[0].field, "formatters.mine.pattern");
    /// ```
    pub fn check(&self, registry: &Registry) -> Result<(), Error> {
        let mut spec = self.clone();
        let mut problems = Vec::new();
        check::decode(&mut spec, Some(registry), &Environment::process(), &mut problems);
        if !problems.is_empty() {
            return Err(Error::config(sorted(problems)));
        }
        for part in spec.handlers.values_mut() {
            // With `delay`, building a handler of files opens none.
            if check::infos_of(Section::Handlers, part).iter().any(|info| info.name == "delay") {
                part.settings.insert("delay".to_owned(), true.into());
            }
        }
        make_decoded(&Arc::new(spec), registry, None).map(drop)
    }
}

/// Makes what a decoded configuration says.
fn make_decoded(spec: &Arc<Spec>, registry: &Registry, running: Option<&Spec>) -> Result<MadeSystem, Error> {
    let mut makers = Makers { spec, registry, running, problems: Vec::new(), errors: Vec::new() };
    let made = makers.system();
    let Makers { problems, mut errors, .. } = makers;
    if !problems.is_empty() {
        errors.insert(0, Error::config(sorted(problems)));
    }
    Error::gather(errors)?;
    Ok(made)
}

/// Makes parts by name.
struct Makers<'a> {
    spec: &'a Arc<Spec>,
    registry: &'a Registry,
    running: Option<&'a Spec>,
    problems: Vec<Problem>,
    errors: Vec<Error>,
}

impl Makers<'_> {
    fn system(&mut self) -> MadeSystem {
        let (spec, tables) = (self.spec, Tables::get());
        // What nothing uses is made as well, to find what is wrong with it.
        for name in spec.formatters.keys() {
            let _ = self.formatter(name);
        }
        for name in spec.filters.keys() {
            let _ = self.filter(name);
        }
        let inner = check::inner_handlers(spec);
        let mut handlers = Vec::new();
        // A handler inside another one is made by that one.
        for name in spec.handlers.keys().filter(|name| !inner.contains_key(*name)) {
            if self.running.is_some_and(|running| check::is_same_handler(name, running, spec)) {
                handlers.push((name.clone(), None));
            } else {
                handlers.extend(self.handler(name).ok().map(|handler| (name.clone(), Some(handler))));
            }
        }
        let loggers = spec
            .loggers
            .iter()
            .map(|(name, part)| (name.clone(), self.logger(&format!("loggers.{name}"), part, &tables.logger)));
        let loggers = loggers.collect();
        let mut root = self.logger("root", &spec.root, &tables.root);
        root.handlers = check::root_handlers(spec, &inner);
        if spec.root.settings.contains_key("level") {
            // The root logger has no ancestor whose level it could have: CPython's `NOTSET` lets everything through.
            root.level = root.level.or(Some(LevelFilter::Trace));
        }
        let settings = decoded(&spec.system, &tables.system);
        if let Some(true) = settings.get::<bool>("incremental") {
            let position = spec.system.position_of("incremental");
            let remedy = "this document only changes a system that runs; a new one needs `incremental = false`";
            self.problems.push(Problem { position, ..Problem::new("incremental", "true", remedy) });
        }
        MadeSystem {
            spec: spec.clone(),
            handlers,
            loggers,
            root,
            directives: settings.get("directives"),
            span_events: settings.get::<SpanEventsName>("span_events").map(|events| events.value),
            max_queue_bytes: settings.get::<Size<1_048_576>>("max_queue_bytes").map(Size::bytes),
            limits: self.limits(&settings),
            exit_timeout: settings.get("exit_timeout"),
            drain_timeout: settings.get("drain_timeout"),
            probation: settings.get("probation"),
            disable_existing_loggers: settings.get("disable_existing_loggers").unwrap_or(false),
        }
    }

    fn logger(&mut self, path: &str, part: &PartSpec, infos: &[SettingInfo]) -> MadeLogger {
        let settings = decoded(part, infos);
        let filters = self.filters(&settings);
        if filters.iter().any(|filter| filter.is_for_handlers()) {
            let remedy = "a logger's filters cannot rewrite records: give this one to the handlers";
            let position = part.position_of("filters");
            self.problems.push(Problem { position, ..Problem::new(format!("{path}.filters"), "", remedy) });
        }
        let handlers = settings.get::<Vec<HandlerName>>("handlers").unwrap_or_default();
        MadeLogger {
            level: settings.get("level").and_then(|OptionalLevel(level)| level),
            handlers: handlers.into_iter().map(|name| name.0).collect(),
            filters,
            propagate: settings.get("propagate").unwrap_or(true),
            disabled: settings.get("disabled").unwrap_or(false),
        }
    }

    /// Returns the limits of records, if the configuration has any.
    fn limits(&mut self, settings: &Decoded<'_>) -> Option<Limits> {
        let keys = settings.get::<Whole<8, 1_000_000>>("limits.keys").map(Whole::size);
        let [key_bytes, value_bytes, record_bytes] = ["limits.key_bytes", "limits.value_bytes", "limits.record_bytes"]
            .map(|name| settings.get::<Size>(name).map(Size::bytes));
        keys.or(key_bytes).or(value_bytes).or(record_bytes)?;
        let default = Limits::default();
        let limits = Limits {
            keys: keys.unwrap_or(default.keys),
            key_bytes: key_bytes.unwrap_or(default.key_bytes),
            value_bytes: value_bytes.unwrap_or(default.value_bytes),
            record_bytes: record_bytes.unwrap_or(default.record_bytes),
        };
        if let Some(problem) = limits.problem() {
            let position = check::position_in(&self.spec.system, &problem.field);
            self.problems.push(Problem { position, ..problem });
        }
        Some(limits)
    }

    fn filters(&mut self, settings: &Decoded<'_>) -> Vec<Arc<dyn FemtoFilter>> {
        let names = settings.get::<Vec<FilterName>>("filters").unwrap_or_default();
        names.into_iter().filter_map(|name| self.filter(&name.0).ok()).collect()
    }

    /// Makes a part of a section; see [`Maker`] for errors.
    fn part<T>(
        &mut self,
        section: Section,
        name: &str,
        make: impl FnOnce(&PartSpec, &mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let part = self.spec.section(section).get(name).ok_or_else(reported)?;
        // What depends on a variable that only another machine has cannot be built here.
        if part.settings.values().any(is_unknown) {
            return Err(reported());
        }
        make(part, self).map_err(|error| {
            let path = format!("{}.{name}", section.names().0);
            if error.is_config() {
                for problem in error.problems() {
                    let position = problem.position.clone().or_else(|| check::position_in(part, &problem.field));
                    let field = match problem.field.as_str() {
                        "" => path.clone(),
                        field => format!("{path}.{field}"),
                    };
                    let is_secret = part.settings.get(&problem.field).is_some_and(|setting| setting.is_secret);
                    let value = if is_secret { "***".to_owned() } else { problem.value.clone() };
                    let problem = Problem { position, field, value, ..problem.clone() };
                    if !self.problems.contains(&problem) {
                        self.problems.push(problem);
                    }
                }
            } else {
                self.errors.push(error.with_prefix(&path));
            }
            reported()
        })
    }

    fn is_strict(&self) -> bool {
        decoded(&self.spec.system, &Tables::get().system).get("strict").unwrap_or(true)
    }
}

/// An error that was reported already.
fn reported() -> Error {
    Error::config(Vec::new())
}

fn decoded<'a>(part: &'a PartSpec, infos: &'a [SettingInfo]) -> Decoded<'a> {
    Decoded { settings: &part.settings, infos }
}

impl Maker for Makers<'_> {
    fn handler(&mut self, name: &str) -> Result<HandlerSpec, Error> {
        self.part(Section::Handlers, name, |part, makers| {
            match Tables::get().handlers.iter().find(|kind| kind.name == part.kind) {
                Some(kind) => kind.make(&part.settings, makers),
                None => {
                    let make = makers.registry.handlers.get(&part.kind).cloned().ok_or_else(reported)?;
                    let is_strict = makers.is_strict();
                    caught(&part.kind, || make(&mut Args::new(part, makers, is_strict)))
                }
            }
        })
    }

    fn formatter(&mut self, name: &str) -> Result<MadeFormatter, Error> {
        if !self.spec.formatters.contains_key(name) {
            // A type that needs no settings.
            let kind = Tables::get().formatters.iter().find(|kind| kind.name == name).ok_or_else(reported)?;
            return kind.make(&Default::default(), self);
        }
        self.part(Section::Formatters, name, |part, makers| {
            match Tables::get().formatters.iter().find(|kind| kind.name == part.kind) {
                Some(kind) => kind.make(&part.settings, makers),
                None => {
                    let make = makers.registry.formatters.get(&part.kind).cloned().ok_or_else(reported)?;
                    let is_strict = makers.is_strict();
                    caught(&part.kind, || make(&mut Args::new(part, makers, is_strict)))
                }
            }
        })
    }

    fn filter(&mut self, name: &str) -> Result<Arc<dyn FemtoFilter>, Error> {
        self.part(Section::Filters, name, |part, makers| {
            match Tables::get().filters.iter().find(|kind| kind.name == part.kind) {
                Some(kind) => kind.make(&part.settings, makers),
                None => {
                    let make = makers.registry.filters.get(&part.kind).cloned().ok_or_else(reported)?;
                    let is_strict = makers.is_strict();
                    caught(&part.kind, || make(&mut Args::new(part, makers, is_strict)))
                }
            }
        })
    }
}
