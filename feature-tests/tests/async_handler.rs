//! Handlers of asynchronous code, and waits that would stop the runtime on which they deliver.
#![cfg(feature = "tokio")]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use femtologging::handler::{Batch, Delivery, FemtoAsyncHandler, FemtoCaptureHandler, FemtoNullHandler};
use femtologging::policy::ErrorPolicy;
use femtologging::{Config, Error, FemtoLogRecord, FemtoLogger, Logging, info};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};

mod common;
use common::LONG;

/// Sends batches over a connection that a runtime drives.
struct Sender {
    address: std::net::SocketAddr,
    connection: Option<TcpStream>,
    dropped_within: Arc<AtomicUsize>,
}

impl FemtoAsyncHandler for Sender {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|text| {
            record.write_message(text);
            text.push(b'\n');
        });
        Ok(())
    }

    async fn deliver(&mut self, batch: &mut Batch) -> Result<Delivery, Error> {
        if self.connection.is_none() {
            self.connection = Some(TcpStream::connect(self.address).await?);
        }
        // The timer is the runtime's as well.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.connection.as_mut().unwrap().write_all(batch.bytes()).await?;
        Ok(Delivery::Done)
    }

    async fn close(&mut self) -> Result<(), Error> {
        match self.connection.take() {
            Some(mut connection) => Ok(connection.shutdown().await?),
            None => Ok(()),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.dropped_within.fetch_add(usize::from(Handle::try_current().is_ok()), SeqCst);
    }
}

/// A peer on threads of its own, and what it received.
fn peer() -> (std::net::SocketAddr, mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        let text = std::io::read_to_string(listener.accept().unwrap().0).unwrap();
        sender.send(text).unwrap();
    });
    (address, received)
}

fn system(address: std::net::SocketAddr, runtime: &Handle) -> (Logging, FemtoLogger, Arc<AtomicUsize>) {
    let dropped_within = Arc::default();
    let sender = Sender { address, connection: None, dropped_within: Arc::clone(&dropped_within) };
    let handler = sender.on(runtime.clone()).build().unwrap();
    let logging = Config::builder().add_handler("sender", handler).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    (logging, logger, dropped_within)
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

fn refused(outcome: Result<(), Error>, what: &str) {
    let error = outcome.unwrap_err();
    assert!(error.is_would_deadlock(), "{error}");
    let expected = format!(
        "no blocking {what} from the only worker of the runtime on which handler `sender` delivers: it would wait for \
         itself"
    );
    assert_eq!(error.to_string(), expected);
}

/// What every kind of runtime must do, in a task or in the future of `block_on`.
async fn on_the_only_worker(logging: Logging, logger: FemtoLogger) {
    for n in 0..100 {
        info!(logger: logger, "{}", n);
    }
    refused(logging.flush(LONG), "flush");
    refused(logging.shutdown(LONG), "shutdown");
    refused(logging.replace_handler("sender", FemtoNullHandler, LONG), "change of handlers");
    refused(logging.remove_handler("sender", LONG).map(drop), "change of handlers");
    // This waits for nobody.
    logging.add_handler("other", FemtoNullHandler).unwrap();
    // Nothing was shut down or changed.
    logging.flush_async(LONG).await.unwrap();
    let metrics = logging.metrics().handler("sender").unwrap().clone();
    assert_eq!((metrics.written, metrics.dropped.total()), (100, 0));
    // Where a thread of its own waits, nothing stops.
    let blocking = logging.clone();
    tokio::task::spawn_blocking(move || blocking.flush(LONG)).await.unwrap().unwrap();
    logging.shutdown_async(LONG).await.unwrap();
}

fn expected() -> String {
    (0..100).map(|n| format!("{n}\n")).collect()
}

#[test]
fn a_blocking_wait_on_a_current_thread_runtime_is_refused_at_once() {
    let (address, received) = peer();
    let runtime = current_thread();
    let (logging, logger, dropped_within) = system(address, runtime.handle());
    runtime.block_on(on_the_only_worker(logging, logger));
    assert_eq!(received.recv_timeout(LONG).unwrap(), expected());
    common::wait_until("the handler is dropped", || dropped_within.load(SeqCst) == 1);
}

#[test]
fn a_blocking_wait_on_the_only_worker_is_refused_at_once() {
    let (address, received) = peer();
    let runtime = workers(1);
    let (logging, logger, _) = system(address, runtime.handle());
    let again = logging.clone();
    runtime.block_on(async move {
        tokio::spawn(on_the_only_worker(logging, logger)).await.unwrap();
        // The thread of `block_on` is not a worker.
        again.flush(LONG).unwrap();
    });
    assert_eq!(received.recv_timeout(LONG).unwrap(), expected());
}

#[test]
fn a_runtime_with_another_worker_goes_on() {
    let (address, received) = peer();
    let runtime = workers(2);
    let (logging, logger, _) = system(address, runtime.handle());
    runtime.block_on(async move {
        tokio::spawn(async move {
            info!(logger: logger, "one");
            logging.flush(LONG).unwrap();
            logging.shutdown(LONG).unwrap();
        })
        .await
        .unwrap();
    });
    assert_eq!(received.recv_timeout(LONG).unwrap(), "one\n");
}

#[test]
fn other_handlers_and_other_runtimes_are_not_refused() {
    let capture = FemtoCaptureHandler::new();
    let logging = Config::builder().add_handler("capture", capture.clone()).build().unwrap();
    let logger = logging.get_logger("app").unwrap();
    let (address, received) = peer();
    let background = workers(1);
    let (sending, sending_logger, _) = system(address, background.handle());
    current_thread().block_on(async {
        info!(logger: logger, "one");
        logging.flush(LONG).unwrap();
        info!(logger: sending_logger, "two");
        sending.flush(LONG).unwrap();
        sending.shutdown(LONG).unwrap();
    });
    assert_eq!(capture.messages(), ["one"]);
    assert_eq!(received.recv_timeout(LONG).unwrap(), "two\n");
}

#[test]
fn a_system_that_is_dropped_on_the_only_worker_does_not_wait_for_itself() {
    let (address, received) = peer();
    let runtime = current_thread();
    let (logging, logger, _) = system(address, runtime.handle());
    runtime.block_on(async move {
        info!(logger: logger, "last words");
        drop((logging, logger));
        // The runtime goes on, so the handler delivers.
        let received = tokio::task::spawn_blocking(move || received.recv_timeout(LONG)).await.unwrap();
        assert_eq!(received.unwrap(), "last words\n");
    });
}

/// Never answers.
struct Stuck(Arc<Mutex<Vec<usize>>>);

impl FemtoAsyncHandler for Stuck {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, batch: &mut Batch) -> Result<(), Error> {
        batch.append(|text| text.push(b'x'));
        Ok(())
    }

    async fn deliver(&mut self, batch: &mut Batch) -> Result<Delivery, Error> {
        self.0.lock().unwrap().push(batch.records());
        std::future::pending().await
    }
}

