//! A web service that ends gracefully: it answers the requests that it has accepted, and then writes the log, without
//! blocking its runtime.
//!
//! ```text
//! cargo run --package examples --example 11_graceful_shutdown --features tokio
//! ```

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use femtologging::span::FemtoFutureExt;
use femtologging::{Config, FemtoStreamHandler, Level, info, info_span, warn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

async fn item(Path(id): Path<u32>) -> Result<String, StatusCode> {
    let span = info_span!("item"; id);
    async move {
        if id >= 100 {
            warn!("not found");
            return Err(StatusCode::NOT_FOUND);
        }
        info!("found");
        Ok(format!("item {id}\n"))
    }
    .in_span(span)
    .await
}

/// Asks for a path, by a connection of its own, and returns the status line.
async fn ask(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

/// Serves until it is told to stop. A real service waits for `tokio::signal::ctrl_c()` instead of `stop`.
async fn serve(listener: TcpListener, stop: oneshot::Receiver<()>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = Router::new().route("/items/{id}", get(item));
    axum::serve(listener, service).with_graceful_shutdown(async { drop(stop.await) }).await?;
    info!("every request is answered");
    // One worker, and nothing blocks it: the future waits for the handlers' threads. What they have not written within
    // five seconds is in the error.
    femtologging::shutdown_async(Duration::from_secs(5)).await?;
    Ok(())
}

/// Serves, asks for two paths, and stops.
#[tokio::main(flavor = "current_thread")]
pub async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let console = FemtoStreamHandler::stdout().build()?;
    Config::builder().default_level(Level::Info).add_handler("console", console).build_and_init()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let service = tokio::spawn(serve(listener, stopped));
    let mut answers = Vec::new();
    for path in ["/items/7", "/items/700"] {
        answers.push(format!("{path}: {}", ask(address, path).await?));
    }
    drop(stop);
    service.await??;
    // The log is complete by now.
    println!("{}", answers.join("\n"));
    println!("{}", femtologging::metrics());
    Ok(())
}
