//! The name of the function that a call stands in.

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{self, Poll, Waker};

use common::LONG;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, FemtoLogger, Level, info, info_span, log};

struct Pool<T>(T);

impl<T> Pool<T> {
    fn load(&self, logger: &FemtoLogger) {
        info!(logger: *logger, "inherent, generic");
    }
}

trait Save {
    fn save(&self, logger: &FemtoLogger);

    fn by_default(&self, logger: &FemtoLogger) {
        info!(logger: *logger, "of a trait");
    }
}

impl Save for Pool<Vec<u8>> {
    fn save(&self, logger: &FemtoLogger) {
        let both = || [1, 2].map(|n| info!(logger: *logger, "of an impl, in closures"; n));
        both();
    }
}

fn generic<T: std::fmt::Debug>(value: T, logger: &FemtoLogger) {
    info!(logger: *logger, "{:?}", value);
    info!(logger: *logger, "{value:?}"; value:?);
}

async fn in_tasks(logger: &FemtoLogger) {
    info!(logger: *logger, "in an async fn");
    async { log!(Level::Info, logger: *logger, "in a block") }.await;
}

mod inner {
    pub(super) fn nested(logger: &femtologging::FemtoLogger) {
        fn innermost(logger: &femtologging::FemtoLogger) {
            femtologging::info!(logger: *logger, once, "nested");
        }
        innermost(logger);
    }
}

#[test]
fn every_record_knows_its_function() {
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder().add_handler("capture", capture.clone()).build().unwrap();
    let logger = &logging.get_logger("app").unwrap();
    let pool = Pool(vec![1]);
    pool.load(logger);
    pool.by_default(logger);
    pool.save(logger);
    generic(Some(1), logger);
    let mut task = pin!(in_tasks(logger));
    assert_eq!(task.as_mut().poll(&mut task::Context::from_waker(Waker::noop())), Poll::Ready(()));
    inner::nested(logger);
    std::thread::scope(|scope| {
        scope.spawn(|| info!(logger: *logger, "on a thread"));
    });
    info_span!(logger: *logger, "span").events(femtologging::policy::SpanEvents::Exit).in_scope(|| ());
    logging.flush(LONG).unwrap();
    let own = "functions::every_record_knows_its_function";
    let expected = [
        Some("functions::Pool::load"),
        Some("functions::Pool::by_default"),
        Some("functions::Pool::save"),
        Some("functions::Pool::save"),
        Some("functions::generic"),
        Some("functions::generic"),
        Some("functions::in_tasks"),
        Some("functions::in_tasks"),
        Some("functions::inner::nested::innermost"),
        Some(own),
        None,
    ];
    let records = capture.records();
    assert_eq!(records.iter().map(|record| record.function()).collect::<Vec<_>>(), expected);
}
