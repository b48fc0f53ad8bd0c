//! Types of handlers, formatters and filters that a program adds to those of the library.
//!
//! A type of the library has a table, so its settings are checked before any code runs. A type of the program is a
//! function, and the loader cannot know what it will ask for. [`Args`] therefore records the question: which settings
//! were asked for, which were missing or of the wrong type. The function runs to its end with placeholders in place of
//! wrong values, and its result is thrown away if anything was recorded. So all mistakes of a part are reported at once
//! here as well, and a setting that the function has not asked for is reported as unknown, with a suggestion.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::part::PartSpec;
use super::setting::{Content, Setting};
use super::similar::hint;
use super::table::{MadeFormatter, Maker, with_formatter};
use super::tables::handlers;
use super::types::{SettingType, Size, TextPairs, Whole};
use crate::error::{Error, Position, Problem};
use crate::filter::FemtoFilter;
use crate::formatter::FemtoFormatter;
use crate::handler::{FemtoHandler, HandlerSpec};
use crate::level::LevelFilter;

/// The types of handlers, formatters and filters that a configuration may name, besides those of the library.
///
/// A function makes a part of its settings, which it asks [`Args`] for. Handlers also have the settings that all
/// handlers have, such as `level`, `filters` and `overflow`; the function does not see those.
///
/// # Examples
///
/// ```
/// use femtologging::config::{Format, Registry, Spec};
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, FemtoLogRecord};
///
/// let capture = FemtoCaptureHandler::new();
/// let copy = capture.clone();
/// let registry = Registry::new().handler("capture", move |_| Ok(copy.clone())).filter("shorter", |args| {
///     let length = args.integer("length").required() as usize;
///     Ok(move |record: &FemtoLogRecord<'_>| record.message().as_str().is_some_and(|text| text.len() < length))
/// });
/// let text = r#"
/// [filters.short]
/// type = "shorter"
/// length = 80
/// [handlers.test]
/// type = "capture"
/// level = "warn"
/// filters = ["short"]
/// "#;
/// let logging = Config::from_spec(&Spec::from_str(text, Format::Toml)?, &registry)?.build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    pub(super) handlers: BTreeMap<String, Make<HandlerSpec>>,
    pub(super) formatters: BTreeMap<String, Make<MadeFormatter>>,
    pub(super) filters: BTreeMap<String, Make<Arc<dyn FemtoFilter>>>,
}

/// Makes a part of its settings.
pub(super) type Make<T> = Arc<dyn Fn(&mut Args<'_>) -> Result<T, Error> + Send + Sync>;

impl Registry {
    /// Makes a registry with the types of the library only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type of handlers.
    ///
    /// Besides those that the function asks for, the type has the settings of every handler, such as `level`, `filters`
    /// and `overflow`. A name that was added before is replaced; the name of one of the library's types is never looked
    /// up here.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{PartSpec, Registry, Spec};
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, warn};
    /// use std::time::Duration;
    ///
    /// let capture = FemtoCaptureHandler::new();
    /// let copy = capture.clone();
    /// let registry = Registry::new().handler("capture", move |_args| Ok(copy.clone()));
    /// let spec = Spec::new().handler("test", PartSpec::new("capture").with("level", "error"));
    /// let logging = Config::from_spec(&spec, &registry)?.build()?;
    /// warn!(logger: logging.get_logger("app")?, "below the handler's level");
    /// logging.flush(Duration::from_secs(5))?;
    /// assert!(capture.records().is_empty());
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    #[must_use]
    pub fn handler<H: FemtoHandler>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&mut Args<'_>) -> Result<H, Error> + Send + Sync + 'static,
    ) -> Self {
        let make = move |args: &mut Args<'_>| {
            args.knows_common();
            let handler = make(args)?;
            args.finish()?;
            handlers::configured(handler, args.settings, args.maker)
        };
        self.handlers.insert(name.into(), Arc::new(make));
        self
    }

    /// Adds a type of formatters.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoLogRecord;
    /// use femtologging::config::Registry;
    ///
    /// let registry = Registry::new().formatter("bare", |args| {
    ///     let prefix = args.text("prefix").or(String::new());
    ///     Ok(move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
    ///         out.extend_from_slice(prefix.as_bytes());
    ///         record.write_message_escaped(out);
    ///     })
    /// });
    /// # drop(registry);
    /// ```
    #[must_use]
    pub fn formatter<F: FemtoFormatter + 'static>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&mut Args<'_>) -> Result<F, Error> + Send + Sync + 'static,
    ) -> Self {
        let make = move |args: &mut Args<'_>| {
            let formatter = make(args)?;
            args.finish()?;
            Ok(MadeFormatter::Other(Box::new(formatter)))
        };
        self.formatters.insert(name.into(), Arc::new(make));
        self
    }

    /// Adds a type of filters.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::FemtoLogRecord;
    /// use femtologging::config::Registry;
    ///
    /// let registry = Registry::new().filter("from_thread", |args| {
    ///     let name = args.text("name").required();
    ///     Ok(move |record: &FemtoLogRecord<'_>| record.thread_name() == name)
    /// });
    /// # drop(registry);
    /// ```
    #[must_use]
    pub fn filter<F: FemtoFilter + 'static>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&mut Args<'_>) -> Result<F, Error> + Send + Sync + 'static,
    ) -> Self {
        let make = move |args: &mut Args<'_>| {
            let filter = make(args)?;
            args.finish()?;
            Ok(Arc::new(filter) as Arc<dyn FemtoFilter>)
        };
        self.filters.insert(name.into(), Arc::new(make));
        self
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("handlers", &self.handlers.keys())
            .field("formatters", &self.formatters.keys())
            .field("filters", &self.filters.keys())
            .finish()
    }
}

