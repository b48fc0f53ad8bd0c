//! The beginning of the program that makes every call twice: collects what `tracing` passes to a subscriber, and what
//! femtologging passes to a handler, as lines of the same form.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use femtologging::handler::FemtoCaptureHandler;
use femtologging::Config;

/// What `tracing` has told since the last call of `by_tracing_end`.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The spans that femtologging has made since the last call of `by_compat_end`.
static MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());

type Fields = BTreeMap<String, String>;

struct Collector {
    next: std::sync::atomic::AtomicU64,
    spans: Mutex<HashMap<u64, Span>>,
    entered: Mutex<Vec<u64>>,
}

/// A span, with its ancestors, and the fields of all of them.
#[derive(Clone, Default)]
struct Span {
    path: Vec<String>,
    own: Fields,
    around: Fields,
}

#[derive(Default)]
struct Visitor(Fields);

impl Visitor {
    fn add(&mut self, field: &tracing::field::Field, kind: &str, value: String) {
        self.0.insert(field.name().trim_start_matches("r#").to_owned(), format!("{kind} {value}"));
    }
}

impl tracing::field::Visit for Visitor {
    fn record_f64(&mut self, field: &tracing::field::Field, value: f64) {
        self.add(field, "float", value.to_string());
    }
    fn record_i64(&mut self, field: &tracing::field::Field, value: i64) {
        self.add(field, "integer", value.to_string());
    }
    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        self.add(field, "integer", value.to_string());
    }
    fn record_bool(&mut self, field: &tracing::field::Field, value: bool) {
        self.add(field, "bool", value.to_string());
    }
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.add(field, "text", value.to_owned());
    }
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        self.add(field, "text", format!("{value:?}"));
    }
}

impl Collector {
    fn span(&self, id: Option<u64>) -> Span {
        id.and_then(|id| self.spans.lock().unwrap().get(&id).cloned()).unwrap_or_default()
    }

    fn parent(&self, is_contextual: bool, parent: Option<&tracing::Id>) -> Span {
        let entered = self.entered.lock().unwrap().last().copied();
        self.span(if is_contextual { entered } else { parent.map(tracing::Id::into_u64) })
    }
}

fn line(level: &str, target: &str, path: &[String], message: &str, fields: &Fields) -> String {
    let target = target.replace("by_tracing", "by").replace("by_compat", "by");
    format!("{level} {target} [{}] {message:?} {fields:?}", path.join(">"))
}

impl tracing::Subscriber for Collector {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::Id {
        let mut visitor = Visitor::default();
        attributes.record(&mut visitor);
        let parent = self.parent(attributes.is_contextual(), attributes.parent());
        let mut around = parent.around;
        around.extend(parent.own);
        let mut path = parent.path;
        path.push(attributes.metadata().name().to_owned());
        let span = Span { path, own: visitor.0, around };
        let id = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.spans.lock().unwrap().insert(id, span);
        tracing::Id::from_u64(id)
    }

    fn record(&self, id: &tracing::Id, values: &tracing::span::Record<'_>) {
        let mut visitor = Visitor::default();
        values.record(&mut visitor);
        if let Some(span) = self.spans.lock().unwrap().get_mut(&id.into_u64()) {
            span.own.extend(visitor.0);
        }
    }

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut visitor = Visitor::default();
        event.record(&mut visitor);
        let message = visitor.0.remove("message").unwrap_or_default();
        let parent = self.parent(event.is_contextual(), event.parent());
        let mut fields = parent.around;
        fields.extend(parent.own);
        fields.extend(visitor.0);
        let metadata = event.metadata();
        let message = message.split_once(' ').map_or("", |(_, text)| text);
        TOLD.lock().unwrap().push(line(metadata.level().as_str(), metadata.target(), &parent.path, message, &fields));
    }

    fn enter(&self, id: &tracing::Id) {
        self.entered.lock().unwrap().push(id.into_u64());
    }

    fn exit(&self, id: &tracing::Id) {
        let mut entered = self.entered.lock().unwrap();
        if let Some(at) = entered.iter().rposition(|known| *known == id.into_u64()) {
            entered.remove(at);
        }
    }
}

pub fn system() -> &'static FemtoCaptureHandler {
    static SYSTEM: OnceLock<FemtoCaptureHandler> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        let collector = Collector { next: 1.into(), spans: Mutex::default(), entered: Mutex::default() };
        tracing::subscriber::set_global_default(collector).unwrap();
        let capture = FemtoCaptureHandler::new();
        let config = Config::builder().default_level(femtologging::Level::Trace);
        config.add_handler("capture", capture.clone()).build_and_init().unwrap();
        capture
    })
}

pub fn by_tracing_end(call: usize) {
    let lines = std::mem::take(&mut *TOLD.lock().unwrap());
    println!("tracing {call} {lines:?}");
}

pub fn by_compat_end(call: usize) {
    femtologging::flush(Duration::from_secs(60)).unwrap();
    let records = system().take();
    let lines = records.iter().map(|record| {
        let path: Vec<_> = record.spans().map(|span| span.name().to_owned()).collect();
        let fields = record.key_values().filter(|(_, value)| *value != femtologging::Value::Null);
        let fields = fields.map(|(key, value)| {
            let kind = match value {
                femtologging::Value::Bool(_) => "bool",
                femtologging::Value::F64(_) => "float",
                femtologging::Value::I64(_) | femtologging::Value::U64(_) => "integer",
                _ => "text",
            };
            (key.to_owned(), format!("{kind} {value}"))
        });
        line(record.level().as_str(), record.target(), &path, &record.message().to_string(), &fields.collect())
    });
    let mut made = std::mem::take(&mut *MADE.lock().unwrap());
    made.extend(lines);
    println!("compat {call} {made:?}");
}

/// A span shows in an event that is made in it.
pub fn by_tracing_span(span: tracing::Span) {
    let metadata = span.metadata().unwrap();
    TOLD.lock().unwrap().push(format!("span {} {}", metadata.level(), metadata.target().replace("by_tracing", "by")));
    span.in_scope(|| tracing::info!(target: "probe", "in it"));
}

pub fn by_compat_span(span: femtologging::compat::tracing::Span) {
    let metadata = span.metadata().unwrap();
    MADE.lock().unwrap().push(format!("span {} {}", metadata.level(), metadata.target().replace("by_compat", "by")));
    span.in_scope(|| femtologging::info!(target: "probe", "in it"));
}
