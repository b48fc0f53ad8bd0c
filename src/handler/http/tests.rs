//! The bodies of all requests, byte for byte, and what answers mean.

use super::*;
use crate::handler::Outcome::{Failed, Open, Written};
use crate::level::Level;
use crate::record::by_hand::ByHand;
use crate::value::Value;

/// The body of a request with two warnings and an error between them.
fn body(builder: HandlerBuilder<HttpOptions>) -> String {
    let records = [
        ByHand { key_values: &[("user", Value::Str("ada"))], ..ByHand::default() },
        ByHand { level: Level::Error, message: "\"no\"\n", ..ByHand::default() },
        ByHand::default(),
    ];
    let mut encoder = builder.into_parts().0.encoder();
    let mut texts = Vec::new();
    for record in records {
        let mut out = Vec::new();
        record.with(|record| encoder.record(record, &mut out));
        texts.push(out);
    }
    let mut out = Vec::new();
    encoder.body(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut out);
    String::from_utf8(out).unwrap()
}

fn message(record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"m\":{:?}}}", record.message().to_string()).as_bytes());
}

#[test]
fn lines_of_json() {
    let builder = || FemtoHttpHandler::builder();
    let json = |level, message, fields| {
        format!(
            "{{\"timestamp\":\"2023-03-05T20:35:20.123456Z\",\"level\":\"{level}\",\"message\":\"{message}\",\
             \"logger\":\"app.db\",\"thread\":\"main\",\"thread_id\":140,\"file\":\"/src/app/db.rs\",\"line\":42{fields}}}\n"
        )
    };
    let expected = [
        json("WARN", "retry 3 of five", ",\"fields\":{\"user\":\"ada\"}"),
        json("ERROR", "\\\"no\\\"\\n", ""),
        json("WARN", "retry 3 of five", ""),
    ];
    assert_eq!(body(builder()), expected.concat());
    assert_eq!(
        body(builder().formatter(message)),
        "{\"m\":\"retry 3 of five\"}\n{\"m\":\"\\\"no\\\"\\n\"}\n{\"m\":\"retry 3 of five\"}\n"
    );
}

#[test]
fn loki_gets_a_stream_for_each_level() {
    let handler = FemtoHttpHandler::loki("http://localhost:3100", [("job", "a\"b"), ("env", "test")]);
    let line = |rest: &str| {
        let text = format!("time=2023-03-05T20:35:20.123456Z {rest}").replace('\\', "\\\\").replace('"', "\\\"");
        format!("[\"1678048520123456000\",\"{text}\"]")
    };
    let common = "logger=app.db thread=main";
    let expected = [
        "{\"streams\":[{\"stream\":{\"job\":\"a\\\"b\",\"env\":\"test\",\"level\":\"warn\"},\"values\":[",
        &line(&format!("level=warn {common} msg=\"retry 3 of five\" user=ada")),
        ",",
        &line(&format!("level=warn {common} msg=\"retry 3 of five\"")),
        "]},{\"stream\":{\"job\":\"a\\\"b\",\"env\":\"test\",\"level\":\"error\"},\"values\":[",
        &line(&format!("level=error {common} msg=\"\\\"no\\\"\\n\"")),
        "]}]}",
    ];
    assert_eq!(body(handler), expected.concat());
    let handler = FemtoHttpHandler::loki("http://localhost:3100", [("", ""); 0]).formatter(message);
    let line = "[\"1678048520123456000\",\"{\\\"m\\\":\\\"retry 3 of five\\\"}\"]";
    let expected = format!(
        "{{\"streams\":[{{\"stream\":{{\"level\":\"warn\"}},\"values\":[{line},{line}]}},\
         {{\"stream\":{{\"level\":\"error\"}},\"values\":[[\"1678048520123456000\",\"{{\\\"m\\\":\\\"\\\\\\\"no\\\\\\\"\\\\n\\\"}}\"]]}}]}}"
    );
    assert_eq!(body(handler), expected);
}

