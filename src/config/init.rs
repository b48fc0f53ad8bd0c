//! The one line that a program needs: a file, the environment, or the default.

use super::builder::Config;
use super::logging;
use super::spec::{Loader, watch_interval};
use super::watch::Watch;
use crate::error::{Error, notify};

impl Loader {
    /// Sets up the global system by what [`load`](Self::load) reads. A configuration without handlers gets one,
    /// `console`, which writes text to standard error. A file with the setting `watch` is [watched](super::Watch) until
    /// the system ends.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration; or the global system exists already.
    pub fn init(&self) -> Result<(), Error> {
        let path = self.path()?;
        let spec = self.clone().with_console().load_path(path.as_deref())?;
        Config::from_spec(&spec, &self.types())?.build_and_init()?;
        if let Some(path) = path
            && let Some(logging) = logging::global()
            && let Some(interval) = logging.spec().and_then(|spec| watch_interval(&spec))
        {
            match Watch::path(path).loader(self).every(interval).of_document().start(&logging) {
                Ok(watching) => watching.detach(),
                // The system is set up.
                Err(error) => notify("config", format_args!("the configuration is not watched: {error:#}")),
            }
        }
        Ok(())
    }
}

/// Sets up the global system by the environment and by a file, if the environment names one; see
/// [`Loader`](crate::config::Loader) for the variables. Without either, it is [`basic_config`](crate::basic_config) at
/// `Info`.
///
/// # Errors
///
/// Everything that is wrong with the file and the variables, each with its position and a remedy; or the global system
/// exists already.
///
/// # Examples
///
/// ```
/// femtologging::init()?;
/// femtologging::info!("ready");
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn init() -> Result<(), Error> {
    Loader::new().init()
}

/// Returns the configuration of the global system: every setting with its value and its origin, as
/// [`Spec::effective`](super::Spec::effective) writes it. `None` if no system is set up, or code set it up without a
/// [`Spec`](super::Spec).
pub fn effective() -> Option<String> {
    logging::global()?.spec().map(|spec| spec.effective())
}
