//! An error hook that does not return for a while: nobody waits for it, and what it misses is counted.

mod common;

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, mpsc};

use common::{LONG, Scripted, Step, wait_until};
use femtologging::{Config, FemtoStreamHandler, info, metrics};

/// Has a handler of this name fail once.
fn fail(name: &str) {
    let writer = Scripted::new([Step::Fail(ErrorKind::StorageFull, "full")]);
    let handler = FemtoStreamHandler::builder(writer).build().unwrap();
    let logging = Config::builder().add_handler(name, handler).build().unwrap();
    info!(logger: logging.root_logger(), "lost");
    assert!(logging.flush(LONG).is_err());
}

#[test]
fn a_hook_that_hangs_misses_notices_until_it_returns() {
    let (release, gate) = mpsc::channel::<()>();
    let (gate, seen) = (Mutex::new(gate), Arc::new(Mutex::new(Vec::new())));
    let told = seen.clone();
    femtologging::set_error_hook(move |source, _| {
        let _ = gate.lock().unwrap().recv();
        told.lock().unwrap().push(source.to_owned());
    });
    let seen = || seen.lock().unwrap().clone();
    fail("first");
    assert_eq!(metrics().notices_dropped, 1);
    fail("second");
    assert_eq!((metrics().notices_dropped, seen().len()), (2, 0));
    drop(release);
    wait_until("the hook has returned", || seen() == ["first"]);
    // It may still be on its way back.
    let mut failures = 0;
    wait_until("a notice reaches the hook", || {
        fail("third");
        failures += 1;
        seen().len() > 1
    });
    assert_eq!(seen(), ["first", "third"]);
    assert_eq!(metrics().notices_dropped, 2 + failures - 1);
}
