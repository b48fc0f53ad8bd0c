//! A function as a service: the platform may freeze the process as soon as an answer was sent, so each invocation
//! flushes before it answers. The runtime has one thread, which the flush does not block.
//!
//! ```text
//! cargo run --package examples --example 12_flush_per_invocation --features tokio
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use femtologging::span::FemtoFutureExt;
use femtologging::{Config, FemtoFileHandler, Level, context, error, info};
use tokio::sync::{mpsc, oneshot};

/// An event, and where its answer goes: what a platform's client, such as `lambda_runtime`, has.
struct Invocation {
    id: u32,
    event: String,
    answer: oneshot::Sender<String>,
}

async fn handle(event: &str) -> String {
    info!("received"; bytes = event.len());
    match event.parse::<u32>() {
        Ok(number) => (number * 2).to_string(),
        Err(cause) => {
            error!("not a number"; cause:err);
            "error".to_owned()
        }
    }
}

/// Handles invocations, one at a time.
async fn run(mut invocations: mpsc::Receiver<Invocation>) {
    while let Some(Invocation { id, event, answer }) = invocations.recv().await {
        let text = handle(&event).in_context(context! { invocation = id }).await;
        // Half a second is all that the log may cost the caller. An error says what is not written yet; it will be when
        // the process goes on.
        if let Err(error) = femtologging::flush_async(Duration::from_millis(500)).await {
            eprintln!("the log is not complete: {error}");
        }
        // After this the process may be frozen.
        let _ = answer.send(text);
    }
}

/// Invokes the function three times, and looks at the log after each answer.
#[tokio::main(flavor = "current_thread")]
pub async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let path = std::env::temp_dir().join(format!("femtologging-invocations-{}.log", std::process::id()));
    let outcome = invoke(&path).await;
    let _ = fs::remove_file(&path);
    outcome
}

async fn invoke(path: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let file = FemtoFileHandler::builder().path(path).build()?;
    Config::builder().default_level(Level::Info).add_handler("file", file).build_and_init()?;
    let (sender, invocations) = mpsc::channel(1);
    let function = tokio::spawn(run(invocations));
    for (id, event) in (1..).zip(["20", "many", "21"]) {
        let (answer, answered) = oneshot::channel();
        sender.send(Invocation { id, event: event.to_owned(), answer }).await?;
        let answer = answered.await?;
        let lines = fs::read_to_string(path)?.lines().filter(|line| line.contains(&format!("invocation={id}"))).count();
        println!("invocation {id}: {event} gives {answer}; lines in the log: {lines}");
    }
    drop(sender);
    function.await?;
    femtologging::shutdown_async(Duration::from_secs(5)).await?;
    Ok(())
}