/// The settings of a part, for the function that makes it.
///
/// A getter records a value of the wrong type as an error, with its position; so does [`Arg::required`] with a missing
/// one. They are reported together after the function has returned, and so are settings that it did not ask for.
///
/// # Examples
///
/// ```
/// use femtologging::config::{Format, Registry, Spec};
/// use femtologging::handler::FemtoNullHandler;
/// use femtologging::Config;
///
/// let registry = Registry::new().handler("tape", |args| {
///     let _path = args.path("path").required();
///     let _block_bytes = args.size("block_bytes").or(512);
///     Ok(FemtoNullHandler)
/// });
/// let text = "handlers.tape = { type = \"tape\", paht = \"/dev/st0\" }";
/// let error = Config::from_spec(&Spec::from_str(text, Format::Toml)?, &registry).unwrap_err();
/// let fields: Vec<_> = error.problems().iter().map(|problem| problem.field.as_str()).collect();
/// assert_eq!(fields.len(), 2);
/// assert!(fields.contains(&"handlers.tape.path")); // missing
/// assert!(fields.contains(&"handlers.tape.paht")); // no such setting; did you mean "path"?
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct Args<'a> {
    pub(super) settings: &'a BTreeMap<String, Setting>,
    pub(super) maker: &'a mut dyn Maker,
    /// Where the names of the settings stand.
    names: &'a BTreeMap<String, Position>,
    seen: BTreeSet<String>,
    problems: RefCell<Vec<Problem>>,
    is_strict: bool,
}

/// A setting that was asked for with one of the methods of [`Args`].
///
/// | | the setting is missing | the setting has a wrong value |
/// |---|---|---|
/// | [`required`](Self::required) | an error; returns a placeholder | an error; returns a placeholder |
/// | [`or`](Self::or) | returns the default | an error; returns the default |
/// | [`optional`](Self::optional) | returns `None` | an error; returns `None` |
///
/// An error does not end the function that makes the part: it goes on with the placeholder (an empty text, 0, `false`),
/// and what it returns is then discarded.
///
/// # Examples
///
/// ```
/// use femtologging::config::Registry;
/// use femtologging::FemtoLogRecord;
///
/// let registry = Registry::new().filter("longer", |args| {
///     let length = args.integer("length").required() as usize;
///     let but_not = args.text("but_not").optional();
///     Ok(move |record: &FemtoLogRecord<'_>| {
///         record.template().len() > length && but_not.as_deref() != Some(record.logger())
///     })
/// });
/// # drop(registry);
/// ```
#[must_use]
pub struct Arg<'a, T> {
    value: Option<T>,
    /// What stands for a value that is missing or wrong, until the errors are reported.
    placeholder: T,
    name: String,
    is_given: bool,
    problems: &'a RefCell<Vec<Problem>>,
}

impl<T> Arg<'_, T> {
    /// Returns the value. Without one, records an error and returns a placeholder: an empty text, path or list, 0, or
    /// `false`.
    pub fn required(self) -> T {
        if !self.is_given {
            self.problems.borrow_mut().push(Problem::new(self.name, "", "missing: this setting is required"));
        }
        self.value.unwrap_or(self.placeholder)
    }

    /// Returns the value, or `default` if the setting is not given.
    pub fn or(self, default: T) -> T {
        self.value.unwrap_or(default)
    }

    /// Returns the value, or `None` if the setting is not given.
    pub fn optional(self) -> Option<T> {
        self.value
    }
}

impl<'a> Args<'a> {
    pub(super) fn new(part: &'a PartSpec, maker: &'a mut dyn Maker, is_strict: bool) -> Self {
        let (settings, names) = (&part.settings, &part.names);
        Self { settings, maker, names, seen: BTreeSet::new(), problems: RefCell::default(), is_strict }
    }

