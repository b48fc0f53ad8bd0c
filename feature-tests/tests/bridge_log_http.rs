//! What the crates that send records say through `log` about it.
#![cfg(all(feature = "http", feature = "log"))]

mod common;
#[path = "common/http.rs"]
mod server;

use common::{LONG, wait_until};
use femtologging::bridge::init_log;
use femtologging::handler::{FemtoCaptureHandler, FemtoHttpHandler, HttpBody};
use femtologging::{Config, LevelFilter};
use server::{Reply, Server};

// One test: there is one logger of `log`.
#[test]
fn a_request_makes_no_records_and_counts_no_drops() {
    let server = Server::start(|n, _| if n == 0 { Reply::Garbage(b"") } else { Reply::ok() });
    let capture = FemtoCaptureHandler::new();
    let http = FemtoHttpHandler::builder().url(server.url("/")).body(HttpBody::Ndjson).batch_records(1);
    Config::builder()
        .default_level(LevelFilter::Trace)
        .add_handler("capture", capture.clone())
        .add_handler("http", http.build().unwrap())
        .build_and_init()
        .unwrap();
    init_log().unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Trace);

    log::info!("one");
    wait_until("a request has failed", || !server.requests().is_empty());
    log::info!("two");
    femtologging::flush(LONG).unwrap();

    assert_eq!(capture.messages(), ["one", "two"]);
    assert_eq!(server.requests().len(), 3);
    for handler in femtologging::metrics().handlers {
        let counts = (handler.emitted, handler.written, handler.dropped.total());
        assert_eq!(counts, (2, 2, 0), "{}", handler.name);
    }
}
