//! Documents in all formats: what is wrong with them, exactly; and that what is written reads the same.
#![cfg(feature = "config")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use femtologging::config::{Environment, Format, Loader, PartSpec, Registry, Spec};
use femtologging::handler::FemtoCaptureHandler;
use femtologging::{Config, Error, FemtoLogRecord};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/config").join(path)
}

fn format_of(name: &str) -> Format {
    match name {
        "toml" => Format::Toml,
        "yaml" => Format::Yaml,
        "json" => Format::Json,
        other => panic!("no format: {other}"),
    }
}

/// Everything that is wrong with a document, a line each.
fn messages(error: &Error) -> Vec<String> {
    error.problems().iter().map(ToString::to_string).collect()
}

/// The variables that the documents may name.
fn environment() -> Environment {
    Environment::of([
        ("EMPTY", ""),
        ("LEVEL", "debug"),
        ("NUMBER", "12"),
        ("QUOTE", "\"\nroot: {level: off}"),
        ("BAD", "x"),
    ])
}

/// Loads a document as a program does, up to handlers that are ready to start, but opens no files.
fn load(text: &str, format: Format, name: &str) -> Result<(), Error> {
    let spec = Loader::new().environment(environment()).read(text, format, name)?;
    spec.check(&Registry::new())
}

/// Compares each document of a file with the messages after it; a document without messages loads.
///
/// The file is a list of `=== format name`, the document, `---`, and its messages. `UPDATE=1` writes the messages anew, to
/// be read before they are kept.
fn compare(file: &str, least: usize) {
    let path = data(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut expected = String::new();
    let mut found = String::new();
    let mut cases = 0;
    for case in text.split("=== ").skip(1) {
        let (header, rest) = case.split_once('\n').unwrap();
        let (document, messages_of) = rest.split_once("---\n").unwrap();
        let (format, _) = header.split_once(' ').unwrap();
        let name = format!("log.{format}");
        let error = load(document, format_of(format), &name).err();
        for problem in error.iter().flat_map(Error::problems) {
            assert!(problem.position.as_ref().is_some_and(|position| position.line().is_some()), "{header}: {problem}");
        }
        let messages = error.as_ref().map(|error| {
            assert!(error.is_config(), "{header}: {error}");
            messages(error).join("\n")
        });
        writeln!(expected, "=== {header}\n{document}---\n{}", messages_of.trim()).unwrap();
        writeln!(found, "=== {header}\n{document}---\n{}", messages.unwrap_or_default()).unwrap();
        cases += 1;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, found.replace("\n=== ", "\n\n=== ").replace("\n\n\n", "\n\n")).unwrap();
        return;
    }
    assert_eq!(expected, found);
    assert!(cases >= least, "{cases} cases");
}

#[test]
fn bad_documents_have_exact_messages() {
    compare("bad.txt", 140);
    let text = std::fs::read_to_string(data("bad.txt")).unwrap();
    for case in text.split("=== ").skip(1) {
        assert!(!case.trim().ends_with("---"), "nothing is wrong with {case}");
    }
}

/// The documents of CPython's documentation, as it has them or completed so that they are whole.
#[test]
fn documents_of_cpython_load_or_say_what_has_no_counterpart() {
    compare("cpython.txt", 20);
}

#[test]
fn documents_of_opentelemetry_load_or_say_what_has_no_counterpart() {
    compare("otel.txt", 10);
}