    fn knows_common(&mut self) {
        self.seen.extend(handlers::common_infos().iter().map(|info| info.name.to_owned()));
    }

    fn get<T: SettingType, V>(&mut self, name: &str, placeholder: V, value: impl FnOnce(T) -> V) -> Arg<'_, V> {
        self.seen.insert(name.to_owned());
        let setting = self.settings.get(name).filter(|setting| setting.content != Content::Null);
        let decoded = setting.and_then(|setting| match T::decode(setting) {
            Ok(decoded) => Some(value(decoded)),
            Err(wrong) => {
                let shown = if setting.is_secret { "***".to_owned() } else { wrong.value };
                let problem = Problem::new(format!("{name}{}", wrong.inside), shown, wrong.expected);
                self.problems.borrow_mut().push(problem);
                None
            }
        });
        let (name, is_given) = (name.to_owned(), setting.is_some());
        Arg { value: decoded, placeholder, name, is_given, problems: &self.problems }
    }

    /// Asks for text. A number or boolean is not accepted in its place.
    pub fn text(&mut self, name: &str) -> Arg<'_, String> {
        self.get(name, String::new(), |text: String| text)
    }

    /// Asks for a path that is not empty. It is relative to the working directory of the process.
    pub fn path(&mut self, name: &str) -> Arg<'_, PathBuf> {
        self.get(name, PathBuf::new(), |path: PathBuf| path)
    }

    /// Asks for `true` or `false`. A variable of the environment may also say `1`, `yes`, `on`, `0`, `no` or `off`.
    pub fn boolean(&mut self, name: &str) -> Arg<'_, bool> {
        self.get(name, false, |value: bool| value)
    }

    /// Asks for an integer from 0 to `u64::MAX`.
    pub fn integer(&mut self, name: &str) -> Arg<'_, u64> {
        self.get(name, 0, |value: Whole<0, { u64::MAX }>| value.0)
    }

    /// Asks for a finite number that is not negative, such as `0.5`. An integer is accepted as well.
    pub fn number(&mut self, name: &str) -> Arg<'_, f64> {
        self.get(name, 0.0, |value: f64| value)
    }

    /// Asks for a size, and returns bytes: `4096`, `"10 MiB"` (powers of 1024) or `"1.5 kB"` (powers of 1000).
    pub fn size(&mut self, name: &str) -> Arg<'_, u64> {
        self.get(name, 0, |value: Size| value.0)
    }

    /// Asks for a duration with its unit: `"5 s"`, `"1.5 h"` or `"200 us"`. The units are `ns`, `us`, `ms`, `s`, `min`,
    /// `h`, `d` and `w`.
    pub fn duration(&mut self, name: &str) -> Arg<'_, Duration> {
        self.get(name, Duration::ZERO, |value: Duration| value)
    }

    /// Asks for a level: a name in any letter case, `off`, or one of CPython's numbers, such as 20.
    pub fn level(&mut self, name: &str) -> Arg<'_, LevelFilter> {
        self.get(name, LevelFilter::Off, |value: LevelFilter| value)
    }

    /// Asks for a list of texts. A variable of the environment has commas between them.
    pub fn texts(&mut self, name: &str) -> Arg<'_, Vec<String>> {
        self.get(name, Vec::new(), |values: Vec<String>| values)
    }

    /// Asks for a table of texts, and returns its entries in the order of the document. Numbers and booleans become
    /// text.
    pub fn pairs(&mut self, name: &str) -> Arg<'_, Vec<(String, String)>> {
        self.get(name, Vec::new(), |pairs: TextPairs| pairs.0)
    }

    /// Asks for a formatter: the setting is a name in `formatters`, or a type.
    ///
    /// # Errors
    ///
    /// The formatter cannot be made.
    pub fn formatter(&mut self, name: &str) -> Result<Option<Box<dyn FemtoFormatter>>, Error> {
        let Some(name) = self.text(name).optional() else { return Ok(None) };
        let made = self.maker.formatter(&name)?;
        Ok(Some(with_formatter!(made, formatter => Box::new(formatter) as Box<dyn FemtoFormatter>)))
    }

    /// Returns everything that is wrong, as an error.
    pub(super) fn finish(&self) -> Result<(), Error> {
        let mut problems = self.problems.take();
        if self.is_strict {
            let unknown = self.settings.keys().filter(|name| !self.seen.contains(*name));
            problems.extend(unknown.map(|name| {
                let hint = hint(name, self.seen.iter().map(String::as_str));
                let position = self.names.get(name).cloned();
                Problem { position, ..Problem::new(name.as_str(), "", format_args!("no such setting{hint}")) }
            }));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::config(problems)) }
    }
}

impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.settings).finish()
    }
}

impl<T> fmt::Debug for Arg<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arg").field("name", &self.name).field("is_given", &self.is_given).finish()
    }
}
