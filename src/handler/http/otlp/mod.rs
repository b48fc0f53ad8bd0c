//! OTLP over HTTP: logs for OpenTelemetry.

mod json;
mod proto;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::answer::Verdict;
use super::{Encoder, HttpOptions, client, http_settings};
use crate::error::Error;
use crate::formatter::pairs;
use crate::handler::Outcome;
use crate::handler::{HandlerBuilder, HandlerSpec, Tls};
use crate::level::Level;
use crate::record::{FemtoLogRecord, SpanRef};
use crate::value::{OwnedValue, Value};

/// Sends records to an OpenTelemetry Collector, or to any other receiver of
/// [OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#otlphttp).
///
/// It is a [`FemtoHttpHandler`](crate::handler::FemtoHttpHandler) with another format: batches, timeouts, retries,
/// headers and TLS are the same, and have the same settings. The guide
/// [Collector](https://github.com/femtologging/femtologging/blob/main/docs/guide/collector.md) shows how to configure a
/// collector.
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`url`](HandlerBuilder::url) | `http://localhost:4318` | the collector; `/v1/logs` is added to it |
/// | [`encoding`](HandlerBuilder::encoding) | [`OtlpEncoding::Protobuf`] | Protobuf or JSON |
/// | [`service_name`](HandlerBuilder::service_name) | `unknown_service:<program>` | the resource's `service.name` |
/// | [`resource`](HandlerBuilder::resource) | none | further attributes of the resource |
/// | the rest | see [`FemtoHttpHandler`](crate::handler::FemtoHttpHandler) | |
///
/// | record | OpenTelemetry's log data model |
/// |---|---|
/// | logger | the name of the instrumentation scope |
/// | time | `time_unix_nano` |
/// | level | `severity_text`, and `severity_number`: 1, 5, 9, 13, 17 and 21, from `Trace` to `Critical` |
/// | message | `body` |
/// | key `trace_id` of 32 hexadecimal digits, `span_id` of 16 | `trace_id`, `span_id` |
/// | other keys | attributes with their types |
/// | source file and line | the attributes `code.file.path` and `code.line.number`, unless a key has that name |
/// | function | the attribute `code.function.name`, unless a key has that name |
/// | thread's name and number | the attributes `thread.name` and `thread.id`, unless a key has that name |
/// | spans, the outermost first | the attribute `spans`: maps with `name` and `id`; unless a key has that name |
///
/// Integers that do not fit into 64 bits with a sign become text, and durations seconds. In JSON, NaN and the
/// infinities become text.
///
/// The statuses 429, 502, 503 and 504 are retried, as the protocol requires, and no others. If a collector accepts a
/// part of a request (`partial_success`), the records that it rejected are counted as failed and reported with its
/// reason.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoOtlpHandler;
/// use femtologging::Config;
///
/// let handler = FemtoOtlpHandler::builder()
///     .url("http://localhost:4318")
///     .service_name("shop")
///     .resource("deployment.environment.name", "production")
///     .build()?;
/// let logging = Config::builder().add_handler("otlp", handler).build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FemtoOtlpHandler;

/// The encoding of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OtlpEncoding {
    /// Protobuf: smaller and faster.
    #[default]
    Protobuf,
    /// JSON: Protobuf's JSON mapping, but with identifiers in hexadecimal digits.
    Json,
}

/// The options of a [`FemtoOtlpHandler`].
pub struct OtlpOptions {
    http: HttpOptions,
    encoding: OtlpEncoding,
    service_name: String,
    resource: Vec<(String, String)>,
}

impl AsMut<HttpOptions> for OtlpOptions {
    fn as_mut(&mut self) -> &mut HttpOptions {
        &mut self.http
    }
}

impl FemtoOtlpHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<OtlpOptions> {
        let program = std::env::current_exe().unwrap_or_default();
        let program = program.file_name().unwrap_or_default().to_string_lossy();
        HandlerBuilder::new(OtlpOptions {
            http: HttpOptions::to("http://localhost:4318", "/v1/logs"),
            encoding: OtlpEncoding::default(),
            // The default that the specification requires.
            service_name: format!("unknown_service:{program}"),
            resource: Vec::new(),
        })
    }
}

