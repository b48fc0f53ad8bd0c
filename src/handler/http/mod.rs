//! Handlers that send records by HTTP.
//!
//! | file | what it does |
//! |---|---|
//! | `sender` | batches, retries and counting, for all formats |
//! | `request_thread` | the thread that makes the requests |
//! | `client` | one request and its answer |
//! | `answer` | what a status means for the records |
//! | `form`, `lines`, `loki`, `elasticsearch`, `splunk`, `datadog`, `otlp` | the formats, each an `Encoder` |
//!
//! # From a record to a request
//!
//! ```text
//! handle(record) ── Encoder::record ──► text in the batch       on the handler's thread, once per record
//! deliver(batch) ── Sender::start
//!                     └─ Encoder::body ──► body                 the first open records, put together
//!                     └─ RequestThread::start ─────────────►    on the thread `femtolog-http`:
//!                                                               gzip, headers, request, answer
//!                   Sender::take ◄──────────────────────────    status, Retry-After, body of the answer
//!                     └─ Encoder::accepted, answer::… ──► Verdict ──► outcomes in the batch
//! ```
//!
//! A record is encoded when it comes, and never again: a retry sends the bytes that are in the batch. What depends on
//! the request as a whole, such as Loki's grouping by labels, is done by `Encoder::body` from the encoded texts.
//!
//! A new format is a file with an `Encoder`, and a constructor of [`FemtoHttpHandler`] that sets the URL's path and the
//! default formatter. `Encoder`'s methods have defaults for a server that answers 2xx for "all written".

mod answer;
mod client;
mod datadog;
mod elasticsearch;
mod form;
mod grouped;
mod lines;
mod loki;
#[cfg(feature = "otlp")]
mod otlp;
mod request_thread;
mod sender;
mod splunk;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ureq::http::Method;

#[cfg(feature = "otlp")]
pub use otlp::{FemtoOtlpHandler, OtlpEncoding, OtlpOptions};

use super::builder::HandlerSettings;
use super::{HandlerBuilder, HandlerSpec, Tls};
use crate::error::{Error, Problem};
use crate::formatter::{FemtoFormatter, FemtoJsonFormatter, FemtoLogfmtFormatter, JsonField, JsonSchema};
use crate::record::FemtoLogRecord;
use answer::Verdict;
use client::ClientOptions;
use sender::{SendLimits, Sender};

