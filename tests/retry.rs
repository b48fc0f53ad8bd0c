//! What a handler keeps for a retry: it stays in flight, comes again in order, and is counted once.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{LONG, Scripted, wait_until};
use femtologging::handler::{Batch, Delivery, FemtoHandler};
use femtologging::metrics::HandlerMetrics;
use femtologging::time::Timestamp;
use femtologging::{Config, Error, FemtoLogRecord, FemtoLogger, FemtoStreamHandler, Logging, info};

/// What the peer behind a [`Retrying`] handler does, and has got.
#[derive(Default)]
struct Peer {
    /// How many records it takes before it is down.
    takes: usize,
    got: Vec<String>,
    calls: usize,
    urgent: usize,
}

/// Delivers what its peer takes, and keeps up to `keeps` records of the rest.
struct Retrying {
    peer: Arc<Mutex<Peer>>,
    keeps: usize,
}

impl FemtoHandler for Retrying {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|out| record.write_message(out));
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        let mut peer = self.peer.lock().unwrap();
        peer.calls += 1;
        peer.urgent += usize::from(batch.is_urgent());
        while peer.takes > 0
            && let Some(text) = batch.next_text()
        {
            peer.got.push(String::from_utf8(text.to_vec()).unwrap());
            peer.takes -= 1;
            batch.deliver_next();
        }
        let waiting = batch.texts().count();
        if waiting > self.keeps {
            batch.fail_next(waiting - self.keeps);
            batch.report(Error::other("no room"));
        }
        Ok(Delivery::Retry)
    }
}

fn system(keeps: usize) -> (Arc<Mutex<Peer>>, Logging, FemtoLogger) {
    let peer = Arc::new(Mutex::new(Peer::default()));
    let handler = Retrying { peer: peer.clone(), keeps };
    let logging = Config::builder().add_handler("h", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (peer, logging, logger)
}

fn metrics(logging: &Logging) -> HandlerMetrics {
    let metrics = logging.metrics().handler("h").unwrap().clone();
    assert_eq!(metrics.emitted, metrics.written + metrics.dropped.total() + metrics.failed + metrics.in_flight);
    metrics
}

/// Emitted, written, failed, in flight and bytes.
fn counts(logging: &Logging) -> [u64; 5] {
    let HandlerMetrics { emitted, written, failed, in_flight, bytes, .. } = metrics(logging);
    [emitted, written, failed, in_flight, bytes]
}

#[test]
fn what_is_kept_stays_in_flight_and_comes_again_in_order() {
    let (peer, logging, logger) = system(usize::MAX);
    for i in 0..5 {
        info!(logger: logger, "{}", i);
    }
    logging.flush(Duration::ZERO).unwrap_err();
    wait_until("they are kept", || peer.lock().unwrap().calls > 0);
    assert_eq!(counts(&logging), [5, 0, 0, 5, 0]);
    peer.lock().unwrap().takes = 2;
    wait_until("the peer has two", || peer.lock().unwrap().got.len() == 2);
    wait_until("they are counted", || counts(&logging) == [5, 2, 0, 3, 2]);
    info!(logger: logger, "{}", 5);
    peer.lock().unwrap().takes = usize::MAX;
    logging.flush(LONG).unwrap();
    assert_eq!(peer.lock().unwrap().got, ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(counts(&logging), [6, 6, 0, 0, 6]);
}

#[test]
fn a_flush_waits_for_retries() {
    let (peer, logging, logger) = system(usize::MAX);
    info!(logger: logger, "late");
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| logging.flush(LONG));
        wait_until("the flush has begun", || peer.lock().unwrap().urgent == 1);
        let calls = peer.lock().unwrap().calls;
        wait_until("it tries again", || peer.lock().unwrap().calls > calls + 1);
        peer.lock().unwrap().takes = 1;
        flush.join().unwrap().unwrap();
    });
    let peer = peer.lock().unwrap();
    assert_eq!((peer.urgent, &peer.got[..]), (1, &["late".to_owned()][..]));
}

#[test]
fn flushes_wait_in_turn() {
    let (peer, logging, logger) = system(usize::MAX);
    info!(logger: logger, "kept");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| logging.flush(LONG));
        wait_until("the first flush waits", || peer.lock().unwrap().urgent == 1);
        let second = scope.spawn(|| logging.flush(LONG));
        wait_until("the second has been asked for", || peer.lock().unwrap().calls > 10);
        assert!(!first.is_finished() && !second.is_finished());
        peer.lock().unwrap().takes = 1;
        assert!(first.join().unwrap().is_ok() && second.join().unwrap().is_ok());
    });
    assert_eq!(peer.lock().unwrap().got, ["kept"]);
}

