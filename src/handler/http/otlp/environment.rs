//! The variables of OpenTelemetry's specification: "Environment Variable Specification", "OpenTelemetry Protocol
//! Exporter" and "Resource SDK".

use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::{FemtoOtlpHandler, OtlpEncoding, OtlpOptions};
use crate::error::{Error, Problem};
use crate::handler::{HandlerBuilder, Tls};

/// What reads a variable: `Ok(None)` if it is unset, an error if it is no text.
type Read<'a> = &'a dyn Fn(&str) -> Result<Option<String>, Problem>;

/// Reads a variable of the process.
pub(super) fn of_process(name: &str) -> Result<Option<String>, Problem> {
    let value = std::env::var_os(name).map(|value| value.into_string()).transpose();
    value.map_err(|value| Problem::new(name, value.to_string_lossy(), "give a text in UTF-8"))
}

/// The variables, and what is wrong with them.
struct Variables<'a> {
    read: Read<'a>,
    problems: Vec<Problem>,
}

impl Variables<'_> {
    /// Returns a variable. An empty one counts as unset, as the specification requires.
    fn get(&mut self, name: &str) -> Option<String> {
        match (self.read)(name) {
            Ok(value) => value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// Returns the variable `OTEL_EXPORTER_OTLP_LOGS_…`, or else `OTEL_EXPORTER_OTLP_…`, with its name.
    fn exporter(&mut self, suffix: &str) -> Option<(String, String)> {
        ["OTEL_EXPORTER_OTLP_LOGS_", "OTEL_EXPORTER_OTLP_"].into_iter().find_map(|prefix| {
            let name = format!("{prefix}{suffix}");
            self.get(&name).map(|value| (name, value))
        })
    }

    fn wrong(&mut self, name: &str, value: &str, remedy: &str) {
        self.problems.push(Problem::new(name, format!("{value:?}"), remedy));
    }

    fn boolean(&mut self, name: &str) -> bool {
        let value = self.get(name).unwrap_or_default();
        let is_true = value.eq_ignore_ascii_case("true");
        if !is_true && !value.is_empty() && !value.eq_ignore_ascii_case("false") {
            self.wrong(name, &value, "give true or false");
        }
        is_true
    }

    /// Returns a whole number of at least `least`.
    fn number(&mut self, (name, value): (String, String), least: u64, remedy: &str) -> Option<u64> {
        let number = value.parse().ok().filter(|number| *number >= least);
        if number.is_none() {
            self.wrong(&name, &value, remedy);
        }
        number
    }

    fn millis(&mut self, found: (String, String), least: u64) -> Option<Duration> {
        self.number(found, least, "give a whole number of milliseconds").map(Duration::from_millis)
    }

    fn blrp(&mut self, suffix: &str) -> Option<(String, String)> {
        let name = format!("OTEL_BLRP_{suffix}");
        self.get(&name).map(|value| (name, value))
    }

    /// Reads `key=value,key=value` with percent-encoded values, as W3C's Baggage has it. Says nothing of the values,
    /// which may be secret.
    fn pairs(&mut self, name: &str, value: &str) -> Vec<(String, String)> {
        let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().map(String::from).ok();
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            Some((decoded(key).filter(|key| !key.is_empty())?, decoded(value)?))
        };
        let parts = value.split(',').filter(|part| !part.trim().is_empty());
        let found: Option<Vec<_>> = parts.map(pair).collect();
        // The specification requires that all of them are discarded if one is wrong.
        found.unwrap_or_else(|| {
            self.problems.push(Problem::new(name, "", "give pairs such as key1=value1,key2=value%202"));
            Vec::new()
        })
    }
}

/// Makes a builder with the settings of these variables.
pub(super) fn builder(read: Read<'_>) -> Result<HandlerBuilder<OtlpOptions>, Error> {
    let mut variables = Variables { read, problems: Vec::new() };
    let mut builder = FemtoOtlpHandler::builder();
    let is_disabled = variables.boolean("OTEL_SDK_DISABLED");
    let exporters = variables.get("OTEL_LOGS_EXPORTER").unwrap_or_default();
    builder.options.is_disabled = is_disabled || exporters == "none";
    if !builder.options.is_disabled {
        if !matches!(exporters.as_str(), "" | "otlp") {
            variables.wrong("OTEL_LOGS_EXPORTER", &exporters, "give otlp or none; other handlers are added in code");
        }
        builder = requests(builder, &mut variables);
        builder = batches(builder, &mut variables);
        builder = resource(builder, &mut variables);
    }
    if variables.problems.is_empty() { Ok(builder) } else { Err(Error::config(variables.problems)) }
}