#[test]
fn elasticsearch_gets_an_action_before_each_record() {
    let handler = FemtoHttpHandler::elasticsearch("http://localhost:9200", "logs").formatter(message);
    let create = "{\"create\":{}}\n";
    let expected = format!(
        "{create}{{\"m\":\"retry 3 of five\"}}\n{create}{{\"m\":\"\\\"no\\\"\\n\"}}\n{create}{{\"m\":\"retry 3 of five\"}}\n"
    );
    assert_eq!(body(handler), expected);
    let text = body(FemtoHttpHandler::elasticsearch("http://localhost:9200", "logs"));
    assert!(
        text.starts_with("{\"create\":{}}\n{\"@timestamp\":\"2023-03-05T20:35:20.123456Z\",\"log.level\":\"WARN\",")
    );
}

#[test]
fn splunk_gets_events_one_after_the_other() {
    let handler = FemtoHttpHandler::splunk("http://localhost:8088", "t", [("index", "main"), ("source", "a\"b")]);
    let event = |level, message, fields| {
        format!(
            "{{\"time\":1678048520.123456,\"index\":\"main\",\"source\":\"a\\\"b\",\"event\":{{\"level\":\"{level}\",\
             \"message\":\"{message}\",\"logger\":\"app.db\",\"thread\":\"main\",\"thread_id\":140,\"file\":\"/src/app/db.rs\",\
             \"line\":42{fields}}}}}"
        )
    };
    let expected = [
        event("WARN", "retry 3 of five", ",\"fields\":{\"user\":\"ada\"}"),
        event("ERROR", "\\\"no\\\"\\n", ""),
        event("WARN", "retry 3 of five", ""),
    ];
    assert_eq!(body(handler), expected.concat());
}

#[test]
fn datadog_gets_an_array() {
    let handler = FemtoHttpHandler::datadog("datadoghq.eu", "k", [("service", "shop"), ("ddtags", "env:test")]);
    let record = |status, message, fields| {
        format!(
            "{{\"timestamp\":\"2023-03-05T20:35:20.123Z\",\"status\":\"{status}\",\"message\":\"{message}\",\
             \"logger.name\":\"app.db\",\"service\":\"shop\",\"logger.thread_name\":\"main\"{fields},\"ddtags\":\"env:test\"}}"
        )
    };
    let expected = [
        record("warning", "retry 3 of five", ",\"user\":\"ada\""),
        record("error", "\\\"no\\\"\\n", ""),
        record("warning", "retry 3 of five", ""),
    ];
    assert_eq!(body(handler), format!("[{}]", expected.join(",")));
}

