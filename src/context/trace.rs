//! Trace contexts of other programs, as HTTP requests carry them.
//!
//! The format is W3C's [Trace Context](https://www.w3.org/TR/trace-context/): section 3.2 for `traceparent`, section
//! 3.3 for `tracestate`.
//!
//! ```text
//! traceparent: 00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01
//!              ▲  ▲                                ▲                ▲
//!              │  trace-id, 16 bytes               parent-id, 8     trace-flags
//!              version
//! tracestate:  vendor1=opaque,vendor2=value
//! ```

use std::fmt;
use std::sync::Arc;

use super::{Context, ContextGuard, with_current};
use crate::error::Error;
use crate::text::{hex, unhex};

/// The longest `tracestate` that is passed on, in bytes. Section 3.3.1.5 asks for 512 at least.
const LONGEST_STATE: usize = 8192;

/// The identifiers of a trace and of a span in it, which another program has sent with a request.
///
/// [`enter`](Self::enter) gives all records of a scope the keys `trace_id`, `span_id` and `trace_flags`, in hexadecimal
/// digits. [`FemtoOtlpHandler`](crate::handler) sends them in the fields of OTLP, JSON formatters write them under the
/// names of their schema, and all other formatters as keys.
///
/// This library measures no spans, so it makes no span ids: records carry the id of the caller's span, and
/// [`inject`](Self::inject) passes the identifiers on as they came, as the specification requires of a program that
/// takes no part in the trace.
///
/// # Examples
///
/// ```
/// use femtologging::context::TraceContext;
/// use femtologging::info;
///
/// # fn main() -> Result<(), femtologging::Error> {
/// // From the header fields of a request.
/// let trace = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", "")?;
/// trace.in_scope(|| {
///     info!("received"); // trace_id=0af7651916cd43dd8448eb211c80319c span_id=00f067aa0ba902b7 trace_flags=01
///
///     // Into the header fields of a request to a third program.
///     let mut headers = Vec::new();
///     if let Some(trace) = TraceContext::current() {
///         trace.inject(|name, value| headers.push((name, value.to_owned())));
///     }
///     assert_eq!(headers[0].0, "traceparent");
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
    state: Arc<str>,
}

impl TraceContext {
    /// The bit of the flags that says that the caller may have recorded the trace.
    const SAMPLED: u8 = 1;

    /// Reads the header fields `traceparent` and `tracestate` of a request. If the request has no `tracestate`, give an
    /// empty text; if it has several, join them with commas.
    ///
    /// Versions later than 00 are read as the specification says: what follows the flags is ignored. A `tracestate`
    /// that is invalid or longer than 8 KiB is left out (section 3.3 allows it), and the rest is as it was.
    ///
    /// # Errors
    ///
    /// If `traceparent` is invalid. Then the request begins no trace that records could name, and the program should
    /// go on without one.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::context::TraceContext;
    ///
    /// let error = TraceContext::parse("00-0123-00f067aa0ba902b7-01", "").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "invalid traceparent \"00-0123-00f067aa0ba902b7-01\": \
    ///      the trace-id must be 32 lower-case hexadecimal digits that are not all 0",
    /// );
    /// ```
    pub fn parse(traceparent: &str, tracestate: &str) -> Result<Self, Error> {
        let (trace_id, span_id, flags) = fields(traceparent).map_err(|remedy| {
            let shown: String = traceparent.chars().take(80).collect();
            Error::other(format!("invalid traceparent {shown:?}: {remedy}"))
        })?;
        let state = if is_state(tracestate) { tracestate.trim_matches([' ', '\t']) } else { "" };
        Ok(Self { trace_id, span_id, flags, state: state.into() })
    }

