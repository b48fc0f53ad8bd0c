//! Tasks in spans of their own, moved between threads by an executor that fits on a page.
//!
//! Run with `cargo run --features full --example 05_spans_async`. With tokio it is the same:
//! `tokio::spawn(order(…).in_span(…))`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use femtologging::formatter::FemtoPatternFormatter;
use femtologging::policy::SpanEvents;
use femtologging::span::FemtoFutureExt;
use femtologging::{Config, FemtoLogger, FemtoStreamHandler, context, info, info_span};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let format = FemtoPatternFormatter::brace("{levelname} {message} {key_values}")?;
    let logging = Config::builder()
        .span_events(SpanEvents::Exit)
        .add_handler("console", FemtoStreamHandler::stdout().formatter(format).build()?)
        .build()?;
    let logger = logging.get_logger("shop")?;

    // The spans have the context that they are made in.
    let orders = context! { shop = "north"; {
        let order = |id| order(logger.clone(), id).in_span(info_span!(logger: logger, "order"; id));
        (1..=3).map(|id| Box::pin(order(id)) as Task).collect()
    } };
    run(orders);
    logging.shutdown(Duration::from_secs(5))?;
    Ok(())
}

async fn order(logger: FemtoLogger, lamps: u32) {
    info!(logger: logger, "received");
    yield_now().await;
    pack(&logger, lamps).in_span(info_span!(logger: logger, "pack"; lamps)).await;
    info!(logger: logger, "sent");
}

async fn pack(logger: &FemtoLogger, lamps: u32) {
    for lamp in 1..=lamps {
        info!(logger: logger, "packed"; lamp);
        yield_now().await;
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls tasks on two threads, each time on whichever is free.
fn run(tasks: Vec<Task>) {
    let tasks = Mutex::new(tasks);
    let work = || {
        while let Some(mut task) = { tasks.lock().unwrap().pop() } {
            if task.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending() {
                tasks.lock().unwrap().insert(0, task);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}

/// Lets other tasks run.
async fn yield_now() {
    let mut yielded = false;
    let suspend = |_: &mut task::Context<'_>| {
        if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
    };
    std::future::poll_fn(suspend).await;
}