/// Where requests go, and how.
fn requests(mut builder: HandlerBuilder<OtlpOptions>, variables: &mut Variables<'_>) -> HandlerBuilder<OtlpOptions> {
    // The URL for logs is used as it is. To the URL for all signals, the path of logs is added.
    if let Some(url) = variables.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT") {
        builder.options.http.client.path = String::new();
        builder = builder.url(url);
    } else if let Some(url) = variables.get("OTEL_EXPORTER_OTLP_ENDPOINT") {
        builder = builder.url(url);
    }
    if let Some((name, value)) = variables.exporter("PROTOCOL") {
        match value.as_str() {
            "http/protobuf" => builder = builder.encoding(OtlpEncoding::Protobuf),
            "http/json" => builder = builder.encoding(OtlpEncoding::Json),
            "grpc" => {
                variables.wrong(
                    &name,
                    &value,
                    "give http/protobuf, which collectors receive on port 4318; gRPC is not supported",
                );
            }
            _ => variables.wrong(&name, &value, "give http/protobuf or http/json"),
        }
    }
    if let Some((name, value)) = variables.exporter("COMPRESSION") {
        match value.as_str() {
            "gzip" => builder = builder.gzip(true),
            "none" => builder = builder.gzip(false),
            _ => variables.wrong(&name, &value, "give gzip or none"),
        }
    }
    if let Some((name, value)) = variables.exporter("HEADERS") {
        for (name, value) in variables.pairs(&name, &value) {
            builder = builder.header(name, value);
        }
    }
    let certificate = variables.exporter("CERTIFICATE");
    let client = (variables.exporter("CLIENT_CERTIFICATE"), variables.exporter("CLIENT_KEY"));
    // A certificate for a connection without TLS has no effect, as in other exporters.
    let is_encrypted = builder.options.http.client.url.starts_with("https:");
    let mut tls = Tls::new();
    if let Some((_, path)) = &certificate {
        tls = tls.ca_file(path);
    }
    match &client {
        (Some((_, certificate)), Some((_, key))) => tls = tls.client_certificate_files(certificate, key),
        (Some((name, value)), None) => variables.wrong(name, value, "give OTEL_EXPORTER_OTLP_CLIENT_KEY as well"),
        (None, Some((name, value))) => {
            variables.wrong(name, value, "give OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE as well")
        }
        (None, None) => {}
    }
    let has_tls = certificate.is_some() || client.0.is_some();
    if has_tls && is_encrypted { builder.tls(tls) } else { builder }
}

/// The batch processor's settings.
fn batches(mut builder: HandlerBuilder<OtlpOptions>, variables: &mut Variables<'_>) -> HandlerBuilder<OtlpOptions> {
    const COUNT: &str = "give a whole number from 1";
    // 0 is "no limit" to the specification; a request takes an hour at most.
    let limit = |timeout: Duration| if timeout.is_zero() { Duration::from_secs(3600) } else { timeout };
    let timeout = variables.exporter("TIMEOUT").and_then(|found| variables.millis(found, 0)).map(limit);
    let export = variables.blrp("EXPORT_TIMEOUT").and_then(|found| variables.millis(found, 0)).map(limit);
    // An export is one request here, so the shorter one decides.
    if let Some(timeout) = timeout.into_iter().chain(export).min() {
        builder = builder.timeout(timeout);
    }
    if let Some(age) = variables.blrp("SCHEDULE_DELAY").and_then(|found| variables.millis(found, 0)) {
        builder = builder.batch_age(age);
    }
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let limits = &mut builder.options.http.limits;
    let queue = variables.blrp("MAX_QUEUE_SIZE").and_then(|found| variables.number(found, 1, COUNT)).map(size);
    let batch = variables.blrp("MAX_EXPORT_BATCH_SIZE").and_then(|found| variables.number(found, 1, COUNT)).map(size);
    limits.retry.records = queue.unwrap_or(limits.retry.records);
    // Of a batch, the specification says that it is no larger than the queue.
    limits.records = batch.unwrap_or(limits.records).min(limits.retry.records);
    builder
}