/// Gives a builder whose options contain [`HttpOptions`] the settings that all HTTP handlers share.
///
/// A macro, because other handlers have settings of the same names, which excludes one `impl` for all options.
macro_rules! http_settings {
    () => {
        fn http(mut self, set: impl FnOnce(&mut HttpOptions)) -> Self {
            set(self.options.as_mut());
            self
        }

        /// Sets the server's URL, `http` or `https`. Presets add their own path to it.
        pub fn url(self, url: impl Into<String>) -> Self {
            self.http(|http| http.client.url = url.into())
        }

        /// Adds a header field to all requests; none by default. A field `Content-Type` replaces that of the body.
        pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.http(|http| http.client.headers.push((name.into(), value.into())))
        }

        /// Sends a user name and a password with every request (HTTP Basic authentication, RFC 7617).
        pub fn basic_auth(self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
            let (user, password) = (user.as_ref(), password.as_ref());
            self.http(|http| http.problems.extend(client::user_problem(user)))
                .header("Authorization", client::basic(user, password))
        }

        /// Sends a bearer token with every request (RFC 6750).
        pub fn bearer_auth(self, token: impl AsRef<str>) -> Self {
            self.header("Authorization", format!("Bearer {}", token.as_ref()))
        }

        /// Sets whether requests are compressed with gzip; `false` by default. Needs the Cargo feature `gzip`.
        pub fn gzip(self, gzip: bool) -> Self {
            self.http(|http| http.client.gzip = gzip)
        }

        /// Sets the maximum number of records of a request: 1,000 by default.
        pub fn batch_records(self, records: usize) -> Self {
            self.http(|http| http.limits.records = records)
        }

        /// Sets the maximum number of bytes of a request's records, before compression: 1 MiB by default. A record that
        /// is larger gets a request of its own.
        pub fn batch_bytes(self, bytes: usize) -> Self {
            self.http(|http| http.limits.bytes = bytes)
        }

        /// Sets the maximum time that a record waits for others: 1 s by default. A flush does not wait.
        pub fn batch_age(self, age: Duration) -> Self {
            self.http(|http| http.limits.age = age)
        }

        /// Sets the maximum number of records and of bytes that are kept while the server is unavailable: 100,000
        /// records and 8 MiB by default. The limit may be exceeded by one batch (256 KiB) for a moment.
        pub fn retry_buffer(self, records: usize, bytes: usize) -> Self {
            self.http(|http| (http.limits.retry.records, http.limits.retry.bytes) = (records, bytes))
        }

        /// Sets the delays between attempts: from 100 ms, doubling, to 30 s by default, each shortened at random by up
        /// to a half.
        pub fn backoff(self, delays: std::ops::RangeInclusive<Duration>) -> Self {
            self.http(|http| http.limits.retry.delays = delays)
        }

        /// Sets the timeout of a request, from the look-up of the server's name to the end of the answer: 10 s by
        /// default.
        pub fn timeout(self, timeout: Duration) -> Self {
            self.http(|http| http.client.timeout = timeout)
        }

        /// Sets the timeout of connecting, including the proxy and the TLS handshake: 5 s by default.
        pub fn connect_timeout(self, timeout: Duration) -> Self {
            self.http(|http| http.client.connect_timeout = timeout)
        }

        /// Sets the URL of a proxy; an empty one for none. By default, the proxy of the environment: `http_proxy` or
        /// `https_proxy`, then `all_proxy`, except for the hosts of `no_proxy`.
        pub fn proxy(self, url: impl Into<String>) -> Self {
            self.http(|http| http.client.proxy = Some(url.into()))
        }

        /// Sets the certificate authorities that `https` trusts, and the client certificate. By default, the system's
        /// authorities and no certificate.
        pub fn tls(self, tls: Tls) -> Self {
            self.http(|http| http.client.tls = Some(tls))
        }
    };
}

#[cfg(feature = "otlp")]
use http_settings;

