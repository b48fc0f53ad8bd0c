//! The process id of records in the child of a `fork`.
#![cfg(unix)]
#![allow(unsafe_code)]

use std::time::Duration;

use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, Level, info};

const LONG: Duration = Duration::from_secs(60);

/// Logs one record in a system of its own and returns the process id that it has.
fn logged_id() -> u32 {
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder().default_level(Level::Info).add_handler("c", capture.clone()).build().unwrap();
    info!(logger: logging.get_logger("app").unwrap(), "m");
    logging.shutdown(LONG).unwrap();
    capture.records()[0].process_id()
}

#[test]
fn a_child_has_its_own_process_id() {
    assert_eq!(logged_id(), std::process::id());
    // SAFETY: the child runs nothing but what the library allows in one, and ends with `_exit` or a signal.
    unsafe {
        match libc::fork() {
            -1 => panic!("cannot fork: {}", std::io::Error::last_os_error()),
            0 => {
                libc::alarm(60);
                let right = std::panic::catch_unwind(|| logged_id() == std::process::id());
                libc::_exit(if let Ok(true) = right { 0 } else { 1 })
            }
            id => {
                let mut status = 0;
                assert_eq!((libc::waitpid(id, &mut status, 0), status), (id, 0));
            }
        }
    }
}
