//! Futures that are polled in a scope, on whatever thread.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::FemtoSpan;
use crate::context::Context;

/// Puts futures into scopes, for every executor.
///
/// A scope has what it was made in, and stands in the place of what is around the future: of two around one future, the inner
/// counts. To have both, make one in the other.
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
/// let span = context! { user = "ada"; { info_span!("request"; id = 7) } };
/// let request = handle(7).in_span(span);
/// # drop(request);
/// ```
pub trait FemtoFutureExt: Future + Sized {
    /// Enters a span whenever the future is polled, and its context when the future is dropped. The span is over when the
    /// future is dropped, unless others have it, too. One whose future was never polled logs nothing.
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
            Scope::Span(span) => span.in_scope(call),
            Scope::Context(context) => context.in_scope(call),
        }
    }

    /// The context in which the future is dropped, which does not count as an entry of the span.
    fn context(&self) -> Option<&Context> {
        match self {
            Scope::Span(span) => span.context(),
            Scope::Context(context) => Some(context),
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
            let _guard = this.scope.context().map(Context::enter);
            this.future.set(None);
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
