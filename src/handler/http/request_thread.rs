//! The thread that makes a handler's requests, so that the handler's own thread never waits for a server.
//!
//! ```text
//! handler's thread                          request thread
//! start(request) ────────────────────────▶  sends it, reads the answer
//! takes records out of the queue …
//! (parked, if the queue is empty)     ◀───  unparks
//! take() ◀──────────────────────── outcome
//! ```

use std::sync::Arc;
use std::thread::Thread;
use std::time::Duration;

use super::client::{Answer, Client};
use crate::error::caught;
use crate::handler::Outcome;
use crate::sync::channel::{self, Receiver, RecvTimeoutError, Sender};
use crate::sync::mute_thread;
use crate::sys;

/// A request, and the thread to wake when it is over.
struct HttpRequest {
    content_type: &'static str,
    body: Vec<u8>,
    timeout: Option<Duration>,
    asker: Thread,
}

/// The outcome of a request.
pub(super) struct Response {
    /// The answer; or, if there is none, the outcome of the records and the error.
    pub(super) outcome: Result<Answer, (Outcome, String)>,
    /// The request's body, to be used again.
    pub(super) body: Vec<u8>,
}

/// Makes requests on a thread of its own, one at a time.
///
/// The thread starts with the first request, unparks the handler's thread after each, and ends when this value is
/// dropped: at once, or when the request under way is over, which its timeout limits. Records that the HTTP client logs
/// on it are discarded: each request would otherwise make records for the next one.
///
/// Each channel has room for one value. As there is one request at a time, neither side ever waits to send.
pub(super) struct RequestThread {
    client: Arc<Client>,
    channels: Option<(Sender<HttpRequest>, Receiver<Response>)>,
    is_busy: bool,
    /// Why the thread could not be started.
    refusal: Option<String>,
}

impl RequestThread {
    pub(super) fn new(client: Client) -> Self {
        Self { client: Arc::new(client), channels: None, is_busy: false, refusal: None }
    }

    /// Returns the server's URL as far as it may be shown.
    pub(super) fn server(&self) -> &str {
        self.client.server()
    }

    /// Returns whether a request is under way, or its response not yet taken.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Starts a request. There may be one at a time.
    pub(super) fn start(&mut self, content_type: &'static str, body: Vec<u8>, timeout: Option<Duration>) {
        let request = HttpRequest { content_type, body, timeout, asker: std::thread::current() };
        let (requests, _) = self.channels.get_or_insert_with(|| {
            let (requests, inbox) = channel::bounded(1);
            let (outbox, responses) = channel::bounded(1);
            let client = self.client.clone();
            let thread = sys::spawn("femtolog-http", move || carry_out(&client, &inbox, &outbox));
            self.refusal = thread.err().map(|error| error.to_string());
            (requests, responses)
        });
        // Without a thread, the response says so.
        let _ = requests.send(request);
        self.is_busy = true;
    }

    /// Takes the response to the request under way, after waiting for up to `wait`; `None` if there is none yet.
    pub(super) fn response(&mut self, wait: Duration) -> Option<Response> {
        let (_, responses) = self.channels.as_ref().filter(|_| self.is_busy)?;
        let response = match responses.recv_timeout(wait) {
            Ok(response) => response,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => {
                self.channels = None;
                let why = self.refusal.take().unwrap_or_else(|| "it has ended".to_owned());
                let why = format!("there is no thread for requests: {why}");
                Response { outcome: Err((Outcome::Open, why)), body: Vec::new() }
            }
        };
        self.is_busy = false;
        Some(response)
    }

    /// Lets the thread end.
    pub(super) fn close(&mut self) {
        self.channels = None;
        self.is_busy = false;
    }
}

/// Carries out requests until the handler is dropped.
fn carry_out(client: &Client, inbox: &Receiver<HttpRequest>, outbox: &Sender<Response>) {
    mute_thread();
    while let Ok(HttpRequest { content_type, body, timeout, asker }) = inbox.recv() {
        let outcome = caught("request", || Ok(client.send(content_type, &body, timeout)));
        // The same request would panic again.
        let outcome = outcome.unwrap_or_else(|error| Err((Outcome::Failed, error.to_string())));
        let is_over = outbox.send(Response { outcome, body }).is_err();
        asker.unpark();
        if is_over {
            return;
        }
    }
}