/// Sends records to a server by HTTP.
///
/// | constructor | what it sends |
/// |---|---|
/// | [`builder`](Self::builder) | lines of JSON, or another [`body`](HandlerBuilder::body) |
/// | [`loki`](Self::loki) | streams for Grafana Loki |
/// | [`elasticsearch`](Self::elasticsearch) | bulk requests for Elasticsearch and OpenSearch |
/// | [`splunk`](Self::splunk) | events for Splunk's HTTP Event Collector |
/// | [`datadog`](Self::datadog) | arrays for Datadog's logs intake |
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`url`](HandlerBuilder::url) | required | where requests go |
/// | [`body`](HandlerBuilder::body) | [`HttpBody::Ndjson`] | the body of a request |
/// | [`method`](HandlerBuilder::method) | [`HttpMethod::Post`] | the request's method |
/// | [`formatter`](HandlerBuilder::formatter) | [`FemtoJsonFormatter`] | the format of records, except in forms |
/// | [`batch_records`](HandlerBuilder::batch_records) | 1,000 | maximum number of records per request |
/// | [`batch_bytes`](HandlerBuilder::batch_bytes) | 1 MiB | maximum bytes of records per request, uncompressed |
/// | [`batch_age`](HandlerBuilder::batch_age) | 1 s | maximum time for which a record waits for others |
/// | [`header`](HandlerBuilder::header) | none | further header fields of requests |
/// | [`basic_auth`](HandlerBuilder::basic_auth) | none | user name and password |
/// | [`bearer_auth`](HandlerBuilder::bearer_auth) | none | token |
/// | [`gzip`](HandlerBuilder::gzip) | `false` | compresses requests; needs the feature `gzip` |
/// | [`timeout`](HandlerBuilder::timeout) | 10 s | timeout of a request with its answer |
/// | [`connect_timeout`](HandlerBuilder::connect_timeout) | 5 s | timeout of connecting |
/// | [`proxy`](HandlerBuilder::proxy) | that of the environment | the proxy's URL |
/// | [`tls`](HandlerBuilder::tls) | the system's authorities | trusted authorities, client certificate |
/// | [`retry_buffer`](HandlerBuilder::retry_buffer) | 100,000 records, 8 MiB | maximum kept while the server is down |
/// | [`backoff`](HandlerBuilder::backoff) | 100 ms … 30 s | the delays between attempts |
/// | the rest | see [`HandlerBuilder`] | |
///
/// # What happens to a request
///
/// | answer | records |
/// |---|---|
/// | 200 to 299 | count as written |
/// | 408, 429, 500 to 599, or none | are kept and sent again, after `Retry-After` or 100 ms, 200 ms … 30 s |
/// | any other, including redirects | count as failed; the report has the status and the beginning of the answer |
///
/// Requests are made on a separate thread, one at a time. Meanwhile, records move from the queue to the `retry_buffer`,
/// and are in flight. If the `retry_buffer` is full after a request has failed, the oldest records count as failed. As
/// long as no request has failed, records stay in the queue instead, and its overflow policy applies: a slow server
/// loses none. A flush and a shutdown retry at once, unless the server has asked for a longer time by `Retry-After`.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoHttpHandler;
/// use femtologging::Config;
///
/// let handler = FemtoHttpHandler::builder()
///     .url("https://logs.example/intake")
///     .bearer_auth("s3cret")
///     .build()?;
/// let logging = Config::builder().add_handler("http", handler).build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct FemtoHttpHandler;

/// The body of a request.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoHttpHandler, HttpBody};
///
/// // What a receiver of CPython's `HTTPHandler` expects: a form for each record.
/// let handler = FemtoHttpHandler::builder().url("http://localhost:8000/log").body(HttpBody::Form).build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HttpBody {
    /// One record as a form, with the fields of CPython's `HTTPHandler.mapLogRecord`; the keys follow them.
    Form,
    /// One record as its formatter writes it, by default a JSON object.
    Json,
    /// Many records, one per line: newline-delimited JSON, with the default formatter.
    #[default]
    Ndjson,
}

/// A request's method.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoHttpHandler, HttpBody, HttpMethod};
///
/// let builder = || FemtoHttpHandler::builder().url("http://localhost:8000/log").method(HttpMethod::Get);
/// assert!(builder().body(HttpBody::Form).build().is_ok());
/// assert!(builder().body(HttpBody::Ndjson).build().is_err()); // a GET request has no body
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HttpMethod {
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
    /// `GET`, with the form in the URL, as CPython does it. For [`HttpBody::Form`] only.
    Get,
}

/// The format of requests and answers of one kind of server.
///
/// | method | called | default |
/// |---|---|---|
/// | `record` | for each record, when it comes | |
/// | `body` | for each request, with the texts of its records | concatenates them |
/// | `accepted` | for an answer of 2xx | all records are written |
/// | `is_transient` | for any other answer | 408, 429 and 5xx are |
/// | `reason` | for a report | the beginning of the answer's body |
trait Encoder: Send {
    /// The media type of the requests' bodies.
    fn content_type(&self) -> &'static str;

    /// Whether each record has a request of its own.
    ///
    /// Then `batch_records` has no effect, and the rate of records is limited by the duration of a request.
    fn one_by_one(&self) -> bool {
        false
    }

    /// Appends a record's part of a request.
    fn record(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>);

    /// Puts the parts of a request together.
    fn body(&self, records: &[&[u8]], out: &mut Vec<u8>) {
        records.iter().for_each(|record| out.extend_from_slice(record));
    }

