//! Contexts and spans of tasks that tokio moves between threads.
#![cfg(feature = "tokio")]

mod common;

use common::{Captured, suspend};
use femtologging::policy::SpanEvents;
use femtologging::record::OwnedRecord;
use femtologging::span::FemtoFutureExt;
use femtologging::{Config, FemtoLogger, context, info, info_span};

fn system() -> Captured {
    Captured::new(Config::builder().span_events(SpanEvents::Exit))
}

async fn work(logger: FemtoLogger, task: u32) {
    for step in 0..5_u32 {
        context! { step; { info!(logger: logger, "m"; expected = task) } };
        suspend().await;
    }
    async { info!(logger: logger, "inner"; expected = task) }.in_context(context! { inner = true }).await;
    info!(logger: logger, "end"; expected = task);
}

fn check_tasks(records: &[OwnedRecord], tasks: usize) {
    assert_eq!(records.len(), tasks * 7);
    for record in records {
        assert_eq!(record.get("task").and_then(|n| n.as_i64()), record.get("expected").and_then(|n| n.as_i64()));
        assert_eq!(record.get("step").is_some(), record.message() == "m", "{record:?}");
        assert_eq!(record.get("inner").is_some(), record.message() == "inner", "{record:?}");
    }
}

#[test]
fn ten_thousand_tasks_on_tokio_keep_their_own_contexts() {
    const TASKS: u32 = 10_000;
    let system = system();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| tokio::spawn(work(system.logger.clone(), task).in_context(context! { task })))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    check_tasks(&system.records(), TASKS as usize);
}

#[test]
fn ten_thousand_tasks_on_tokio_keep_their_own_spans() {
    const TASKS: i64 = 10_000;
    let system = system();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let work = |logger: FemtoLogger, expected: i64| async move {
        for _ in 0..3 {
            info!(logger: logger, "m"; expected);
            suspend().await;
        }
        if expected % 100 == 0 {
            panic!("expected by this test");
        }
    };
    let panicked = runtime.block_on(async {
        let spawn = |task| {
            let span = info_span!(logger: system.logger, "task"; task);
            tokio::spawn(work(system.logger.clone(), task).in_span(span))
        };
        let mut panicked = 0;
        for task in (0..TASKS).map(spawn).collect::<Vec<_>>() {
            panicked += i64::from(task.await.is_err());
        }
        panicked
    });
    assert_eq!(panicked, TASKS / 100);
    drop(runtime);
    let records = system.records();
    assert_eq!(records.len() as i64, TASKS * 4);
    let mut marked = 0;
    for record in &records {
        let number = |key| record.get(key).and_then(|value| value.as_i64());
        assert_eq!(record.spans().map(|span| span.name()).collect::<Vec<_>>(), ["task"]);
        assert!(number("task").is_some());
        match record.message() {
            "m" => assert_eq!(number("task"), number("expected")),
            _ => marked += i64::from(record.get("panicked").is_some()),
        }
    }
    assert_eq!(marked, TASKS / 100);
}
