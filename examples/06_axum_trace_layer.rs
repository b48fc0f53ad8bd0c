//! A web service that knows `tracing` only: axum, with tower-http's `TraceLayer`. Its events and spans become records.
//!
//! ```text
//! cargo run --example 06_axum_trace_layer --features tracing
//! ```

use std::error::Error;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::routing::get;
use femtologging::bridge::FemtoTracingLayer;
use femtologging::formatter::FemtoLogfmtFormatter;
use femtologging::{Config, FemtoStreamHandler, Level};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

async fn item(Path(id): Path<u32>) -> Result<String, StatusCode> {
    // An event of the service's own, in the span that the layer has made for the request.
    tracing::info!(id, "looking for an item");
    load(id).await.ok_or(StatusCode::NOT_FOUND)
}

#[tracing::instrument(level = "debug", fields(rows))]
async fn load(id: u32) -> Option<String> {
    tokio::task::yield_now().await;
    let found = (id < 100).then(|| format!("item {id}\n"));
    tracing::Span::current().record("rows", usize::from(found.is_some()));
    tracing::debug!("asked the table");
    found
}

async fn broken() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

fn service() -> Router {
    let span =
        |request: &Request| tracing::info_span!("request", method = %request.method(), path = request.uri().path());
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_response(DefaultOnResponse::new().level(tracing::Level::INFO));
    Router::new().route("/items/{id}", get(item)).route("/broken", get(broken)).layer(trace)
}

/// Asks for a path, by a connection of its own, and returns the status line.
async fn ask(address: std::net::SocketAddr, path: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// Serves, and asks for three paths.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    // All that it takes: a system, and the layer in place of `tracing_subscriber::fmt`.
    let console = FemtoStreamHandler::stdout().formatter(FemtoLogfmtFormatter::new()).build()?;
    Config::builder().default_level(Level::Debug).add_handler("console", console).build_and_init()?;
    tracing_subscriber::registry().with(FemtoTracingLayer::builder().build()).init();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, service()).await });
    for path in ["/items/7", "/items/700", "/broken"] {
        let answer = ask(address, path).await?;
        femtologging::flush(Duration::from_secs(5))?;
        println!("{path}: {answer}");
    }
    Ok(())
}