    /// Makes a trace context of identifiers that a tracing library has, in the order of the bytes in which they are
    /// written. Returns `None` if an identifier is all zeros, which means that there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::context::TraceContext;
    ///
    /// let trace = TraceContext::new(7_u128.to_be_bytes(), 8_u64.to_be_bytes(), 1).unwrap();
    /// assert_eq!(trace.traceparent(), "00-00000000000000000000000000000007-0000000000000008-01");
    /// ```
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8], flags: u8) -> Option<Self> {
        let valid = trace_id != [0; 16] && span_id != [0; 8];
        valid.then(|| Self { trace_id, span_id, flags, state: "".into() })
    }

    /// Returns the trace context of the current [`Context`], if one was entered. The context may be that of another
    /// thread or task, to which it was passed.
    pub fn current() -> Option<Self> {
        with_current(|context| context.0.as_ref()?.trace.clone()).flatten()
    }

    /// Returns the current [`Context`] with the keys of this trace in addition. A trace context that was entered
    /// earlier is replaced.
    pub fn context(&self) -> Context {
        self.within(&Context::current())
    }

    /// Returns a context with the keys of this trace in addition.
    pub(crate) fn within(&self, around: &Context) -> Context {
        let ids = [hex(&self.trace_id), hex(&self.span_id), hex(&[self.flags])];
        let mut context = around.extended(around.span(), |entries| {
            for (key, id) in ["trace_id", "span_id", "trace_flags"].into_iter().zip(&ids) {
                entries.named(key, id.as_str().into());
            }
        });
        if let Some(scope) = context.0.as_mut().and_then(Arc::get_mut) {
            scope.trace = Some(self.clone());
        }
        context
    }

    /// Enters [`context`](Self::context) until the guard is dropped. As with any context, the guard must not be held
    /// across an `.await`; [`in_context`](crate::span::FemtoFutureExt::in_context) is for futures.
    pub fn enter(&self) -> ContextGuard {
        self.context().enter()
    }

    /// Calls a function in [`context`](Self::context).
    pub fn in_scope<T>(&self, call: impl FnOnce() -> T) -> T {
        self.context().in_scope(call)
    }

    /// Calls `set` with the name and the value of each header field of a request: `traceparent`, and `tracestate` if
    /// there is one.
    pub fn inject(&self, mut set: impl FnMut(&'static str, &str)) {
        set("traceparent", &self.traceparent());
        if !self.state.is_empty() {
            set("tracestate", &self.state);
        }
    }

    /// Returns the value of the header field `traceparent`, in version 00.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{}", hex(&self.trace_id), hex(&self.span_id), hex(&[self.flags]))
    }

    /// Returns the value of the header field `tracestate`; empty if there is none.
    pub fn tracestate(&self) -> &str {
        &self.state
    }

    /// Returns the identifier of the trace.
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// Returns the identifier of the span: that of the caller, if the context was parsed.
    pub fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Returns the flags, as in `traceparent`.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Returns whether the caller may have recorded the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & Self::SAMPLED != 0
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (traceparent, tracestate) = (self.traceparent(), self.tracestate());
        f.debug_struct("TraceContext").field("traceparent", &traceparent).field("tracestate", &tracestate).finish()
    }
}

/// Reads the fields of a `traceparent`, or says what is wrong with it.
fn fields(traceparent: &str) -> Result<([u8; 16], [u8; 8], u8), &'static str> {
    const FORM: &str = "give a version, a trace-id, a parent-id and flags, separated by hyphens";
    let mut parts = traceparent.trim_matches([' ', '\t']).splitn(5, '-');
    let mut next = || parts.next().ok_or(FORM);
    let (version, trace_id, span_id, flags) = (next()?, next()?, next()?, next()?);
    let [version] = lower::<1>(version).ok_or("the version must be two lower-case hexadecimal digits")?;
    if version == 0xFF {
        return Err("the version ff is invalid");
    }
    if version == 0 && parts.next().is_some() {
        return Err("version 00 ends with the flags");
    }
    let trace_id = lower(trace_id).filter(|id| *id != [0; 16]);
    let span_id = lower(span_id).filter(|id| *id != [0; 8]);
    let [flags] = lower::<1>(flags).ok_or("the flags must be two lower-case hexadecimal digits")?;
    Ok((
        trace_id.ok_or("the trace-id must be 32 lower-case hexadecimal digits that are not all 0")?,
        span_id.ok_or("the parent-id must be 16 lower-case hexadecimal digits that are not all 0")?,
        flags,
    ))
}

/// Returns whether a text is a `tracestate` with one member or more: section 3.3.1.1. Members may be empty.
fn is_state(text: &str) -> bool {
    // Section 3.3.1.1 allows 32 members.
    text.len() <= LONGEST_STATE && text.split(',').count() <= 32 && text.split(',').all(is_member)
}