/// What becomes of each setting of a document of OpenTelemetry's.
#[test]
fn a_document_of_opentelemetry_is_translated() {
    let text = std::fs::read_to_string(data("otel.txt")).unwrap();
    let document = text.split("=== yaml everything that has a counterpart\n").nth(1).unwrap();
    let document = document.split("---\n").next().unwrap();
    let loader = Loader::new().environment(environment());
    let spec = loader.read(document, Format::Yaml, "otel.yaml").unwrap();
    let expected = r#"
        root.level = "info"
        formatters.open_telemetry = { type = "json", schema = "opentelemetry" }
        handlers.console = { type = "stream", stream = "stdout", formatter = "open_telemetry" }

        [handlers.otlp]
        type = "otlp"
        url = "https://collector:4318"
        encoding = "json"
        gzip = true
        timeout = "10 s"
        batch_age = "1 s"
        batch_records = 512
        retry_buffer.records = 2048
        headers = { api-key = "12", x-tenant = "1" }
        resource = { "service.namespace" = "shops", "service.version" = "1.0", "service.name" = "shop", shard = "7" }
    "#;
    assert_eq!(spec, loader.read(expected, Format::Toml, "expected").unwrap());

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("otel.yaml");
    std::fs::write(&path, document).unwrap();
    let path = path.to_str().unwrap();
    let load =
        |variables: Vec<(&'static str, &str)>| Loader::new().environment(Environment::of(variables)).load().unwrap();
    assert_eq!(load(vec![("OTEL_CONFIG_FILE", path), ("NUMBER", "12")]), spec);
    // The library's own variable comes first.
    let own = dir.path().join("log.toml");
    std::fs::write(&own, "root.level = \"warn\"").unwrap();
    let both = vec![("OTEL_CONFIG_FILE", path), ("FEMTO_LOG_CONFIG", own.to_str().unwrap())];
    assert_eq!(load(both).root.get("level"), Some(&"warn".into()));
}

/// A directory with what `everything.toml` refers to.
fn everything() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["logs.example.net".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(dir.path().join("ca.pem"), certificate.pem()).unwrap();
    std::fs::write(dir.path().join("key.pem"), key.serialize_pem()).unwrap();
    (dir, std::fs::read_to_string(data("everything.toml")).unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn every_setting_of_every_type_is_given_to_its_builder() {
    let (dir, text) = everything();
    let environment = Environment::of([("DIR", dir.path().to_str().unwrap()), ("PASSWORD", "hunter2")]);
    let loader = Loader::new().environment(environment);
    let spec = loader.read(&text, Format::Toml, "everything.toml").unwrap();
    let made = Config::from_spec(&spec, &Registry::new());
    made.map(drop).unwrap_or_else(|error| panic!("{error}"));
    // In every format the same is read back, with the references that were written.
    for format in [Format::Toml, Format::Yaml, Format::Json] {
        let written = spec.to_string(format);
        assert!(written.contains("${env:PASSWORD}") && !written.contains("hunter2"), "{written}");
        let again = loader.read(&written, format, "written").unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(again, spec, "{written}");
        assert_eq!(again.to_string(format), written);
    }
    // And nothing shows the password.
    for shown in [format!("{spec:?}"), spec.effective()] {
        assert!(!shown.contains("hunter2") && !shown.contains("b5a7") && !shown.contains("0123"), "{shown}");
        assert!(shown.contains("***"));
    }
}

/// The schema and the reference page, which are made from the tables, are those that the repository has. `UPDATE=1` writes
/// them.
#[test]
#[cfg(target_os = "linux")]
fn the_schema_and_the_reference_are_those_of_the_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = [
        ("docs/femtologging.schema.json", Spec::schema()),
        ("docs/guide/configuration-reference.md", Spec::reference()),
    ];
    for (path, made) in files {
        let path = root.join(path);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap();
        assert!(committed == made, "{} is out of date: run this test with UPDATE=1", path.display());
    }
    // A JSON document itself.
    serde_json::from_str::<serde_json::Value>(&Spec::schema()).unwrap();
}

/// Values that mean the same are equal, in whatever units and formats, and wherever they were given.
#[test]
fn what_means_the_same_is_equal() {
    let read = |text: &str, format| Loader::new().environment(environment()).read(text, format, "text").unwrap();
    let toml = r#"
        handlers.console = { type = "stream", overflow = "block", level = "WARNING" }
        handlers.file = { type = "rotating_file", path = "a.log", max_bytes = "10 MiB", backup_count = 5, max_age = "24 h" }
        loggers.shop = { level = 10, propagate = false }
    "#;
    let yaml = r#"
handlers:
  console: {type: stream, level: "${env:NOT_SET:-warn}", overflow: {type: block}}
  file: &file
    type: rotating_file
    path: a.log
    max_bytes: 10485760
    backup_count: "5${env:EMPTY}"
    max_age: 1 d
loggers:
  shop: {level: "${env:LEVEL}", propagate: no}
"#;
    let json = r#"{"handlers": {"console": {"type": "stream", "level": "warn", "overflow": {"type": "block"}},
        "file": {"type": "rotating_file", "path": "a.log", "max_bytes": "10240 KiB", "backup_count": 5, "max_age": "1440 min"}},
        "loggers": {"shop": {"level": "debug", "propagate": false}}}"#;
    let (toml, yaml, json) = (read(toml, Format::Toml), read(yaml, Format::Yaml), read(json, Format::Json));
    assert_eq!(toml, json);
    assert_eq!(yaml, json);
    let code = Spec::new()
        .handler("console", PartSpec::new("stream").with("level", "warn").with("overflow", "block"))
        .handler(
            "file",
            PartSpec::new("rotating_file")
                .with("path", "a.log")
                .with("max_bytes", 10 << 20)
                .with("backup_count", 5)
                .with("max_age", Duration::from_secs(86_400)),
        )
        .logger("shop", PartSpec::default().with("level", "debug").with("propagate", false));
    // The code's own is not decoded before it is loaded over, or built.
    assert_eq!(Loader::new().defaults(code).environment(Environment::of([("A", "b")])).load().unwrap(), json);
    assert_ne!(read("handlers.console = { type = \"stream\" }", Format::Toml), json);
}

