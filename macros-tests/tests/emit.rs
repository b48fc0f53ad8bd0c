//! The hidden function that every macro calls, called by hand with closures that no macro would give it.

use std::fmt::Write;
use std::sync::OnceLock;

use femtologging::__private::{AtLogger, Callsite, Level, Metadata, Module, Origin, Source, emit, plan};
use femtologging::metrics::DropReason;
use femtologging::{FemtoLogger, info};
use macros_tests::Recorder;

/// Makes a call site in a `static`, and calls it by hand.
macro_rules! call {
    ($plan:expr, $logger:expr, $arguments:expr, $render:expr) => {{
        static SITE: Callsite = Callsite::new(Metadata {
            level: Some(Level::Info),
            origin: Origin::Logger,
            module: &Module { target: "", module_path: module_path!(), file: file!() },
            line: line!(),
            template: "by hand",
            keys: &[],
        });
        let source = AtLogger($logger);
        assert!(source.enabled(&SITE, Level::Info));
        emit::<{ $plan }, _, _, _, _>(source, &SITE, Level::Info, $arguments, $render, ());
    }};
}

/// What `plan` answers for a format string of which the caller makes the text.
const BY_THE_CALLER: u8 = plan("{captured}", &[]);

/// What `plan` answers for a format string that needs the call's closure, without and with a width as an argument.
const BY_THE_HANDLER: u8 = plan("{:?}", &[]);
const BY_THE_HANDLER_WITH_WIDTH: u8 = plan("{:1$}", &[]);

/// Checks that nothing was dropped, least of all as a record that interrupted another one.
fn assert_all_written(recorder: &Recorder, records: u64) {
    let metrics = recorder.metrics();
    let handler = &metrics.handlers[0];
    assert_eq!((handler.emitted, handler.written, handler.dropped.total()), (records, records, 0));
}

#[test]
fn a_closure_that_logs_on_the_callers_thread() {
    let recorder = Recorder::new();
    let logger = &recorder.logger;
    // The first call registers the call site, and later ones go straight to the ring.
    for _ in 0..3 {
        call!(BY_THE_CALLER, logger, (), |out: &mut dyn Write, ()| {
            info!(logger: *logger, "within, {}", 1);
            out.write_str("around")
        });
    }
    assert_eq!(recorder.messages(), ["within, 1", "around"].repeat(3));
    assert_all_written(&recorder, 6);
}

#[test]
fn a_closure_that_panics_on_the_callers_thread() {
    let recorder = Recorder::new();
    for _ in 0..2 {
        call!(BY_THE_CALLER, &recorder.logger, (), |_: &mut dyn Write, ()| panic!("by a test"));
    }
    info!(logger: recorder.logger, "after {}", 1);
    assert_eq!(recorder.messages(), ["<formatting panicked>", "<formatting panicked>", "after 1"]);
    assert_all_written(&recorder, 3);
}

static LOGGER: OnceLock<FemtoLogger> = OnceLock::new();

#[test]
fn a_closure_that_logs_on_the_handlers_thread() {
    let recorder = Recorder::new();
    let logger = LOGGER.get_or_init(|| recorder.logger.clone());
    call!(BY_THE_HANDLER, logger, (), |out: &mut dyn Write, ()| {
        if let Some(logger) = LOGGER.get() {
            info!(logger: *logger, "within, {}", 1);
        }
        out.write_str("around")
    });
    // A handler's thread that logs to its own queue could wait for itself, so that record is dropped and counted.
    // A line of the library about that may follow.
    assert_eq!(recorder.messages()[0], "around");
    let handler = &recorder.metrics().handlers[0];
    let reentrant = handler.dropped.by_reason(DropReason::Reentrant);
    assert_eq!((handler.emitted, handler.written, handler.dropped.total(), reentrant), (2, 1, 1, 1));
}

#[test]
fn a_closure_that_panics_on_the_handlers_thread() {
    let recorder = Recorder::new();
    call!(BY_THE_HANDLER_WITH_WIDTH, &recorder.logger, (), |_: &mut dyn Write, ()| panic!("by a test"));
    info!(logger: recorder.logger, "after {}", 1);
    assert_eq!(recorder.messages(), ["<formatting panicked>", "after 1"]);
    assert_all_written(&recorder, 2);
}