    /// Returns whether a request with this answer is to be sent again.
    fn is_transient(&self, status: u16) -> bool {
        answer::is_transient(status)
    }

    /// Returns what a successful answer means for the records.
    fn accepted(&self, body: &[u8], records: usize) -> Verdict {
        let _ = (body, records);
        Verdict::ACCEPTED
    }

    /// Returns the reason of a refusal, from the body of the answer.
    fn reason(&self, body: &[u8]) -> String {
        answer::quoted(body)
    }
}

/// Makes an [`Encoder`] when the formatter is known.
type MakeEncoder = Box<dyn FnOnce(Option<Box<dyn FemtoFormatter>>) -> Box<dyn Encoder> + Send>;

/// The options of a [`FemtoHttpHandler`], which its builder is generic over.
///
/// A function that sets up several builders names this type.
///
/// # Examples
///
/// ```
/// use femtologging::handler::{FemtoHttpHandler, HandlerBuilder, HttpOptions};
/// use std::time::Duration;
///
/// /// Settings for a server behind a slow line.
/// fn patient(builder: HandlerBuilder<HttpOptions>) -> HandlerBuilder<HttpOptions> {
///     builder.timeout(Duration::from_secs(60)).connect_timeout(Duration::from_secs(20)).batch_records(10_000)
/// }
///
/// let metadata = [("sourcetype", "shop")];
/// let splunk = patient(FemtoHttpHandler::splunk("https://splunk.example:8088", "token", metadata)).build()?;
/// let http = patient(FemtoHttpHandler::builder().url("https://logs.example/intake")).build()?;
/// # drop((splunk, http));
/// # Ok::<(), femtologging::Error>(())
/// ```
pub struct HttpOptions {
    client: ClientOptions,
    limits: SendLimits,
    body: HttpBody,
    formatter: Option<Box<dyn FemtoFormatter>>,
    /// The encoder of a preset.
    preset: Option<MakeEncoder>,
    /// The problems of a preset's arguments.
    problems: Vec<Problem>,
}

impl AsMut<HttpOptions> for HttpOptions {
    fn as_mut(&mut self) -> &mut HttpOptions {
        self
    }
}

/// Names and values, such as labels.
fn owned<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

impl FemtoHttpHandler {
    /// Starts the builder of a handler.
    pub fn builder() -> HandlerBuilder<HttpOptions> {
        HandlerBuilder::new(HttpOptions::to("", ""))
    }

