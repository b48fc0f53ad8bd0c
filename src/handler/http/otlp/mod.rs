//! OTLP over HTTP: logs for OpenTelemetry.

mod environment;
mod json;
mod proto;
mod resource;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::answer::Verdict;
use super::{Encoder, HttpOptions, client, http_settings};
use crate::error::Error;
use crate::formatter::pairs;
use crate::handler::Outcome;
use crate::handler::{FemtoNullHandler, HandlerBuilder, HandlerSpec, Tls};
use crate::level::Level;
use crate::record::{FemtoLogRecord, SpanRef};
use crate::text::unhex;
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
/// | [`detect_resource`](HandlerBuilder::detect_resource) | no | attributes of the process, host, container and pod |
/// | the rest | see [`FemtoHttpHandler`](crate::handler::FemtoHttpHandler) | |
///
/// | record | OpenTelemetry's log data model |
/// |---|---|
/// | logger | the name of the instrumentation scope |
/// | time | `time_unix_nano` |
/// | level | `severity_text`, and `severity_number`: 1, 5, 9, 13, 17 and 21, from `Trace` to `Critical` |
/// | message | `body` |
/// | key `trace_id` of 32 hexadecimal digits, `span_id` of 16, `trace_flags` of 2 | `trace_id`, `span_id`, `flags` |
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
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoOtlpHandler, OtlpEncoding};
///
/// // JSON for a proxy that looks into requests; Protobuf is about half as long.
/// let handler = FemtoOtlpHandler::builder().url("http://localhost:4318").encoding(OtlpEncoding::Json).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
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
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoOtlpHandler, HandlerBuilder, OtlpOptions};
///
/// fn described(builder: HandlerBuilder<OtlpOptions>) -> HandlerBuilder<OtlpOptions> {
///     builder.service_name("shop").resource("service.version", env!("CARGO_PKG_VERSION"))
/// }
///
/// let handler = described(FemtoOtlpHandler::builder().url("http://localhost:4318")).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct OtlpOptions {
    http: HttpOptions,
    encoding: OtlpEncoding,
    service_name: Option<String>,
    /// The attributes that were given.
    resource: Vec<(String, String)>,
    /// The attributes that were found out.
    detected: Vec<(String, String)>,
    /// Whether the environment says that nothing is to be sent.
    is_disabled: bool,
}

impl OtlpOptions {
    /// Returns the attributes of the resource. Of those with one name, the last one is the most specific.
    fn attributes(&mut self) -> Vec<(String, String)> {
        let program = std::env::current_exe().unwrap_or_default();
        let program = program.file_name().unwrap_or_default().to_string_lossy();
        // The default that the specification requires.
        let mut all = vec![("service.name".to_owned(), format!("unknown_service:{program}"))];
        all.append(&mut self.detected);
        all.append(&mut self.resource);
        all.extend(self.service_name.take().map(|name| ("service.name".to_owned(), name)));
        let mut attributes: Vec<(String, String)> = Vec::with_capacity(all.len());
        for (name, value) in all {
            match attributes.iter_mut().find(|(known, _)| *known == name) {
                Some((_, earlier)) => *earlier = value,
                None => attributes.push((name, value)),
            }
        }
        attributes
    }
}

impl AsMut<HttpOptions> for OtlpOptions {
    fn as_mut(&mut self) -> &mut HttpOptions {
        &mut self.http
    }
}