impl HandlerBuilder<OtlpOptions> {
    http_settings!();

    /// Sets the encoding of requests; [`OtlpEncoding::Protobuf`] by default.
    pub fn encoding(mut self, encoding: OtlpEncoding) -> Self {
        self.options.encoding = encoding;
        self
    }

    /// Sets the resource's `service.name`, by which log stores group records; `unknown_service:` and the program's file
    /// name by default.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.options.service_name = name.into();
        self
    }

    /// Adds an attribute of the resource, such as `service.version`. None by default.
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.resource.push((name.into(), value.into()));
        self
    }

    /// Makes the handler. It connects with the first batch.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (options, mut settings) = self.into_parts();
        settings.need_thread("FemtoOtlpHandler");
        let mut resource = vec![("service.name".to_owned(), options.service_name)];
        resource.extend(options.resource);
        let encoder: Box<dyn Encoder> = match options.encoding {
            OtlpEncoding::Protobuf => Box::new(proto::Protobuf::new(&resource)),
            OtlpEncoding::Json => Box::new(json::Json::new(&resource)),
        };
        options.http.build(encoder, settings)
    }
}

/// `SeverityNumber` of OpenTelemetry's log data model.
fn severity(level: Level) -> u8 {
    match level {
        Level::Trace => 1,
        Level::Debug => 5,
        Level::Info => 9,
        Level::Warn => 13,
        Level::Error => 17,
        Level::Critical => 21,
    }
}

/// The identifiers of the trace and span that a record belongs to.
#[derive(Default)]
struct Ids {
    trace: Option<[u8; 16]>,
    span: Option<[u8; 8]>,
}

/// Calls `each` with every attribute of a record, and returns the keys that are not attributes.
fn attributes(record: &FemtoLogRecord<'_>, mut each: impl FnMut(&str, Value<'_>)) -> Ids {
    let mut ids = Ids::default();
    let pairs = pairs(record);
    pairs.each(PartialEq::eq, |key, value| {
        let (trace, span) = (identifier(*value), identifier(*value));
        match *key {
            "trace_id" if trace.is_some() => ids.trace = trace,
            "span_id" if span.is_some() => ids.span = span,
            key => each(key, *value),
        }
    });
    let span = |span: SpanRef<'_>| OwnedValue::map([("name", Value::Str(span.name())), ("id", Value::U64(span.id()))]);
    let spans: Vec<OwnedValue> = record.spans().map(span).collect();
    let spans = (!spans.is_empty()).then(|| OwnedValue::list(spans.iter().map(OwnedValue::get)));
    let spans = spans.as_ref().map(|spans| ("spans", spans.get()));
    let own = [
        ("code.file.path", Value::Str(record.file())),
        ("code.line.number", Value::U64(record.line().into())),
        ("thread.name", Value::Str(record.thread_name())),
        ("thread.id", Value::U64(record.thread_id())),
    ];
    // Attributes of one name are not allowed.
    let function = record.function().map(|function| ("code.function.name", Value::Str(function)));
    for (name, value) in own.into_iter().chain(function).chain(spans).filter(|(name, _)| !pairs.any(|key| key == name))
    {
        each(name, value);
    }
    ids
}

/// Reads an identifier of N bytes from as many pairs of hexadecimal digits. An identifier of zeros is invalid.
fn identifier<const N: usize>(value: Value<'_>) -> Option<[u8; N]> {
    let text = value.as_str()?.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut id = [0; N];
    for (byte, digits) in id.iter_mut().zip(text.chunks_exact(2)) {
        for digit in digits {
            *byte = *byte << 4 | char::from(*digit).to_digit(16)? as u8;
        }
    }
    Some(id).filter(|id| *id != [0; N])
}

/// Returns the outcomes of records if the server has rejected some of them without saying which.
fn partly(failed: usize, records: usize, why: String) -> Verdict {
    let outcome = |at| if at < failed { Outcome::Failed } else { Outcome::Written };
    Verdict::Each((0..records).map(outcome).collect(), why)
}

/// Returns whether a request may be sent again, by "OTLP/HTTP Response", section "Retryable Response Codes".
fn is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}
