//! The settings of filters.
//!
//! All filters have the same type here, `Arc<dyn FemtoFilter>`: a filter may be named by several handlers and loggers.
//! Each of them gets a filter of its own nevertheless, since the part is built again for each reference, so the state
//! of a rate limit is not shared between two handlers.

use std::sync::Arc;
use std::time::Duration;

use super::super::table::{Decoded, Maker, PartType, Row, settings};
use super::super::types::{Count, FilterName, Pattern, Whole, choices};
use crate::error::{Error, Problem};
use crate::filter::{Contains, Dedup, Directives, FemtoFilter, FemtoFilterExt, Key, Name, RateLimit, Redact, Sample};
use crate::level::{Level, LevelFilter};

type SharedFilter = Arc<dyn FemtoFilter>;

/// What a rate limit applies to.
#[derive(Clone, Copy, PartialEq)]
enum LimitScope {
    All,
    Logger,
    CallSite,
    Key,
}

choices! {
    /// What a rate limit applies to.
    PerName: LimitScope {
        "all" => LimitScope::All,
        "logger" => LimitScope::Logger,
        "call_site" => LimitScope::CallSite,
        "key" => LimitScope::Key,
    }
}

/// Makes a type whose filter is made of all its settings at once: its rows have no calls.
fn simple(
    name: &'static str,
    about: &'static str,
    rows: Vec<Row<SharedFilter>>,
    make: fn(&Decoded<'_>, &mut dyn Maker) -> Result<SharedFilter, Error>,
) -> PartType<SharedFilter> {
    PartType::new(name, about, rows, make, Ok)
}

/// Makes a type whose filter is started from what it requires and then completed by the calls of its rows.
fn built<F: FemtoFilter + 'static>(
    name: &'static str,
    about: &'static str,
    rows: Vec<Row<F>>,
    start: fn(&Decoded<'_>, &mut dyn Maker) -> Result<F, Error>,
) -> PartType<SharedFilter> {
    PartType::new(name, about, rows, start, |filter| Ok(Arc::new(filter)))
}

/// Combines the filters that `filters` names.
///
/// At least one: what `all` of no filters lets pass is a matter of taste, and of no use.
fn combined(
    s: &Decoded<'_>,
    maker: &mut dyn Maker,
    combine: fn(SharedFilter, SharedFilter) -> SharedFilter,
) -> Result<SharedFilter, Error> {
    let names = s.or_default::<Vec<FilterName>>("filters")?;
    let mut filters = Vec::new();
    for name in names {
        filters.push(maker.filter(&name.0)?);
    }
    filters
        .into_iter()
        .reduce(combine)
        .ok_or_else(|| Error::config(vec![Problem::new("filters", "[]", "name one filter at least")]))
}

/// All types of filters.
pub(in super::super) fn types() -> Vec<PartType<SharedFilter>> {
    vec![
        simple(
            "level",
            "records of a level and above",
            settings! { for SharedFilter; "level": LevelFilter = required, "the lowest level that passes"; },
            |s, _| Ok(Arc::new(s.or_default::<LevelFilter>("level")?)),
        ),
        simple(
            "levels",
            "records of a range of levels",
            settings! { for SharedFilter;
                "min": Level = "trace", "the lowest level that passes";
                "max": Level = "critical", "the highest level that passes";
            },
            |s, _| Ok(Arc::new(s.or_default::<Level>("min")?..=s.or_default::<Level>("max")?)),
        ),
        simple(
            "name",
            "records of a logger and of those below it",
            settings! { for SharedFilter; "name": String = "", "the logger's name; empty for all"; },
            |s, _| Ok(Arc::new(Name::new(s.get::<String>("name").unwrap_or_default()))),
        )
        .classes(&["logging.Filter"]),
        simple(
            "key",
            "records that have a key, or a key with a value",
            settings! { for SharedFilter;
                "key": String = required, "the key";
                "value": String = none, "the text of its value; by default any";
            },
            |s, _| {
                let key = s.or_default::<String>("key")?;
                Ok(match s.get::<String>("value") {
                    Some(value) => Arc::new(Key::equal(key, value.as_str())),
                    None => Arc::new(Key::present(key)),
                })
            },
        ),
        simple(
            "contains",
            "records whose message has a text",
            settings! { for SharedFilter; "text": String = required, "the text; case matters"; },
            |s, _| Ok(Arc::new(Contains::new(s.or_default::<String>("text")?))),
        ),
        #[cfg(feature = "regex")]
        simple(
            "matches",
            "records whose message matches a regular expression",
            settings! { for SharedFilter; "expression": Pattern = required, "the expression, in the syntax of the crate `regex`"; },
            |s, _| {
                let expression = s.or_default::<Pattern>("expression")?.0;
                Ok(Arc::new(crate::filter::Matches::new(&expression).map_err(|error| about("expression", &error))?))
            },
        ),
        simple(
            "directives",
            "records by logger, level, span and keys",
            settings! { for SharedFilter; "directives": String = required, "directives such as `info,my_app::db=debug,my_app[{user}]=trace`"; },
            |s, _| {
                // `parse` ignores what is invalid, as for an environment variable. In a document it is an error.
                let directives = Directives::parse(&s.or_default::<String>("directives")?);
                match directives.warnings() {
                    [] => Ok(Arc::new(directives)),
                    warnings => {
                        let named = |problem: &Problem| Problem { field: "directives".to_owned(), ..problem.clone() };
                        Err(Error::config(warnings.iter().map(named).collect()))
                    }
                }
            },
        ),
        simple(
            "sample",
            "every n-th record, or a fraction of the records",
            settings! { for SharedFilter;
                "one_in": Whole<1, { u64::MAX }> = none, "lets the first of this many records pass";
                "fraction": f64 = none, "lets this fraction of the records pass, 0 to 1";
            },
            |s, _| match (s.get::<Whole<1, { u64::MAX }>>("one_in"), s.get::<f64>("fraction")) {
                (Some(n), None) => Ok(Arc::new(Sample::one_in(n.0))),
                (None, Some(fraction)) if fraction <= 1.0 => Ok(Arc::new(Sample::fraction(fraction))),
                (None, Some(fraction)) => {
                    Err(Error::config(vec![Problem::new("fraction", fraction, "give a fraction from 0 to 1")]))
                }
                // Both, or neither.
                _ => Err(Error::config(vec![Problem::new("one_in", "", "give either `one_in` or `fraction`")])),
            },
        ),
        built(
            "rate_limit",
            "a number of records per second; the next record that passes gets the key `suppressed`",
            settings! { for RateLimit;
                "rate": f64 = required, "the records per second";
                "per": PerName = "all", "what has a limit of its own";
                "key": String = none, "the key whose values have a limit each, for `per = \"key\"`";
                "burst": Count = none, "the records that pass in a row; by default those of a second" => (f, v) f.burst(v.small());
                "max_keys": Count = "1024", "the maximum number of limits; further ones share one" => (f, v) f.max_keys(v.size());
            },
            |s, _| {
                let rate = s.or_default::<f64>("rate")?;
                let per = s.or_default::<PerName>("per")?.value;
                Ok(match (per, s.get::<String>("key")) {
                    (LimitScope::Key, Some(key)) => RateLimit::per_key(key, rate),
                    (LimitScope::All, None) => RateLimit::new(rate),
                    (LimitScope::Logger, None) => RateLimit::per_logger(rate),
                    (LimitScope::CallSite, None) => RateLimit::per_call_site(rate),
                    _ => {
                        return Err(Error::config(vec![Problem::new(
                            "key",
                            "",
                            "`per = \"key\"` and `key` go together",
                        )]));
                    }
                })
            },
        ),
        built(
            "dedup",
            "records that do not repeat the last one; the next one gets the key `previous`",
            settings! { for Dedup;
                "window": Duration = none, "lets a repeat pass after this time; by default none" => (f, v) f.window(v);
            },
            |_, _| Ok(Dedup::new()),
        ),
        built(
            "redact",
            "all records, with secrets replaced by `***`; for handlers only",
            settings! { for Redact;
                "keys": Vec<String> = "", "patterns of keys whose values are secrets; `*` matches any text"
                    => (f, v) v.into_iter().fold(f, Redact::key);
                "words": Vec<String> = "", "patterns of words that are secrets" => (f, v) v.into_iter().fold(f, Redact::word);
                "expressions": Vec<Pattern> = "", "regular expressions of secrets (feature `regex`)"
                    => (f, v) expressions(f, v);
            },
            |_, _| Ok(Redact::new()),
        ),
        simple(
            "all",
            "records that pass all of several filters",
            settings! { for SharedFilter; "filters": Vec<FilterName> = required, "the filters, called in this order"; },
            |s, maker| combined(s, maker, |a, b| Arc::new(a.and(b))),
        ),
        simple(
            "any",
            "records that pass one of several filters",
            settings! { for SharedFilter; "filters": Vec<FilterName> = required, "the filters, called in this order"; },
            |s, maker| combined(s, maker, |a, b| Arc::new(a.or(b))),
        ),
        simple(
            "not",
            "records that do not pass another filter",
            settings! { for SharedFilter; "filter": FilterName = required, "the other filter"; },
            |s, maker| {
                let name = s.or_default::<FilterName>("filter")?;
                Ok(Arc::new(maker.filter(&name.0)?.not()))
            },
        ),
    ]
}

#[cfg(feature = "regex")]
fn expressions(filter: Redact, expressions: Vec<Pattern>) -> Result<Redact, Error> {
    let add = |filter: Redact, expression: &Pattern| filter.regex(&expression.0);
    expressions.iter().try_fold(filter, add).map_err(|error| about("expressions", &error))
}

/// Names the setting that an error is about, and puts its text into one line.
#[cfg(feature = "regex")]
fn about(setting: &str, error: &Error) -> Error {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let problems = error.problems().iter().map(|problem| {
        let (field, remedy) = (setting.to_owned(), one_line(&problem.remedy));
        Problem { field, remedy, ..problem.clone() }
    });
    Error::config(problems.collect())
}

#[cfg(not(feature = "regex"))]
fn expressions(_: Redact, _: Vec<Pattern>) -> Result<Redact, Error> {
    Err(Error::config(vec![Problem::new("expressions", "", "regular expressions need the Cargo feature `regex`")]))
}
