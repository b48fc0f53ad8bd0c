//! Spans go to OpenTelemetry by `tracing-opentelemetry`, and every record in a span has the ids of that span.
//!
//! ```text
//! cargo run --manifest-path examples/opentelemetry/Cargo.toml
//! ```

use std::error::Error;
use std::time::Duration;

use femtologging::bridge::FemtoTracingLayer;
use femtologging::context::TraceContext;
use femtologging::{Config, FemtoStreamHandler, Logging};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::span::Id;
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// Returns the ids that OpenTelemetry has given a span.
fn trace_context(id: &Id) -> Option<TraceContext> {
    let context = dispatcher::get_default(|dispatch| tracing_opentelemetry::get_otel_context(id, dispatch))?;
    let span = context.span().span_context().clone();
    TraceContext::new(span.trace_id().to_bytes(), span.span_id().to_bytes(), span.trace_flags().to_u8())
}

/// The layer of OpenTelemetry comes first, so that it knows a span when the other one asks.
fn subscriber(logging: &Logging, provider: &SdkTracerProvider) -> Dispatch {
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    let records = FemtoTracingLayer::builder().logging(logging).trace_context(trace_context).build();
    tracing_subscriber::registry().with(spans).with(records).into()
}

fn main() -> Result<(), Box<dyn Error>> {
    let logging = Config::builder().add_handler("console", FemtoStreamHandler::stdout().build()?).build()?;
    // A program would add an exporter for spans to the provider.
    let provider = SdkTracerProvider::builder().build();
    dispatcher::with_default(&subscriber(&logging, &provider), || {
        let _request = info_span!("request").entered();
        info!("received");
        info_span!("load").in_scope(|| info!("loaded"));
    });
    logging.flush(Duration::from_secs(5))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use femtologging::handler::FemtoCaptureHandler;
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};
    use opentelemetry_sdk::trace::InMemorySpanExporter;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    use super::*;

    const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;

    /// Records of two spans, and one outside: their ids are those that the exporter gets.
    #[test]
    fn records_have_the_ids_of_the_spans_that_are_exported() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let capture = FemtoCaptureHandler::new();
        let logging = Config::builder().add_handler("capture", capture.clone()).build().unwrap();
        dispatcher::with_default(&subscriber(&logging, &provider), || {
            let request = info_span!("request");
            let parent = SpanContext::new(TRACE.into(), 7_u64.into(), TraceFlags::SAMPLED, true, TraceState::default());
            request.set_parent(Context::new().with_remote_span_context(parent)).unwrap();
            request.in_scope(|| {
                info!("received");
                info_span!("load").in_scope(|| info!("loaded"));
                let current = TraceContext::current().unwrap();
                assert_eq!((current.trace_id(), current.is_sampled()), (TRACE.to_be_bytes(), true));
            });
            info!("idle");
        });
        logging.flush(Duration::from_secs(5)).unwrap();
        let spans = exporter.get_finished_spans().unwrap();
        let span = |name: &str| spans.iter().find(|span| span.name == name).unwrap().span_context.span_id().to_string();
        let found: Vec<_> = capture
            .records()
            .iter()
            .map(|record| ["trace_id", "span_id", "trace_flags"].map(|key| record.get(key).map(|value| value.to_string())))
            .collect();
        let ids = |name| [format!("{TRACE:032x}"), span(name), "01".to_owned()].map(Some);
        assert_eq!(found, [ids("request"), ids("load"), [None, None, None]]);
    }
}
