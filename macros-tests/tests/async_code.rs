//! Calls in futures: a future that logs stays `Send`.

#![allow(clippy::disallowed_methods, reason = "only the library itself starts its threads in one place")]

use std::cell::Cell;
use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use femtologging::{FemtoLogger, Level, enabled, info, log};
use macros_tests::Recorder;

/// Waits once.
#[derive(Default)]
struct Once(bool);

impl Future for Once {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(7) } else { Poll::Pending }
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

async fn logs(logger: FemtoLogger, name: String) -> u32 {
    info!(logger: logger, "{} starts", name);
    let n = Once::default().await;
    info!(logger: logger, "{name} got {n}"; n, name:%);
    log!(Level::Info, logger: logger, target: name, "{} {:?}", n, Cell::new(1); cell:? = Cell::new(2));
    if enabled!(logger: logger, Level::Info) {
        Once::default().await;
    }
    info!(logger: logger, "{} waits in an argument", Once::default().await; n = Once::default().await);
    info!(logger: logger, target: &*name, "{}", ready("x").await);
    n
}

async fn with_values_that_stay_on_the_thread(logger: FemtoLogger) {
    info!(logger: logger, "{} {:?}", Rc::new(5), Rc::new(Cell::new(6)); k = Rc::new(7), l:? = Rc::new(Cell::new(8)));
    Once::default().await;
    info!(logger: logger, "{:p}", std::ptr::null::<u8>());
    Once::default().await;
}

async fn generic<T: std::fmt::Display + Send>(logger: &FemtoLogger, value: T) {
    info!(logger: logger, "{} {value}", value; value:%);
    Once::default().await;
    info!(logger: logger, "{}", value);
}

trait Service {
    fn call(&self, logger: FemtoLogger) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            Once::default().await;
            info!(logger: logger, "called");
        })
    }
}

impl Service for () {}

#[test]
fn futures_that_log_are_send() {
    let recorder = Recorder::new();
    let logger = recorder.logger.clone();
    assert_eq!(block_on(is_send(logs(logger.clone(), "task".to_owned()))), 7);
    assert_eq!(
        recorder.messages(),
        ["task starts", "task got 7", "7 Cell { value: 1 }", "7 waits in an argument", "x"]
    );
    block_on(is_send(with_values_that_stay_on_the_thread(logger.clone())));
    assert_eq!(recorder.messages(), ["5 Cell { value: 6 }", "0x0"]);
    block_on(is_send(generic(&logger, "x")));
    block_on(is_send(generic(&logger, 5)));
    assert_eq!(recorder.messages(), ["x x", "x", "5 5", "5"]);
    block_on(is_send(().call(logger.clone())));
    block_on(is_send(async { info!(logger: logger, "last") }));
    std::thread::scope(|scope| {
        let handle = scope.spawn(|| block_on(is_send(logs(logger.clone(), "thread".to_owned()))));
        assert_eq!(handle.join().ok(), Some(7));
    });
    assert_eq!(recorder.take().len(), 7);
}