impl FemtoOtlpHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<OtlpOptions> {
        HandlerBuilder::new(OtlpOptions {
            http: HttpOptions::to("http://localhost:4318", "/v1/logs"),
            encoding: OtlpEncoding::default(),
            service_name: None,
            resource: Vec::new(),
            detected: Vec::new(),
            is_disabled: false,
        })
    }

    /// Starts the builder of a handler, with the settings of OpenTelemetry's environment variables and with
    /// [`detect_resource`](HandlerBuilder::detect_resource). What is set afterwards takes precedence.
    ///
    /// | variable | setting |
    /// |---|---|
    /// | `OTEL_SDK_DISABLED` = `true`, `OTEL_LOGS_EXPORTER` = `none` | records are discarded, and count as written |
    /// | `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` | the URL, as it is |
    /// | `OTEL_EXPORTER_OTLP_ENDPOINT` | the URL; `/v1/logs` is added |
    /// | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf` or `http/json`; gRPC is not supported |
    /// | `OTEL_EXPORTER_OTLP_COMPRESSION` | `gzip` (needs the feature `gzip`) or `none` |
    /// | `OTEL_EXPORTER_OTLP_HEADERS` | header fields, as in `api-key=secret,x-tenant=shop`; `%` escapes |
    /// | `OTEL_EXPORTER_OTLP_TIMEOUT` | [`timeout`](HandlerBuilder::timeout) in milliseconds; 0 is one hour |
    /// | `OTEL_EXPORTER_OTLP_CERTIFICATE` | path of the trusted authorities' certificates, for `https` |
    /// | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `…_CLIENT_KEY` | paths of the client's certificate and key |
    /// | `OTEL_BLRP_SCHEDULE_DELAY` | [`batch_age`](HandlerBuilder::batch_age) in milliseconds |
    /// | `OTEL_BLRP_EXPORT_TIMEOUT` | as `OTEL_EXPORTER_OTLP_TIMEOUT`; the shorter one decides |
    /// | `OTEL_BLRP_MAX_QUEUE_SIZE` | the records of the [`retry_buffer`](HandlerBuilder::retry_buffer) |
    /// | `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` | [`batch_records`](HandlerBuilder::batch_records) |
    /// | `OTEL_SERVICE_NAME` | [`service_name`](HandlerBuilder::service_name) |
    /// | `OTEL_RESOURCE_ATTRIBUTES` | attributes, as in `service.version=1.2,deployment.environment.name=test` |
    ///
    /// Each variable `OTEL_EXPORTER_OTLP_…` takes second place to `OTEL_EXPORTER_OTLP_LOGS_…`. An empty variable counts
    /// as unset. Where a variable is unset, the default is this handler's, not the specification's.
    ///
    /// # Errors
    ///
    /// Names all variables that cannot be used. The specification would have them ignored with a warning; here nothing
    /// is applied by half. Whoever prefers that goes on with [`builder`](Self::builder).
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Config;
    /// use femtologging::handler::FemtoOtlpHandler;
    ///
    /// let handler = FemtoOtlpHandler::from_env()?.resource("service.version", "1.2.0").build()?;
    /// let logging = Config::builder().add_handler("otlp", handler).build()?;
    /// # drop(logging);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn from_env() -> Result<HandlerBuilder<OtlpOptions>, Error> {
        environment::builder(&environment::of_process)
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
        self.options.service_name = Some(name.into());
        self
    }

    /// Adds an attribute of the resource, such as `service.version`. None by default. A later value of an attribute
    /// replaces an earlier one.
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.resource.push((name.into(), value.into()));
        self
    }

    /// Adds what the program can find out about itself and its machine without the network, now: `service.instance.id`
    /// (random), `host.name`, `host.id`, `host.arch`, `os.type`, `process.pid`, `process.executable.name` and `.path`,
    /// `container.id`, and in Kubernetes `k8s.pod.name`, `k8s.pod.uid`, `k8s.namespace.name`, `k8s.node.name`,
    /// `k8s.container.name` and `k8s.cluster.name`, as far as there are any.
    ///
    /// The attributes of Kubernetes come from variables that the pod's manifest sets by the
    /// [downward API](https://kubernetes.io/docs/concepts/workloads/pods/downward-api/): `K8S_POD_NAME` or `POD_NAME`,
    /// `K8S_POD_UID` or `POD_UID`, `K8S_NAMESPACE_NAME` or `POD_NAMESPACE`, `K8S_NODE_NAME` or `NODE_NAME`,
    /// `K8S_CONTAINER_NAME` or `CONTAINER_NAME`, `K8S_CLUSTER_NAME` or `CLUSTER_NAME`.
    ///
    /// Attributes that are given by [`resource`](Self::resource) take precedence.
    pub fn detect_resource(mut self) -> Self {
        self.options.detected = resource::detect();
        self
    }

    /// Makes the handler. It connects with the first batch.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (mut options, mut settings) = self.into_parts();
        if options.is_disabled {
            return HandlerBuilder::<()>::finish(settings, Vec::new(), || Ok(Box::new(FemtoNullHandler)));
        }
        settings.need_thread("FemtoOtlpHandler");
        let resource = options.attributes();
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
    /// The flags of the W3C trace context.
    flags: Option<u8>,
}

/// Calls `each` with every attribute of a record, and returns the keys that are not attributes.
fn attributes(record: &FemtoLogRecord<'_>, mut each: impl FnMut(&str, Value<'_>)) -> Ids {
    let mut ids = Ids::default();
    let pairs = pairs(record);
    pairs.each(PartialEq::eq, |key, value| {
        let text = value.as_str().unwrap_or_default();
        let (trace, span) = (unhex(text).filter(|id| *id != [0; 16]), unhex(text).filter(|id| *id != [0; 8]));
        match (*key, unhex(text)) {
            ("trace_id", _) if trace.is_some() => ids.trace = trace,
            ("span_id", _) if span.is_some() => ids.span = span,
            ("trace_flags", Some([flags])) => ids.flags = Some(flags),
            (key, _) => each(key, *value),
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

/// Returns the outcomes of records if the server has rejected some of them without saying which.
fn partly(failed: usize, records: usize, why: String) -> Verdict {
    let outcome = |at| if at < failed { Outcome::Failed } else { Outcome::Written };
    Verdict::Each((0..records).map(outcome).collect(), why)
}

/// Returns whether a request may be sent again, by "OTLP/HTTP Response", section "Retryable Response Codes".
fn is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}