#[test]
fn a_bulk_answer_speaks_of_each_record() {
    let encoder = elasticsearch::Elasticsearch(Box::new(FemtoJsonFormatter::new()));
    let refused = r#"{"type":"mapper_parsing_exception","reason":"no \"date\""}"#;
    let busy = r#"{"type":"es_rejected_execution_exception"}"#;
    let item = |status, error| format!("{{\"create\":{{\"status\":{status},\"error\":{error}}}}}");
    let items = |items: &[String]| format!("{{\"errors\":true,\"items\":[{}]}}", items.join(","));
    let created = r#"{"create":{"status":201}}"#.to_owned();
    let rows = [
        (r#"{"took":3,"errors":false}"#.to_owned(), Verdict::ACCEPTED),
        (
            items(&[item(429, busy), created.clone(), item(400, refused)]),
            Verdict::Each(vec![Open, Written, Failed], "status 400: mapper_parsing_exception: no \"date\"".into()),
        ),
        (
            items(&[item(503, busy), created.clone(), item(429, refused)]),
            Verdict::Each(vec![Open, Written, Open], "status 503: es_rejected_execution_exception: (unknown)".into()),
        ),
        (items(&[created.clone(), created.clone(), created]), Verdict::Each(vec![Written; 3], String::new())),
        (
            items(&["7".into(), "{}".into(), "{\"create\":{}}".into()]),
            Verdict::Each(vec![Failed; 3], "status 0: (unknown): (unknown)".into()),
        ),
        (
            "{\"errors\":true,\"items\":[]}".into(),
            Verdict::All(Failed, "did not answer for each of 3 records: {\"errors\":true,\"items\":[]}".into()),
        ),
        ("<html>".into(), Verdict::All(Failed, "answered what is no JSON: <html>".into())),
    ];
    for (answer, expected) in rows {
        assert_eq!(encoder.accepted(answer.as_bytes(), 3), expected, "{answer}");
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let problems = |builder: HandlerBuilder<HttpOptions>| {
        let error = builder.build().unwrap_err();
        error.problems().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let url = || FemtoHttpHandler::builder().url("http://localhost/");
    let https = || FemtoHttpHandler::builder().url("https://localhost/");
    let rows = [
        (
            FemtoHttpHandler::builder(),
            vec!["`url` = \"\": give the server's URL, such as https://logs.example:8443/intake"],
        ),
        (
            FemtoHttpHandler::builder().url("logs.example/x"),
            vec!["`url` = \"logs.example/…\": give the server's URL, such as https://logs.example:8443/intake"],
        ),
        (
            FemtoHttpHandler::builder().url("ftp://logs.example/x"),
            vec!["`url` = \"ftp://logs.example/…\": give the server's URL, such as https://logs.example:8443/intake"],
        ),
        (url().method(HttpMethod::Get), vec!["`method` = Get: use HttpMethod::Post; only forms can be sent in a URL"]),
        (
            url().body(HttpBody::Form).formatter(message),
            vec!["`formatter`: a form has its own fields: use HttpBody::Json or Ndjson"],
        ),
        (
            url().header("a b", "secret"),
            vec!["`headers` = \"a b\": a field's name has letters, digits and hyphens, and its value no line end"],
        ),
        (
            url().bearer_auth("se\ncret"),
            vec![
                "`headers` = \"Authorization\": a field's name has letters, digits and hyphens, and its value no line end",
            ],
        ),
        (
            url().batch_records(0).batch_bytes(0).timeout(Duration::ZERO),
            vec![
                "`timeout` = 0ns: give a time from 1 ms to 1 h",
                "`batch_records` = 0: give 1 or more",
                "`batch_bytes` = 0: give 1 or more",
            ],
        ),
        (
            url().batch_bytes(10).retry_buffer(1000, 9),
            vec!["`retry_buffer` = 1000, 9: give no less than batch_records and batch_bytes, or lower these"],
        ),
        (
            url().backoff(Duration::ZERO..=Duration::ZERO),
            vec!["`backoff` = 0ns..=0ns: begin with more than zero, and end with no less"],
        ),
        (
            https().tls(Tls::new().ca_pem("nothing")),
            vec!["`tls.ca` = a text: give certificates as PEM: -----BEGIN CERTIFICATE-----"],
        ),
        (
            https().tls(Tls::new().server_name("a")),
            vec!["`tls.server_name` = a: give the URL with this name: HTTP has no other"],
        ),
        (
            FemtoHttpHandler::builder().url("https://ada:s3cret@logs.example/x?key=s3cret"),
            vec!["`url` = \"https://logs.example/…\": say who is sending with .basic_auth(user, password)"],
        ),
        (
            FemtoHttpHandler::builder().url("ada:s3cret@logs example/x?key=s3cret"),
            vec!["`url` = \"logs example/…\": give the server's URL, such as https://logs.example:8443/intake"],
        ),
        (
            FemtoHttpHandler::builder().url("https://ada:s3/cret@logs.example/x"),
            vec!["`url` = \"https://…\": give the server's URL, such as https://logs.example:8443/intake"],
        ),
        (
            url().basic_auth("a:b", "s3cret"),
            vec!["`basic_auth` = \"a:b\": give a name without a colon, which RFC 7617 does not allow"],
        ),
        (
            url().proxy("socks5://ada:s3cret@localhost:1080"),
            vec!["`proxy`: give a URL such as http://user:password@proxy.example:3128: SOCKS is not supported"],
        ),
        (
            FemtoHttpHandler::loki("http://localhost/", [("ok_1", ""), ("service.name", ""), ("level", "")]),
            vec![
                "`labels` = \"service.name\": a label's name has letters, digits and _, and begins with no digit",
                "`labels` = \"level\": leave it out: every stream has the level of its records",
            ],
        ),
        (
            FemtoHttpHandler::elasticsearch("http://localhost/", "a?b"),
            vec!["`index` = \"a?b\": give the name of one index, as in logs-shop"],
        ),
        (
            url().header("Content-Length", "5"),
            vec!["`headers` = \"content-length\": leave it out: every request has its own"],
        ),
        (url().tls(Tls::new()), vec!["`tls`: give an https URL, or leave TLS out"]),
        #[cfg(not(feature = "gzip"))]
        (url().gzip(true), vec!["`gzip` = true: enable the Cargo feature `gzip`"]),
    ];
    for (builder, expected) in rows {
        assert_eq!(problems(builder), expected);
    }
}