    /// Starts the builder of a handler for Grafana Loki. `/loki/api/v1/push` is added to the URL.
    ///
    /// The streams have these labels and `level`. Labels must have few values; values that differ from record to record
    /// belong in the line, which a [`FemtoLogfmtFormatter`] writes. `.header("X-Scope-OrgID", …)` sets a tenant.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoHttpHandler;
    ///
    /// let labels = [("job", "shop"), ("env", "production")];
    /// let handler = FemtoHttpHandler::loki("http://localhost:3100", labels).build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn loki<N: Into<String>, V: Into<String>>(
        url: impl AsRef<str>,
        labels: impl IntoIterator<Item = (N, V)>,
    ) -> HandlerBuilder<HttpOptions> {
        let labels = owned(labels);
        let mut options = HttpOptions::to(url.as_ref(), "/loki/api/v1/push");
        options.problems.extend(labels.iter().filter_map(|(name, _)| loki::problem(name)));
        HandlerBuilder::new(options.preset(|formatter| {
            let formatter = formatter.unwrap_or_else(|| Box::new(FemtoLogfmtFormatter::new()));
            Box::new(loki::Loki::new(labels, formatter))
        }))
    }

    /// Starts the builder of a handler for Elasticsearch or OpenSearch. `/<index>/_bulk` is added to the URL. The index
    /// may be a data stream.
    ///
    /// Records are objects of [`JsonSchema::Ecs`]; another formatter must write JSON objects as well. The server
    /// returns a status for each record: those with 429 or 5xx are sent again, those that it rejects count as failed.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoHttpHandler;
    ///
    /// let handler = FemtoHttpHandler::elasticsearch("http://localhost:9200", "logs-shop-default")
    ///     .header("Authorization", "ApiKey bm90IGEga2V5")
    ///     .build()?;
    /// # drop(handler);
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn elasticsearch(url: impl AsRef<str>, index: impl AsRef<str>) -> HandlerBuilder<HttpOptions> {
        let mut options = HttpOptions::to(url.as_ref(), "");
        let index = index.as_ref();
        if index.is_empty() || index.contains(['/', '?', '#']) {
            options.problems.push(Problem::new(
                "index",
                format!("{index:?}"),
                "give the name of one index, as in logs-shop",
            ));
        }
        options.client.path = format!("/{index}/_bulk");
        options.client.query = elasticsearch::FILTER;
        HandlerBuilder::new(options.preset(|formatter| {
            let ecs = || Box::new(FemtoJsonFormatter::new().schema(JsonSchema::Ecs));
            Box::new(elasticsearch::Elasticsearch(formatter.unwrap_or_else(|| ecs())))
        }))
    }

    /// Starts the builder of a handler for Splunk's HTTP Event Collector. `/services/collector/event` is added to the
    /// URL.
    ///
    /// `metadata` may have the event's `host`, `source`, `sourcetype` and `index`, and overrides the token's. The event
    /// is the object that a [`FemtoJsonFormatter`] writes; another formatter must write JSON as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoHttpHandler;
    ///
    /// let handler = FemtoHttpHandler::splunk("https://splunk.example:8088", "b5a7…", [("index", "main")]);
    /// # drop(handler);
    /// ```
    pub fn splunk<N: Into<String>, V: Into<String>>(
        url: impl AsRef<str>,
        token: impl AsRef<str>,
        metadata: impl IntoIterator<Item = (N, V)>,
    ) -> HandlerBuilder<HttpOptions> {
        let metadata = owned(metadata);
        let options = HttpOptions::to(url.as_ref(), "/services/collector/event");
        let builder = HandlerBuilder::new(options.preset(|formatter| {
            let event = || Box::new(splunk_event());
            Box::new(splunk::Splunk::new(metadata, formatter.unwrap_or_else(|| event())))
        }));
        builder.header("Authorization", format!("Splunk {}", token.as_ref()))
    }

    /// Starts the builder of a handler for Datadog's logs intake of a site such as `datadoghq.eu`; or of a URL, for a
    /// proxy of your own, to which `/api/v2/logs` is added.
    ///
    /// `attributes` are `service`, `ddsource`, `ddtags` and `hostname`. Records are objects of [`JsonSchema::Datadog`];
    /// another formatter must write JSON objects as well, including the `attributes`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoHttpHandler;
    ///
    /// let attributes = [("service", "shop"), ("ddsource", "rust"), ("ddtags", "env:production")];
    /// let handler = FemtoHttpHandler::datadog("datadoghq.eu", "0123…", attributes);
    /// # drop(handler);
    /// ```
    pub fn datadog<N: Into<String>, V: Into<String>>(
        site: impl AsRef<str>,
        api_key: impl Into<String>,
        attributes: impl IntoIterator<Item = (N, V)>,
    ) -> HandlerBuilder<HttpOptions> {
        let attributes = owned(attributes);
        let site = site.as_ref();
        let url = if site.contains("://") { site.to_owned() } else { format!("https://http-intake.logs.{site}") };
        let builder = HandlerBuilder::new(HttpOptions::to(&url, "/api/v2/logs").preset(|formatter| {
            Box::new(datadog::Datadog(formatter.unwrap_or_else(|| {
                let schema = FemtoJsonFormatter::new().schema(JsonSchema::Datadog);
                Box::new(attributes.into_iter().fold(schema, |json, (name, value)| json.constant(name, value)))
            })))
        }));
        builder.header("DD-API-KEY", api_key)
    }
}

