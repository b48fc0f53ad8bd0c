//! Reads a configuration from its sources, and reports everything that is wrong with the result.
//!
//! ```text
//! defaults ─► overlay(file) ─► FEMTO_LOG__… ─► FEMTO_LOG or RUST_LOG ─► check::decode ─► Spec, or one error
//! ```
//!
//! The sources are merged before anything is decoded, so a mistake in the file that a variable overrides is not
//! reported, and a required setting may come from any source.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check;
use super::data::Spec;
use super::document;
use super::environment::{Environment, position_of};
use super::files;
use super::format::{Format, MOST_BYTES};
use super::overrides;
use super::part::{Decoding, PartSpec};
use super::registry::Registry;
use super::setting::Setting;
use crate::error::{Error, Position, Problem};

/// Reads configurations from files and from the environment.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`registry`](Self::registry) | the library's types | the program's own types of handlers, formatters and filters |
/// | [`environment`](Self::environment) | the process's | the variables that are read |
/// | [`defaults`](Self::defaults) | none | a configuration under that of the file |
///
/// # Order
///
/// [`load`](Self::load) puts four sources together, each over the one before it:
///
/// 1. the [`defaults`](Self::defaults) of the program;
/// 2. the file that `FEMTO_LOG_CONFIG` names, or else `OTEL_CONFIG_FILE`;
/// 3. variables of single settings, such as `FEMTO_LOG__HANDLERS__FILE__LEVEL=debug`;
/// 4. `FEMTO_LOG`, or else `RUST_LOG`: directives such as `info,my_app::db=debug`.
///
/// # Examples
///
/// ```
/// use femtologging::config::{Environment, Loader, PartSpec, Spec};
///
/// let defaults = Spec::new().handler("console", PartSpec::new("stream"));
/// let environment = Environment::of([("FEMTO_LOG__HANDLERS__CONSOLE__LEVEL", "warn"), ("FEMTO_LOG", "debug")]);
/// let spec = Loader::new().defaults(defaults).environment(environment).load()?;
/// assert_eq!(spec.handlers["console"].get("level"), Some(&"warn".into()));
/// assert_eq!(spec.system.get("directives"), Some(&"debug".into()));
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Loader {
    /// `None` accepts any type.
    registry: Option<Registry>,
    environment: Environment,
    defaults: Spec,
    /// Whether a configuration without handlers gets one for standard error.
    has_console: bool,
}

impl Loader {
    /// Makes a loader that knows the types of the library.
    pub fn new() -> Self {
        Self { registry: Some(Registry::new()), ..Self::default() }
    }

    /// Makes a loader that leaves types that it does not know to others.
    fn for_any_type() -> Self {
        Self::default()
    }

    /// Sets the types that a configuration may name besides those of the library.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Format, Loader, Registry};
    /// use femtologging::handler::FemtoNullHandler;
    ///
    /// let text = "handlers.queue.type = \"amqp\"";
    /// assert!(Loader::new().read(text, Format::Toml, "log.toml").is_err());
    /// let registry = Registry::new().handler("amqp", |_args| Ok(FemtoNullHandler));
    /// assert!(Loader::new().registry(&registry).read(text, Format::Toml, "log.toml").is_ok());
    /// ```
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Sets the variables that are read.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Gives a configuration without handlers one for standard error.
    pub(in crate::config) fn with_console(self) -> Self {
        Self { has_console: true, ..self }
    }

    /// Returns the types besides those of the library.
    pub(in crate::config) fn types(&self) -> Registry {
        self.registry.clone().unwrap_or_default()
    }

    /// Sets the configuration that files and variables override.
    pub fn defaults(mut self, defaults: Spec) -> Self {
        self.defaults = defaults;
        self
    }

