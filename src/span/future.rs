//! Futures that are polled in a span or context.
//!
//! An executor may poll a future on a different thread each time, and other futures in between. So the span or context
//! is entered for each single poll, and left after it.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::FemtoSpan;
use crate::context::Context;

/// Runs futures in a span or context, with any executor.
///
/// The span or context *replaces* the current context while the future is polled. So if a future is wrapped twice, the
/// inner wrapper counts. To have the keys of both, make one span or context inside the other, as in the example.
///
/// # Examples
///
/// ```
/// use femtologging::span::FemtoFutureExt;
/// use femtologging::{context, info, info_span};
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
    /// Enters the span for each poll of the future, and the span's context for the future's drop.
    ///
    /// The span ends when the future is dropped, unless there are clones of the span. A span whose future was never
    /// polled logs nothing.
    fn in_span(self, span: FemtoSpan) -> InScope<Self> {
        InScope { future: Some(self), scope: SpanOrContext::Span(span) }
    }

    /// Enters the context for each poll of the future and for its drop.
    fn in_context(self, context: Context) -> InScope<Self> {
        InScope { future: Some(self), scope: SpanOrContext::Context(context) }
    }

    /// Enters the context in which this is called for each poll of the future and for its drop: what a task needs that
    /// continues on behalf of this one.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::info;
    /// use femtologging::span::FemtoFutureExt;
    ///
    /// # fn spawn<F: Future>(_: F) {}
    /// async fn handle() {
    ///     spawn(async { info!("has the keys and spans of `handle`") }.in_current_context());
    /// }
    /// # drop(handle());
    /// ```
    fn in_current_context(self) -> InScope<Self> {
        self.in_context(Context::current())
    }
}

impl<F: Future> FemtoFutureExt for F {}

#[derive(Debug)]
enum SpanOrContext {
    Span(FemtoSpan),
    Context(Context),
}

impl SpanOrContext {
    /// Calls a function in the span or context.
    fn run<T>(&self, call: impl FnOnce() -> T) -> T {
        match self {
            SpanOrContext::Span(span) => span.in_scope(call),
            SpanOrContext::Context(context) => context.in_scope(call),
        }
    }

    /// Returns the context in which the future is dropped. Entering it does not count as an entry of the span.
    fn context(&self) -> Option<&Context> {
        match self {
            SpanOrContext::Span(span) => span.context(),
            SpanOrContext::Context(context) => Some(context),
        }
    }
}

pin_project! {
    /// A future that is polled in a span or context; see [`FemtoFutureExt`].
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::context;
    /// use femtologging::span::{FemtoFutureExt, InScope};
    ///
    /// /// Enters a context for each poll, whatever the future is.
    /// fn tagged<F: Future>(id: u64, future: F) -> InScope<F> {
    ///     future.in_context(context! { id })
    /// }
    /// # drop(tagged(7, async {}));
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are polled"]
    pub struct InScope<F> {
        // `None` once the wrapper's drop has dropped the future, inside the context.
        #[pin]
        future: Option<F>,
        scope: SpanOrContext,
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
