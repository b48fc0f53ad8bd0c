//! What belongs to the process, and so to all its logging systems.

use std::time::Duration;

use crate::error::Error;
use crate::exit;
use crate::value::{Limits, limits};
use crate::worker;

/// Sets how large records may be, in all logging systems of this process. See [`Limits`] for the defaults.
///
/// The limits apply to records, contexts and loggers that are made after the call, so call it before the first record,
/// as a rule. They may be set again at any time; the last call counts.
///
/// # Errors
///
/// A limit is out of range. All limits stay what they were.
///
/// # Examples
///
/// ```
/// use femtologging::value::Limits;
/// use femtologging::set_limits;
///
/// set_limits(Limits { value_bytes: 4096, ..Limits::default() })?;
///
/// let error = set_limits(Limits { keys: 1, ..Limits::default() }).unwrap_err();
/// assert_eq!(error.problems()[0].field, "limits.keys");
/// # Ok::<(), femtologging::Error>(())
/// ```
pub fn set_limits(limits: Limits) -> Result<(), Error> {
    match limits.problem() {
        Some(problem) => Err(Error::config(vec![problem])),
        None => {
            limits::set(limits);
            Ok(())
        }
    }
}

/// Writes what is queued, before the process becomes another program: a flush of all logging systems of the process,
/// for at most the time that [`set_exit_timeout`] says.
///
/// `exec` ends the handlers' threads and runs no exit hooks, so it loses what is still queued. Handlers with
/// [`Transport::Inline`](crate::policy::Transport::Inline) have nothing queued.
///
/// # Errors
///
/// What is not written, by handler.
///
/// # Examples
///
/// ```no_run
/// # #[cfg(unix)]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::os::unix::process::CommandExt;
/// use std::process::Command;
///
/// femtologging::info!("starting the editor");
/// femtologging::before_exec()?;
/// Err(Command::new("vi").exec().into())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
pub fn before_exec() -> Result<(), Error> {
    let mut workers = worker::all();
    workers.retain(|worker| !worker.queue.is_orphaned());
    worker::flush(&workers, exit::timeout())
}

/// Sets how long the end of the process waits for the handlers of all logging systems: 5 s by default.
///
/// It may be set at any time; the last call before the end counts. [`Duration::ZERO`] does not wait: what is not
/// written by then is reported on standard error, as after any other time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// femtologging::set_exit_timeout(Duration::from_secs(1));
/// ```
pub fn set_exit_timeout(timeout: Duration) {
    exit::set_timeout(timeout);
}