    /// Reads a document over the defaults, without variables of single settings. `source` is the name of the document
    /// in messages.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with line, column and remedy.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Format, Loader, PartSpec, Spec};
    ///
    /// let console = PartSpec::new("stream").with("level", "info").with("formatter", "console");
    /// let loader = Loader::new().defaults(Spec::new().handler("console", console));
    /// let text = "handlers.console = { type = \"stream\", level = \"warn\" }";
    /// let spec = loader.read(text, Format::Toml, "log.toml")?;
    /// assert_eq!(spec.handlers["console"].get("level"), Some(&"warn".into()));
    /// assert_eq!(spec.handlers["console"].get("formatter"), Some(&"console".into()));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn read(&self, text: &str, format: Format, source: &str) -> Result<Spec, Error> {
        let mut problems = Vec::new();
        let spec = self.parse(text, format, source, &mut problems);
        self.finished(spec, problems)
    }

    /// Reads a file over the defaults, without variables of single settings.
    ///
    /// # Errors
    ///
    /// The file cannot be read; or everything that is wrong with it, each with line, column and remedy.
    pub fn read_path(&self, path: impl AsRef<Path>) -> Result<Spec, Error> {
        let (text, format) = read_file(path.as_ref())?;
        self.read(&text, format, &path.as_ref().display().to_string())
    }

    /// Reads the file that `FEMTO_LOG_CONFIG` names, if it is set, and everything else that the environment says.
    ///
    /// # Errors
    ///
    /// The file cannot be read; or everything that is wrong with it or with the variables.
    pub fn load(&self) -> Result<Spec, Error> {
        self.load_path(self.path()?.as_deref())
    }

    /// Returns the path that the environment names.
    pub(in crate::config) fn path(&self) -> Result<Option<PathBuf>, Error> {
        for name in [CONFIG, OTEL_CONFIG] {
            match self.environment.get(name) {
                Ok(Some(path)) if !path.is_empty() => return Ok(Some(PathBuf::from(path))),
                Ok(_) => {}
                Err(why) => {
                    let problem = Problem { position: Some(position_of(name)), ..Problem::new("", "", why) };
                    return Err(Error::config(vec![problem]));
                }
            }
        }
        Ok(None)
    }

    /// Reads a file, if there is one, and everything else that the environment says.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Environment, Loader};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log.toml");
    /// std::fs::write(&path, "root.level = \"warn\"")?;
    /// let loader = Loader::new().environment(Environment::of([("FEMTO_LOG__ROOT__LEVEL", "debug")]));
    /// assert_eq!(loader.load_path(Some(&path))?.root.get("level"), Some(&"debug".into()));
    /// assert_eq!(loader.read_path(&path)?.root.get("level"), Some(&"warn".into())); // without variables
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_path(&self, path: Option<&Path>) -> Result<Spec, Error> {
        let document = path.map(|path| Ok::<_, Error>((path, read_file(path)?))).transpose()?;
        self.load_document(document)
    }

    /// Reads what a file of a configuration may have at most.
    pub(in crate::config) fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
        files::read(path, MOST_BYTES as u64)
    }

    /// Reads a file whose content is known, and everything else that the environment says.
    pub(in crate::config) fn load_bytes(&self, path: &Path, bytes: Vec<u8>) -> Result<Spec, Error> {
        self.load_document(Some((path, decode(path, bytes)?)))
    }

    fn load_document(&self, document: Option<(&Path, (String, Format))>) -> Result<Spec, Error> {
        let mut problems = Vec::new();
        let mut spec = match document {
            Some((path, (text, format))) => self.parse(&text, format, &path.display().to_string(), &mut problems),
            None => Some(self.defaults.clone()),
        };
        if let Some(spec) = &mut spec {
            if self.has_console && spec.handlers.is_empty() {
                spec.handlers.insert("console".to_owned(), PartSpec::new("stream"));
            }
            overrides::apply(spec, &self.environment, &mut problems);
            self.directives(spec, &mut problems);
        }
        self.finished(spec, problems)
    }

    fn directives(&self, spec: &mut Spec, problems: &mut Vec<Problem>) {
        for name in [DIRECTIVES, RUST_LOG] {
            match self.environment.get(name) {
                Ok(None) => continue,
                Ok(Some(text)) if text.is_empty() => {}
                Ok(Some(text)) => {
                    let setting = Setting::of_variable(text, position_of(name));
                    spec.system.set(&["directives"], setting);
                }
                Err(why) => {
                    problems.push(Problem { position: Some(position_of(name)), ..Problem::new("directives", "", why) });
                }
            }
            return;
        }
    }

    fn parse(&self, text: &str, format: Format, source: &str, problems: &mut Vec<Problem>) -> Option<Spec> {
        let source: Arc<str> = source.into();
        let tree = match format.parse(text, &source) {
            Ok(tree) => tree,
            Err(found) => {
                problems.extend(found);
                return None;
            }
        };
        let mut spec = self.defaults.clone();
        let mut warnings = Vec::new();
        let mut decoding = Decoding::of_document(&tree, &self.environment, problems, &mut warnings);
        let read = document::read(tree, &mut decoding);
        spec.overlay(read);
        spec.warnings.extend(warnings);
        Some(spec)
    }

    /// Decodes and checks the whole, and returns it or everything that is wrong.
    fn finished(&self, spec: Option<Spec>, mut problems: Vec<Problem>) -> Result<Spec, Error> {
        let spec = spec.map(|mut spec| {
            check::decode(&mut spec, self.registry.as_ref(), &self.environment, &mut problems);
            spec
        });
        match spec {
            Some(spec) if problems.is_empty() => Ok(spec),
            _ => Err(Error::config(sorted(problems))),
        }
    }
}