fn is_member(member: &str) -> bool {
    let member = member.trim_matches([' ', '\t']);
    if member.is_empty() {
        return true;
    }
    let Some((key, value)) = member.split_once('=') else { return false };
    let (tenant, system) = key.split_once('@').unwrap_or(("0", key));
    let is_name = |name: &str, longest| {
        (1..=longest).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    let begins_with_letter = |name: &str| name.starts_with(|first: char| first.is_ascii_lowercase());
    let is_key = if key.contains('@') {
        is_name(tenant, 241)
            && is_name(system, 14)
            && begins_with_letter(system)
            && !tenant.starts_with(['_', '-', '*', '/'])
    } else {
        is_name(key, 256) && begins_with_letter(key)
    };
    let is_value =
        (1..=256).contains(&value.len()) && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=');
    is_key && is_value
}

/// Reads N bytes from as many pairs of hexadecimal digits in lower case.
fn lower<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex(text).filter(|_| !text.bytes().any(|digit| digit.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

    /// What is accepted, with what is passed on; the second group is that of later versions, section 4.3.
    #[test]
    fn valid_parents() {
        let rows = [
            (PARENT, PARENT),
            (" 00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00\t", &PARENT.replace("-01", "-00")),
            ("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-ff", &PARENT.replace("-01", "-ff")),
            ("cc-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", PARENT),
            ("cc-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01-what-is-next", PARENT),
        ];
        for (text, expected) in rows {
            assert_eq!(TraceContext::parse(text, "").unwrap().traceparent(), *expected, "{text}");
        }
    }

    #[test]
    fn invalid_parents() {
        let form = "give a version, a trace-id, a parent-id and flags, separated by hyphens";
        let version = "the version must be two lower-case hexadecimal digits";
        let trace = "the trace-id must be 32 lower-case hexadecimal digits that are not all 0";
        let parent = "the parent-id must be 16 lower-case hexadecimal digits that are not all 0";
        let flags = "the flags must be two lower-case hexadecimal digits";
        let rows = [
            ("", form),
            ("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7", form),
            ("0-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", version),
            ("ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", "the version ff is invalid"),
            ("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01-", "version 00 ends with the flags"),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", trace),
            ("00-0AF7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", trace),
            ("00-0af7651916cd43dd8448eb211c80319-00f067aa0ba902b7-01", trace),
            ("00-0af7651916cd43dd8448eb211c8031\u{e9}-00f067aa0ba902b7-01", trace),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", parent),
            ("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902g7-01", parent),
            ("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-1", flags),
            ("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01.", flags),
        ];
        for (text, remedy) in rows {
            let error = TraceContext::parse(text, "a=1").unwrap_err().to_string();
            assert_eq!(error, format!("invalid traceparent {text:?}: {remedy}"));
        }
    }

    #[test]
    fn states() {
        let member = format!("k={}", "v".repeat(256));
        let many = vec!["k=v"; 32].join(",");
        let valid = ["a=1", "a=1,b=2", "a=1 , b=2", "a=1,,b=2", "t1@sys=x y", "a-_*/9=!~", &member, &many];
        for text in valid {
            assert_eq!(TraceContext::parse(PARENT, text).unwrap().tracestate(), text);
        }
        let more = format!("{many},k=v");
        let longer = format!("{member}v");
        for text in
            ["a", "A=1", "=1", "a=", "a=b=c", "1=2", "a=\u{e9}", "a=\n", "@s=1", "t@=1", "t@1=1", &more, &longer]
        {
            assert_eq!(TraceContext::parse(PARENT, text).unwrap().tracestate(), "", "{text:?}");
        }
    }

    /// The trace is that of the innermost context that has one, on every thread that the context is passed to.
    #[test]
    fn current() {
        assert_eq!(TraceContext::current(), None);
        let trace = TraceContext::parse(PARENT, "a=1").unwrap();
        let inner = TraceContext::new([1; 16], [2; 8], 0).unwrap();
        trace.in_scope(|| {
            let request = context! { id = 7 };
            request.in_scope(|| assert_eq!(TraceContext::current().as_ref(), Some(&trace)));
            std::thread::scope(|scope| {
                scope.spawn(|| request.in_scope(|| assert_eq!(TraceContext::current().as_ref(), Some(&trace))));
            });
            inner.in_scope(|| assert_eq!(TraceContext::current().as_ref(), Some(&inner)));
            assert_eq!(TraceContext::current().as_ref(), Some(&trace));
        });
        assert_eq!(TraceContext::current(), None);
        assert_eq!((trace.is_sampled(), inner.is_sampled()), (true, false));
    }

    #[test]
    fn injected() {
        let fields = |trace: &TraceContext| {
            let mut fields = Vec::new();
            trace.inject(|name, value| fields.push(format!("{name}: {value}")));
            fields
        };
        let trace = TraceContext::parse(PARENT, "a=1").unwrap();
        assert_eq!(fields(&trace), [format!("traceparent: {PARENT}"), "tracestate: a=1".to_owned()]);
        assert_eq!(fields(&TraceContext::parse(PARENT, "").unwrap()), [format!("traceparent: {PARENT}")]);
        assert_eq!(format!("{trace:?}"), format!("TraceContext {{ traceparent: {PARENT:?}, tracestate: \"a=1\" }}"));
    }

    #[test]
    fn there_is_no_trace_of_zeros() {
        assert_eq!(TraceContext::new([0; 16], [1; 8], 0), None);
        assert_eq!(TraceContext::new([1; 16], [0; 8], 0), None);
    }
}
