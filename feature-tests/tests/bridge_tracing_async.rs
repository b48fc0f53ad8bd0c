//! Tasks on several threads, each in a span of its own; in the global system, by the global dispatcher.
#![cfg(feature = "tracing")]

mod common;

use std::time::Duration;

use common::LONG;
use femtologging::bridge::FemtoTracingLayer;
use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, Level, Value, info};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

/// A call site as `debug!(target: "asked", …)` has one; `callsite2!` wants this name.
static __CALLSITE: tracing::callsite::DefaultCallsite = tracing::callsite2! {
    name: "event",
    kind: tracing::metadata::Kind::EVENT,
    target: "asked",
    level: tracing::Level::DEBUG,
    fields:
};

const TASKS: u64 = 1_000;
const STEPS: u64 = 5;

async fn task(id: u64) {
    for step in 0..STEPS {
        tracing::info!(task = id, step, "event");
        tokio::task::yield_now().await;
        info!("ours"; task = id, step);
        part(id, step).instrument(tracing::info_span!("part", step_of_part = step)).await;
    }
    tracing::Span::current().record("state", "done");
    tracing::info!(task = id, "finished");
}

async fn part(id: u64, step: u64) {
    tokio::task::yield_now().await;
    // The work of another thread, in the same span.
    let span = tracing::Span::current();
    let blocking = move || span.in_scope(|| tracing::debug!(task = id, step, "blocking"));
    if id.is_multiple_of(100) {
        tokio::task::spawn_blocking(blocking).await.unwrap();
    }
    tokio::time::sleep(Duration::from_micros(id % 7)).await;
    tracing::info!(task = id, step, "event in a part");
}

#[test]
fn a_thousand_tasks_keep_their_spans() {
    let capture = FemtoCaptureHandler::new();

    Config::builder().default_level(Level::Debug).add_handler("capture", capture.clone()).build_and_init().unwrap();
    let subscriber = tracing_subscriber::registry().with(FemtoTracingLayer::builder().build());
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|id| {
                let span = tracing::info_span!("task", id, state = tracing::field::Empty);
                tokio::spawn(task(id).instrument(span))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        tracing::info!("all done");
    });
    femtologging::flush(LONG).unwrap();

    let mut messages = std::collections::BTreeMap::new();
    for record in capture.records() {
        let spans: Vec<_> = record.spans().map(|span| span.name().to_owned()).collect();
        let message = record.message().to_owned();
        let expected: &[&str] = match &*message {
            "all done" => &[],
            "event in a part" | "blocking" => &["task", "part"],
            _ => &["task"],
        };
        assert_eq!(spans, expected, "{message}");
        if message != "all done" {
            assert!(record.get("task").is_some());
            assert_eq!(record.get("id").and_then(|id| id.as_i64()), record.get("task").and_then(|id| id.as_i64()));
        }
        if expected.len() == 2 {
            assert_eq!(record.get("step_of_part"), record.get("step"));
        }
        assert_eq!(record.get("state"), (message == "finished").then_some(Value::Str("done")));
        *messages.entry(message).or_insert(0) += 1;
    }
    let expected = [
        ("all done", 1),
        ("blocking", TASKS / 100 * STEPS),
        ("event", TASKS * STEPS),
        ("event in a part", TASKS * STEPS),
        ("finished", TASKS),
        ("ours", TASKS * STEPS),
    ];
    assert_eq!(messages.iter().map(|(message, count)| (&**message, *count)).collect::<Vec<_>>(), expected);

    // What no level lets through is not even asked about.
    let interest = || (__CALLSITE.interest().is_always(), __CALLSITE.interest().is_never());
    assert_eq!(interest(), (true, false));
    let asked = femtologging::get_logger("asked").unwrap();
    asked.set_level(Level::Info);
    assert_eq!(interest(), (false, true));
    asked.clear_level();
    assert_eq!(interest(), (true, false));

    // Nothing is enabled any more than the levels say, by `tracing`'s own count.
    use tracing::level_filters::LevelFilter;
    assert_eq!(LevelFilter::current(), LevelFilter::DEBUG);
    femtologging::root_logger().set_level(Level::Error);
    assert_eq!(LevelFilter::current(), LevelFilter::ERROR);
    femtologging::get_logger("bridge_tracing_async").unwrap().set_level(Level::Trace);
    assert_eq!(LevelFilter::current(), LevelFilter::TRACE);
    assert!(tracing::enabled!(tracing::Level::TRACE));
    assert!(!tracing::enabled!(target: "elsewhere", tracing::Level::WARN));
    assert!(!tracing::trace_span!("enabled").is_disabled());
    assert!(tracing::info_span!(target: "elsewhere", "disabled").is_disabled());
}