impl Spec {
    /// Reads a file; its extension says the format.
    ///
    /// References to the environment are replaced. Types of handlers, formatters and filters that are not the library's
    /// own are accepted: [`Config::from_spec`](crate::Config::from_spec) looks them up in its registry. [`Loader`] has
    /// more settings.
    ///
    /// # Errors
    ///
    /// The file cannot be read; or everything that is wrong with it, each with line, column and remedy.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::config::{Registry, Spec};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("log.toml");
    /// # std::fs::write(&path, "handlers.console = { type = \"stream\", level = \"warn\" }")?;
    /// let spec = Spec::from_path(&path)?;
    /// let logging = Config::from_spec(&spec, &Registry::new())?.build()?;
    /// # drop(logging);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, Error> {
        Loader::for_any_type().read_path(path)
    }

    /// Reads a document, as [`from_path`](Self::from_path) reads a file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with line, column and remedy.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::config::{Format, Spec};
    ///
    /// let error = Spec::from_str("[root]\nlevel = \"inof\"", Format::Toml).unwrap_err();
    /// let problem = &error.problems()[0];
    /// assert_eq!((problem.field.as_str(), problem.value.as_str()), ("root.level", "\"inof\""));
    /// assert_eq!(problem.position.as_ref().and_then(|position| position.line()), Some(2));
    /// ```
    pub fn from_str(text: &str, format: Format) -> Result<Self, Error> {
        Loader::for_any_type().read(text, format, "<text>")
    }
}

/// The variable with the path of the file.
const CONFIG: &str = "FEMTO_LOG_CONFIG";

/// OpenTelemetry's variable for a document of its own; see `otel.rs`.
const OTEL_CONFIG: &str = "OTEL_CONFIG_FILE";
/// The variable with directives, and the one that it takes the place of.
const DIRECTIVES: &str = "FEMTO_LOG";
const RUST_LOG: &str = "RUST_LOG";

fn read_file(path: &Path) -> Result<(String, Format), Error> {
    // Before the file is opened: a wrong name is the clearer message.
    format_of(path)?;
    let bytes = Loader::read_bytes(path);
    decode(path, bytes.map_err(|error| Error::io(format_args!("cannot read {}", path.display()), error))?)
}

fn format_of(path: &Path) -> Result<Format, Error> {
    let position = Some(Position::new(path.display().to_string().into(), 0, 0));
    let what = "the extension says no format; use .toml, .yaml, .yml or .json";
    Format::of_path(path).ok_or_else(|| Error::config(vec![Problem { position, ..Problem::new("", "", what) }]))
}

/// Makes text of the content of a file.
fn decode(path: &Path, bytes: Vec<u8>) -> Result<(String, Format), Error> {
    let format = format_of(path)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, format)),
        Err(error) => {
            let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
            let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
            let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() as u32 + 1;
            let position = Some(Position::new(path.display().to_string().into(), line, column));
            Err(Error::config(vec![Problem { position, ..Problem::new("", "", "the file is not UTF-8 text") }]))
        }
    }
}

/// Puts problems into the order of the document.
pub(super) fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| {
        let position = problem.position.as_ref();
        (position.and_then(Position::line).unwrap_or(u32::MAX), position.and_then(Position::column))
    });
    problems.dedup();
    problems
}