#[test]
fn what_has_no_room_has_failed_and_is_reported() {
    let (peer, logging, logger) = system(3);
    for i in 0..5 {
        info!(logger: logger, "{}", i);
    }
    logging.flush(Duration::ZERO).unwrap_err();
    wait_until("some have failed", || counts(&logging) == [5, 0, 2, 3, 0]);
    wait_until("it is reported", || metrics(&logging).last_error.as_deref() == Some("no room"));
    peer.lock().unwrap().takes = usize::MAX;
    logging.flush(LONG).unwrap();
    assert_eq!(peer.lock().unwrap().got, ["2", "3", "4"]);
    assert_eq!(counts(&logging), [5, 3, 2, 0, 3]);
}

#[test]
fn shutdown_counts_what_is_kept_as_failed() {
    let (peer, logging, logger) = system(usize::MAX);
    for i in 0..5 {
        info!(logger: logger, "{}", i);
    }
    peer.lock().unwrap().takes = 2;
    logging.shutdown(Duration::from_millis(200)).unwrap_err();
    wait_until("all are counted", || counts(&logging) == [5, 2, 3, 0, 2]);
}

#[test]
fn shutdown_does_not_wait_for_a_flush_that_waits() {
    let (peer, logging, logger) = system(usize::MAX);
    info!(logger: logger, "kept");
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| logging.flush(LONG));
        wait_until("the flush has begun", || peer.lock().unwrap().urgent == 1);
        logging.shutdown(Duration::from_millis(200)).unwrap_err();
        let error = flush.join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "`handlers.h`: 1 records could not be delivered in time");
    });
    wait_until("it is counted", || counts(&logging) == [1, 0, 1, 0, 0]);
}

#[test]
fn callers_do_not_wait_while_a_flush_does() {
    let (peer, logging, logger) = system(10);
    info!(logger: logger, "first");
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| logging.flush(LONG));
        wait_until("the flush has begun", || peer.lock().unwrap().urgent == 1);
        // More than the queue holds, whose policy is to block.
        for i in 0..100_000 {
            info!(logger: logger, "{}", i);
        }
        peer.lock().unwrap().takes = usize::MAX;
        let _ = flush.join().unwrap();
    });
    let _ = logging.flush(LONG);
    let [emitted, written, failed, in_flight, _] = counts(&logging);
    assert_eq!((emitted, in_flight), (100_001, 0));
    assert_eq!(written + failed, 100_001);
    let peer = peer.lock().unwrap();
    assert_eq!(peer.got.len() as u64, written);
    assert_eq!(peer.got.last().unwrap(), "99999");
    assert!(failed > 0);
}

#[test]
fn a_formatter_that_shortens_its_buffer_changes_its_own_record_only() {
    let peer = Scripted::default();
    let handler =
        FemtoStreamHandler::builder(peer.clone()).formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
            out.clear();
            record.write_message(out);
            if out.ends_with(b"7") {
                *out = b"seven".to_vec();
            }
        });
    let logging = Config::builder().add_handler("h", handler.build().unwrap()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (0..1000).for_each(|number| info!(logger: logger, "{}", number));
    logging.shutdown(LONG).unwrap();
    let text = |number: usize| if number % 10 == 7 { "seven".to_owned() } else { number.to_string() };
    assert_eq!(peer.lines(), (0..1000).map(text).collect::<Vec<_>>());
    assert_eq!(logging.metrics().handlers[0].written, 1000);
}

/// Keeps everything, and lets user code shorten the text.
struct Shortening(Arc<Mutex<Vec<String>>>);

impl FemtoHandler for Shortening {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|out| {
            out.clear();
            record.write_message(out);
        });
        Ok(())
    }

    fn deliver(&mut self, batch: &mut Batch, _: Timestamp) -> Result<Delivery, Error> {
        if !batch.is_urgent() {
            return Ok(Delivery::Retry);
        }
        self.0.lock().unwrap().extend(batch.texts().map(|text| String::from_utf8(text.to_vec()).unwrap()));
        Ok(Delivery::Done)
    }
}

#[test]
fn a_handler_that_keeps_records_survives_shortened_text() {
    let got = Arc::new(Mutex::new(Vec::new()));
    let logging = Config::builder().add_handler("h", Shortening(got.clone())).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    for round in 0..3_u64 {
        (0..10).for_each(|number| info!(logger: logger, "{}", 10 * round + number));
        logging.flush(LONG).unwrap();
        assert_eq!(logging.metrics().handlers[0].written, 10 * (round + 1));
    }
    assert_eq!(*got.lock().unwrap(), (0..30).map(|number| number.to_string()).collect::<Vec<_>>());
}