#[test]
fn unknown_settings_are_warnings_on_request() {
    let text = "strict = false\ncolour = 1\n[handlers.console]\ntype = \"stream\"\nnewer = true\nlevel = \"info\"";
    let spec = Loader::new().read(text, Format::Toml, "log.toml").unwrap();
    let warnings: Vec<_> = spec.warnings().iter().map(ToString::to_string).collect();
    let expected = ["log.toml:2:1: colour: no such setting", "log.toml:5:1: handlers.console.newer: no such setting"];
    assert_eq!(warnings, expected);
    assert_eq!(spec.handlers["console"].get("newer"), None);
}

/// What interpolation puts in is never read as more than one value, and only text is searched.
#[test]
fn interpolation_replaces_text_once() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("token");
    std::fs::write(&secret, "tok${env:LEVEL}$$en\n").unwrap();
    let text = format!(
        r#"
        [handlers.http]
        type = "http"
        url = "http://localhost/${{env:LEVEL}}/$${{env:LEVEL}}/${{env:EMPTY:-none}}/$5"
        bearer_auth = "${{file:{}}}"
        batch_records = "${{env:NUMBER}}"
        headers = {{ X-Quote = "${{env:BAD}}" }}
        [formatters.dollar]
        type = "pattern"
        style = "dollar"
        pattern = "${{asctime}} $levelname $$5 ${{env:LEVEL}} ${{message}}"
        "#,
        secret.display()
    );
    let loader = Loader::new().environment(environment());
    let spec = loader.read(&text, Format::Toml, "log.toml").unwrap();
    let http = &spec.handlers["http"];
    assert_eq!(http.get("url"), Some(&"http://localhost/debug/${env:LEVEL}/none/$5".into()));
    assert_eq!(http.get("bearer_auth"), Some(&"tok${env:LEVEL}$$en".into()));
    assert_eq!(http.get("batch_records"), Some(&12.into()));
    assert_eq!(http.get("headers"), Some(&[("X-Quote", "x")].into()));
    let pattern = spec.formatters["dollar"].get("pattern");
    assert_eq!(pattern, Some(&"${asctime} $levelname $$5 debug ${message}".into()));
    Config::from_spec(&spec, &Registry::new()).map(drop).unwrap();
    // Neither the file's text nor a header is shown, and both are written as they were given.
    for shown in [format!("{spec:?}"), spec.effective()] {
        assert!(!shown.contains("tok$"), "{shown}");
    }
    for format in [Format::Toml, Format::Yaml, Format::Json] {
        let written = spec.to_string(format);
        assert!(written.contains("${file:"), "{written}");
        assert_eq!(loader.read(&written, format, "written").unwrap(), spec, "{written}");
    }
}

#[test]
fn a_check_ignores_missing_variables_but_a_system_does_not() {
    let text =
        "[handlers.file]\ntype = \"file\"\npath = \"${env:NOT_SET}/a.log\"\nlevel = \"${env:NOT_SET}\"\ndelay = 7";
    let here = Environment::of([("A", "b")]).ignore_missing(true);
    let error = Loader::new().environment(here.clone()).read(text, Format::Toml, "log.toml").unwrap_err();
    assert_eq!(messages(&error), ["log.toml:5:9: handlers.file.delay = 7: expected true or false"]);
    let spec = Loader::new().environment(here).read(&text.replace("delay = 7", ""), Format::Toml, "log.toml").unwrap();
    let error = Config::from_spec(&spec, &Registry::new()).unwrap_err();
    let unknown = "the value was not known when this configuration was checked; read it again to use it";
    let expected = [
        format!("log.toml:3:8: handlers.file.path: {unknown}"),
        format!("log.toml:4:9: handlers.file.level: {unknown}"),
    ];
    assert_eq!(messages(&error), expected);
}

