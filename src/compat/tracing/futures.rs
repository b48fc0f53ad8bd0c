//! Futures that run in a span.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::span::Span;

/// Runs futures in a span.
///
/// # Examples
///
/// ```
/// use femtologging::compat::tracing::{Instrument, info, info_span};
///
/// async fn handle(id: u32) {
///     info!(id, "handled");
/// }
///
/// let request = handle(7).instrument(info_span!("request", user = "ada"));
/// # drop(request);
/// ```
pub trait Instrument: Sized {
    /// Enters the span for each poll of the future, and for its drop.
    fn instrument(self, span: Span) -> Instrumented<Self> {
        Instrumented { inner: Some(self), span }
    }

    /// Enters the span that is current now for each poll of the future, and for its drop.
    fn in_current_span(self) -> Instrumented<Self> {
        self.instrument(Span::current())
    }
}

impl<T> Instrument for T {}

pin_project! {
    /// A future that runs in a span; see [`Instrument`].
    #[derive(Clone, Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct Instrumented<T> {
        // `None` once the drop has dropped it, inside the span.
        #[pin]
        inner: Option<T>,
        span: Span,
    }

    impl<T> PinnedDrop for Instrumented<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // Not an entry of the span: a span whose future was never polled logs nothing.
            let _context = this.span.enter_context();
            this.inner.set(None);
        }
    }
}

impl<T> Instrumented<T> {
    /// Returns the span.
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// Returns the span, to change it.
    pub fn span_mut(&mut self) -> &mut Span {
        &mut self.span
    }

    /// Returns the future.
    pub fn inner(&self) -> &T {
        self.inner.as_ref().unwrap_or_else(|| taken())
    }

    /// Returns the future, to change it.
    pub fn inner_mut(&mut self) -> &mut T {
        self.inner.as_mut().unwrap_or_else(|| taken())
    }

    /// Returns the future without its span.
    pub fn into_inner(mut self) -> T {
        self.inner.take().unwrap_or_else(|| taken())
    }
}

/// Never called: only the drop and `into_inner` take the future, and nothing comes after them.
fn taken() -> ! {
    unreachable!("an instrumented future is taken last")
}

impl<T: Future> Future for Instrumented<T> {
    type Output = T::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<T::Output> {
        let this = self.project();
        match this.inner.as_pin_mut() {
            Some(inner) => {
                let _entered = this.span.enter();
                inner.poll(task)
            }
            None => Poll::Pending,
        }
    }
}