#[test]
fn a_delivery_that_never_ends_fails_after_its_timeout_or_is_tried_again() {
    let runtime = current_thread();
    for policy in [ErrorPolicy::Report, ErrorPolicy::Retry { bytes: 1 << 20 }] {
        let tries = Arc::<Mutex<Vec<usize>>>::default();
        let handler = Stuck(tries.clone()).on(runtime.handle().clone()).delivery_timeout(Duration::from_millis(20));
        let logging =
            Config::builder().add_handler("stuck", handler.on_error(policy).build().unwrap()).build().unwrap();
        info!(logger: logging.get_logger("app").unwrap(), "one");
        common::wait_until("it has timed out", || logging.metrics().handler("stuck").unwrap().errors >= 1);
        let metrics = logging.metrics().handler("stuck").unwrap().clone();
        assert_eq!(metrics.last_error.as_deref(), Some("the delivery (given 20ms) did not finish in time"));
        let is_retried = policy != ErrorPolicy::Report;
        assert_eq!((metrics.failed, metrics.in_flight), if is_retried { (0, 1) } else { (1, 0) });
        // Which is when it is tried again.
        assert!(logging.shutdown(Duration::from_millis(300)).is_err());
        match is_retried {
            true => common::wait_until("it is tried again", || tries.lock().unwrap().len() > 1),
            false => assert_eq!(*tries.lock().unwrap(), [1]),
        }
    }
}

#[test]
fn it_needs_a_thread() {
    let runtime = current_thread();
    let error = Stuck(Arc::default()).on(runtime.handle().clone()).inline().build().unwrap_err();
    assert!(error.to_string().contains("FemtoAsyncHandler"), "{error}");
}

/// A listener of the same runtime: the peer and the handler share its only thread.
#[test]
fn the_peer_may_be_a_task_of_the_same_runtime() {
    let runtime = current_thread();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (logging, logger, _) = system(listener.local_addr().unwrap(), &Handle::current());
        let peer = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut connection, &mut text).await.unwrap();
            text
        });
        info!(logger: logger, "one");
        logging.shutdown_async(LONG).await.unwrap();
        assert_eq!(peer.await.unwrap(), "one\n");
    });
}
