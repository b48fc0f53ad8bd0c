//! A web service whose records carry the trace that a request belongs to: a layer for any stack of `tower`.
//!
//! ```text
//! cargo run --example 13_trace_context --features tracing
//! ```

use std::error::Error;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::routing::get;
use femtologging::context::{Context, TraceContext};
use femtologging::formatter::FemtoLogfmtFormatter;
use femtologging::span::{FemtoFutureExt, InScope};
use femtologging::{Config, FemtoStreamHandler, debug, info};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_layer::Layer;
use tower_service::Service;

/// Enters the trace context of each request while the request is served.
#[derive(Clone, Copy)]
struct TraceContextLayer;

impl<S> Layer<S> for TraceContextLayer {
    type Service = InTraceContext<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InTraceContext(inner)
    }
}

#[derive(Clone)]
struct InTraceContext<S>(S);

impl<S: Service<Request>> Service<Request> for InTraceContext<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = InScope<S::Future>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let context = context_of(request.headers());
        let future = context.in_scope(|| self.0.call(request));
        future.in_context(context)
    }
}

/// Returns the context that the header fields name; the current one, if they name none.
fn context_of(headers: &HeaderMap) -> Context {
    let field = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(parent) = field("traceparent") else { return Context::current() };
    // Several fields of this name are one list.
    let states: Vec<&str> = headers.get_all("tracestate").iter().filter_map(|value| value.to_str().ok()).collect();
    match TraceContext::parse(parent, &states.join(",")) {
        Ok(trace) => trace.context(),
        Err(error) => {
            debug!("without a trace"; error:err);
            Context::current()
        }
    }
}

async fn hello() -> String {
    info!("served");
    // What a request to another service would be given.
    let mut fields = String::new();
    if let Some(trace) = TraceContext::current() {
        trace.inject(|name, value| fields += &format!("{name}: {value}\n"));
    }
    fields
}

/// Serves, and asks twice: as part of a trace, and without one.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let console = FemtoStreamHandler::stdout().formatter(FemtoLogfmtFormatter::new()).build()?;
    Config::builder().add_handler("console", console).build_and_init()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = Router::new().route("/", get(hello)).layer(TraceContextLayer);
    tokio::spawn(async { axum::serve(listener, service).await });

    let trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01\r\ntracestate: shop=1\r\n";
    for fields in [trace, ""] {
        let mut connection = TcpStream::connect(address).await?;
        let request = format!("GET / HTTP/1.1\r\nHost: here\r\n{fields}Connection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        femtologging::flush(Duration::from_secs(5))?;
        println!("passed on: {:?}", answer.split_once("\r\n\r\n").map_or("", |(_, body)| body));
    }
    Ok(())
}