/// Types of the user's get their settings by getters, whose complaints have positions.
#[test]
fn types_of_the_user_are_made_by_the_registry() {
    let capture = FemtoCaptureHandler::new();
    let copy = capture.clone();
    let registry = Registry::new()
        .handler("capture", move |args| {
            assert_eq!(args.text("name").required(), "test");
            assert_eq!(args.size("room").or(0), 1024);
            assert_eq!(args.duration("wait").optional(), Some(Duration::from_secs(2)));
            Ok(copy.clone())
        })
        .filter("even", |args| {
            let of = args.integer("of").or(2);
            Ok(move |record: &FemtoLogRecord<'_>| u64::from(record.line()).is_multiple_of(of))
        })
        .formatter("shout", |args| {
            let mark = args.text("mark").or("!".to_owned());
            Ok(move |record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
                record.write_message(out);
                out.extend_from_slice(mark.as_bytes());
            })
        });
    let text = r#"
        formatters.loud = { type = "shout", mark = "!!" }
        filters.all = { type = "even", of = 1 }
        [handlers.test]
        type = "capture"
        name = "test"
        room = "1 KiB"
        wait = "2 s"
        level = "warn"
        filters = ["all"]
    "#;
    let loader = Loader::new().registry(&registry);
    let spec = loader.read(text, Format::Toml, "log.toml").unwrap();
    let logging = Config::from_spec(&spec, &registry).unwrap().build().unwrap();
    let logger = logging.get_logger("shop").unwrap();
    femtologging::info!(logger: logger, "quiet");
    femtologging::warn!(logger: logger, "loud");
    logging.shutdown(Duration::from_secs(30)).unwrap();
    assert_eq!(capture.messages(), ["loud"]);
    assert_eq!(logging.spec().as_deref(), Some(&spec));

    let text = "[handlers.test]\ntype = \"capture\"\nroom = \"much\"\nnam = \"x\"\n[filters.odd]\ntype = \"evn\"";
    let error = loader.read(text, Format::Toml, "log.toml").unwrap_err();
    assert_eq!(
        messages(&error),
        ["log.toml:6:8: filters.odd.type = \"evn\": no such type of filters; did you mean \"even\"?"]
    );
    let spec = Spec::from_str(&text[..text.find("[filters").unwrap()], Format::Toml).unwrap();
    let strict = Registry::new().handler("capture", |args| {
        args.text("name").required();
        args.size("room").required();
        Ok(FemtoCaptureHandler::new())
    });
    let error = Config::from_spec(&spec, &strict).unwrap_err();
    let expected = [
        "<text>:1:11: handlers.test.name: missing: this setting is required",
        "<text>:3:8: handlers.test.room = \"much\": expected a size in bytes, such as 4096 or \"10 MiB\"",
        "<text>:4:1: handlers.test.nam: no such setting; did you mean \"name\"?",
    ];
    assert_eq!(messages(&error), expected);
}

/// The example configurations are right, and need no type that the library does not have.
#[test]
fn the_examples_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/config");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let spec = Loader::new().read_path(&path).unwrap_or_else(|error| panic!("{error}"));
        spec.check(&Registry::new()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(spec.warnings(), []);
        files += 1;
    }
    assert_eq!(files, 3);
}

/// A FIFO would be waited for, a device has no end.
#[test]
#[cfg(unix)]
fn only_ordinary_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo.toml");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let error = Loader::new().read_path(&fifo).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}: it is not an ordinary file", fifo.display()));
    let text = format!("directives = \"${{file:{}}}\"\nspan_events = \"${{file:/dev/zero}}\"", fifo.display());
    let error = Loader::new().read(&text, Format::Toml, "log.toml").unwrap_err();
    let why = "it is not an ordinary file";
    let expected = [
        format!("log.toml:1:14: directives: cannot read the file {}: {why}", fifo.display()),
        format!("log.toml:2:15: span_events: cannot read the file /dev/zero: {why}"),
    ];
    assert_eq!(messages(&error), expected);
    let large = dir.path().join("large");
    std::fs::write(&large, "x".repeat(65_537)).unwrap();
    let text = format!("directives = \"${{file:{}}}\"", large.display());
    let error = Loader::new().read(&text, Format::Toml, "log.toml").unwrap_err();
    let expected =
        format!("log.toml:1:14: directives: cannot read the file {}: it is larger than 64 KiB", large.display());
    assert_eq!(messages(&error), [expected]);
}

#[test]
fn a_panic_of_a_user_s_function_is_an_error() {
    let registry =
        Registry::new().filter("bad", |_| -> Result<fn(&FemtoLogRecord<'_>) -> bool, Error> { panic!("oh") });
    let spec = Spec::new().filter("odd", PartSpec::new("bad"));
    let error = Config::from_spec(&spec, &registry).unwrap_err();
    assert_eq!(error.to_string(), "`filters.odd`: panicked in `bad`: oh");
}