/// The fields of the library's own schema without the time, which is in the event's metadata.
fn splunk_event() -> FemtoJsonFormatter {
    FemtoJsonFormatter::new().fields([
        (JsonField::Level, "level"),
        (JsonField::Message, "message"),
        (JsonField::Logger, "logger"),
        (JsonField::ThreadName, "thread"),
        (JsonField::ThreadId, "thread_id"),
        (JsonField::File, "file"),
        (JsonField::Line, "line"),
        (JsonField::Function, "function"),
        (JsonField::KeyValues, "fields>"),
    ])
}

impl HttpOptions {
    /// Makes the default options, for a preset that adds `path` to the URL.
    fn to(url: &str, path: &str) -> Self {
        let client = ClientOptions { url: url.to_owned(), path: path.to_owned(), ..ClientOptions::default() };
        let (limits, body, problems) = (SendLimits::default(), HttpBody::default(), Vec::new());
        Self { client, limits, body, formatter: None, preset: None, problems }
    }

    fn preset(
        mut self,
        make: impl FnOnce(Option<Box<dyn FemtoFormatter>>) -> Box<dyn Encoder> + Send + 'static,
    ) -> Self {
        self.preset = Some(Box::new(make));
        self
    }

    /// Makes the encoder for the body and the formatter.
    fn encoder(&mut self) -> Box<dyn Encoder> {
        let formatter = self.formatter.take();
        let is_form = self.preset.is_none() && self.body == HttpBody::Form;
        let problems = &mut self.problems;
        if self.client.method == Method::GET && !is_form {
            problems.push(Problem::new("method", "Get", "use HttpMethod::Post; only forms can be sent in a URL"));
        }
        if formatter.is_some() && is_form {
            problems.push(Problem::new("formatter", "", "a form has its own fields: use HttpBody::Json or Ndjson"));
        }
        let formatter_or_json = |formatter: Option<Box<dyn FemtoFormatter>>| {
            formatter.unwrap_or_else(|| Box::new(FemtoJsonFormatter::new()))
        };
        match (self.preset.take(), self.body) {
            (Some(make), _) => make(formatter),
            (None, HttpBody::Form) => Box::new(form::Form::new()),
            (None, HttpBody::Json) => Box::new(lines::Single(formatter_or_json(formatter))),
            (None, HttpBody::Ndjson) => Box::new(lines::LinesEncoder(formatter_or_json(formatter))),
        }
    }

    /// Makes a handler with this encoder.
    fn build(self, encoder: Box<dyn Encoder>, settings: HandlerSettings) -> Result<HandlerSpec, Error> {
        let Self { client, limits, mut problems, .. } = self;
        problems.extend(client.problems());
        problems.extend(limits.problems());
        HandlerBuilder::<()>::finish(settings, problems, || Ok(Box::new(Sender::new(client.build()?, encoder, limits))))
    }
}

impl HandlerBuilder<HttpOptions> {
    http_settings!();

    /// Sets the body of requests; [`HttpBody::Ndjson`] by default. Presets have their own.
    pub fn body(mut self, body: HttpBody) -> Self {
        self.options.body = body;
        self
    }

    /// Sets the method of requests; [`HttpMethod::Post`] by default.
    pub fn method(mut self, method: HttpMethod) -> Self {
        self.options.client.method = match method {
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Get => Method::GET,
        };
        self
    }

    /// Sets the formatter; a [`FemtoJsonFormatter`] by default. Forms have none.
    pub fn formatter(mut self, formatter: impl FemtoFormatter + 'static) -> Self {
        self.options.formatter = Some(Box::new(formatter));
        self
    }

    /// Makes the handler. It connects with the first request.
    ///
    /// # Errors
    ///
    /// Names all invalid settings in one error.
    pub fn build(self) -> Result<HandlerSpec, Error> {
        let (mut options, mut settings) = self.into_parts();
        settings.need_thread("FemtoHttpHandler");
        let encoder = options.encoder();
        options.build(encoder, settings)
    }
}
