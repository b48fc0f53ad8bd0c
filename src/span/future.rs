//! Futures that are polled in a scope, on whatever thread.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::FemtoSpan;
use crate::context::Context;

/// Puts futures into scopes, for every executor.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoFutureExt, context, info, info_span};
///
/// async fn handle(id: u32) {
///     info!("handled"; id);
/// }
///
/// let request = handle(7).in_span(info_span!("request"; id = 7)).in_context(context! { user = "ada" });
/// # drop(request);
/// ```
pub trait FemtoFutureExt: Future + Sized {
    /// Enters a span whenever the future is polled, and when it is dropped. The span is over when the future is dropped, unless
    /// others have it, too.
    fn in_span(self, span: FemtoSpan) -> InScope<Self> {
        InScope { future: Some(self), scope: Scope::Span(span) }
    }

    /// Enters a context whenever the future is polled, and when it is dropped.
    fn in_context(self, context: Context) -> InScope<Self> {
        InScope { future: Some(self), scope: Scope::Context(context) }
    }
}

impl<F: Future> FemtoFutureExt for F {}

#[derive(Debug)]
enum Scope {
    Span(FemtoSpan),
    Context(Context),
}

impl Scope {
    fn run<T>(&self, call: impl FnOnce() -> T) -> T {
        match self {
            Scope::Span(span) if span.is_enabled() => span.in_scope(call),
            Scope::Span(_) => call(),
            Scope::Context(context) => context.in_scope(call),
        }
    }
}

pin_project! {
    /// A future that is polled in a scope; see [`FemtoFutureExt`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InScope<F> {
        // `None` once it is dropped, which happens in the scope.
        #[pin]
        future: Option<F>,
        scope: Scope,
    }

    impl<F> PinnedDrop for InScope<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.scope.run(|| this.future.set(None));
        }
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.future.as_pin_mut() {
            Some(future) => this.scope.run(|| future.poll(task)),
            None => Poll::Pending,
        }
    }
}