/// What is known of the program and the machine.
fn resource(mut builder: HandlerBuilder<OtlpOptions>, variables: &mut Variables<'_>) -> HandlerBuilder<OtlpOptions> {
    builder = builder.detect_resource();
    const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let value = variables.get(ATTRIBUTES).unwrap_or_default();
    for (name, value) in variables.pairs(ATTRIBUTES, &value) {
        builder = builder.resource(name, value);
    }
    match variables.get("OTEL_SERVICE_NAME") {
        Some(name) => builder.service_name(name),
        None => builder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a builder of variables.
    fn from(variables: &[(&str, &str)]) -> Result<HandlerBuilder<OtlpOptions>, Error> {
        let owned = |value: &str| Ok(Some(value.to_owned()));
        builder(&|name| variables.iter().find(|(known, _)| *known == name).map_or(Ok(None), |(_, value)| owned(value)))
    }

    fn options(variables: &[(&str, &str)]) -> OtlpOptions {
        from(variables).unwrap().options
    }

    #[test]
    fn without_variables_the_defaults_hold() {
        let (found, default) = (options(&[]), FemtoOtlpHandler::builder().options);
        assert_eq!(
            (&found.http.client.url, &found.http.client.path),
            (&default.http.client.url, &default.http.client.path)
        );
        assert_eq!(found.http.limits.records, 1000);
        assert!(!found.is_disabled && found.resource.is_empty() && !found.detected.is_empty());
        // An empty variable is as none.
        assert_eq!(options(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).http.client.url, default.http.client.url);
    }

    /// Each row: the variables, and the URL and path that they give.
    #[test]
    fn endpoints() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otel");
        let logs = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:4318");
        let rows: [(&[_], _); 3] = [
            (&[all], ("http://collector:4318/otel", "/v1/logs")),
            (&[logs], ("http://logs:4318", "")),
            (&[all, logs], ("http://logs:4318", "")),
        ];
        for (variables, expected) in rows {
            let client = options(variables).http.client;
            assert_eq!((client.url.as_str(), client.path.as_str()), expected);
        }
    }

    #[test]
    fn everything_else() {
        let OtlpOptions { http, encoding, service_name, resource, .. } = options(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_HEADERS", " api-key = a%20b , X-Tenant=t=1,"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/client.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/client.key"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "250"),
            ("OTEL_BLRP_EXPORT_TIMEOUT", "1500"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "300"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "500"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,service.version=1%2C2"),
            ("OTEL_SERVICE_NAME", "shop"),
        ]);
        assert_eq!(encoding, OtlpEncoding::Json);
        assert!(http.client.gzip && http.client.tls.is_some());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(http.client.headers, [pair("api-key", "a b"), pair("X-Tenant", "t=1")]);
        assert_eq!(http.client.timeout, Duration::from_millis(1500));
        assert_eq!(http.limits.age, Duration::from_millis(250));
        assert_eq!((http.limits.retry.records, http.limits.records), (300, 300));
        assert_eq!(service_name.as_deref(), Some("shop"));
        assert_eq!(resource, [pair("service.name", "other"), pair("service.version", "1,2")]);
    }

    #[test]
    fn disabled() {
        for variable in [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_LOGS_EXPORTER", "none")] {
            // What is disabled has no settings that could be wrong.
            let builder = from(&[variable, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap();
            assert!(builder.options.is_disabled);
            builder.build().unwrap();
        }
        assert!(!options(&[("OTEL_SDK_DISABLED", "false"), ("OTEL_LOGS_EXPORTER", "otlp")]).is_disabled);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let error = from(&[
            ("OTEL_SDK_DISABLED", "1"),
            ("OTEL_LOGS_EXPORTER", "console"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "lz4"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "token:s3cret"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/client.key"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_RESOURCE_ATTRIBUTES", "=x"),
        ]);
        let expected = [
            "invalid configuration, 9 problems:",
            "`OTEL_SDK_DISABLED` = \"1\": give true or false",
            "`OTEL_LOGS_EXPORTER` = \"console\": give otlp or none; other handlers are added in code",
            "`OTEL_EXPORTER_OTLP_LOGS_PROTOCOL` = \"grpc\": give http/protobuf, which collectors receive on port 4318; \
             gRPC is not supported",
            "`OTEL_EXPORTER_OTLP_COMPRESSION` = \"lz4\": give gzip or none",
            "`OTEL_EXPORTER_OTLP_LOGS_HEADERS`: give pairs such as key1=value1,key2=value%202",
            "`OTEL_EXPORTER_OTLP_CLIENT_KEY` = \"/client.key\": give OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE as well",
            "`OTEL_EXPORTER_OTLP_TIMEOUT` = \"10s\": give a whole number of milliseconds",
            "`OTEL_BLRP_MAX_QUEUE_SIZE` = \"0\": give a whole number from 1",
            "`OTEL_RESOURCE_ATTRIBUTES`: give pairs such as key1=value1,key2=value%202",
        ];
        assert_eq!(error.unwrap_err().to_string(), expected.join("\n  "));
    }
}
