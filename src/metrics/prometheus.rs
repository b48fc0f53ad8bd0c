//! Counters in Prometheus' text format.
//!
//! Source: [Exposition formats](https://prometheus.io/docs/instrumenting/exposition_formats/), "Text-based format",
//! version 0.0.4, which OpenMetrics' readers understand as well.

use std::fmt::Write as _;

use super::{DropReason, HandlerMetrics, Metrics};
use crate::level::Level;

/// What a family of one counter per handler is read from.
type Read = fn(&HandlerMetrics) -> u64;

/// The families with one value per handler: name, type, help.
const FAMILIES: [(&str, &str, &str, Read); 9] = [
    ("emitted_total", "counter", "Records that were logged to the handler.", |handler| handler.emitted),
    ("written_total", "counter", "Records that the handler delivered.", |handler| handler.written),
    ("written_bytes_total", "counter", "Bytes that the handler delivered.", |handler| handler.bytes),
    ("failed_total", "counter", "Records that the handler could not deliver.", |handler| handler.failed),
    ("filtered_total", "counter", "Records that the handler's filters suppressed.", |handler| handler.filtered),
    ("in_flight", "gauge", "Records in the queue, or being processed by the handler.", |handler| handler.in_flight),
    ("queue_high_water", "gauge", "High-water mark of the queue, in bytes or records.", |handler| {
        handler.queue_high_water
    }),
    ("batches_total", "counter", "Batches passed to the handler.", |handler| handler.batches),
    ("errors_total", "counter", "Errors and panics of the handler.", |handler| handler.errors),
];

impl Metrics {
    /// Returns the counters in Prometheus' text format, for the page that it scrapes; with the content type
    /// `text/plain; version=0.0.4`.
    ///
    /// All names begin with `femtologging_`. Counters of a handler have the label `handler`, and those of dropped
    /// records `reason` and `level` as well; only reasons and levels that have occurred are written. A handler that was
    /// removed while the system ran is added to the one that has its name now, so that its counters go on.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::FemtoCaptureHandler;
    /// use femtologging::{Config, info};
    /// use std::time::Duration;
    ///
    /// let logging = Config::builder().add_handler("capture", FemtoCaptureHandler::new()).build()?;
    /// info!(logger: logging.get_logger("shop")?, "paid");
    /// logging.flush(Duration::from_secs(5))?;
    ///
    /// let page = logging.metrics().to_prometheus();
    /// assert!(page.contains("# TYPE femtologging_written_total counter\n"));
    /// assert!(page.contains("femtologging_written_total{handler=\"capture\"} 1\n"));
    /// # Ok::<(), femtologging::Error>(())
    /// ```
    pub fn to_prometheus(&self) -> String {
        let mut handlers = self.handlers.clone();
        for removed in &self.removed {
            match handlers.iter_mut().find(|handler| handler.name == removed.name) {
                Some(handler) => handler.add(removed),
                None => handlers.push(removed.clone()),
            }
        }
        let mut page = String::new();
        for (name, kind, help, read) in FAMILIES {
            begin(&mut page, name, kind, help);
            for handler in &handlers {
                let _ = writeln!(page, "femtologging_{name}{{handler=\"{}\"}} {}", Label(&handler.name), read(handler));
            }
        }
        begin(&mut page, "dropped_total", "counter", "Records that did not reach the handler.");
        for handler in &handlers {
            dropped(handler, &mut page);
        }
        for (name, help, value) in [
            ("truncated_total", "Records that exceeded a limit and were truncated.", self.truncated),
            ("unrouted_total", "Records that were dropped before their handlers were determined.", self.unrouted),
            ("notices_dropped_total", "The library's own notices that were lost.", self.notices_dropped),
            ("reloads_total", "Changes of the configuration.", self.reloads),
            ("failed_reloads_total", "Changes of the configuration that failed.", self.failed_reloads),
        ] {
            begin(&mut page, name, "counter", help);
            let _ = writeln!(page, "femtologging_{name} {value}");
        }
        page
    }
}

/// Writes the lines that precede the values of a family.
fn begin(page: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(page, "# HELP femtologging_{name} {help}\n# TYPE femtologging_{name} {kind}");
}

fn dropped(handler: &HandlerMetrics, page: &mut String) {
    let counts = DropReason::ALL.into_iter().flat_map(|reason| Level::ALL.map(|level| (reason, level)));
    for (reason, level) in counts {
        let count = handler.dropped.get(reason, level);
        if count > 0 {
            let (name, reason) = (Label(&handler.name), format!("{reason:?}").to_ascii_lowercase());
            let level = level.as_str().to_ascii_lowercase();
            let labels = format_args!("handler=\"{name}\",reason=\"{reason}\",level=\"{level}\"");
            let _ = writeln!(page, "femtologging_dropped_total{{{labels}}} {count}");
        }
    }
}

/// The value of a label: backslashes, quotes and line feeds are escaped.
struct Label<'a>(&'a str);

impl std::fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\"),
                '"' => f.write_str("\\\""),
                '\n' => f.write_str("\\n"),
                other => f.write_char(other),
            }?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Counters;

    #[test]
    fn a_page() {
        let counters = Counters::default();
        Counters::add(&counters.written, 3);
        Counters::add(&counters.bytes, 99);
        counters.drop_unpublished(DropReason::Full, Level::Debug);
        counters.drop_unpublished(DropReason::Full, Level::Debug);
        counters.drop_unpublished(DropReason::Closed, Level::Warn);
        let now = counters.snapshot("a\"b\\c\nd", || 4);
        let removed = Counters::default();
        Counters::add(&removed.written, 2);
        let metrics = Metrics {
            handlers: vec![now],
            removed: vec![removed.snapshot("a\"b\\c\nd", || 2), removed.snapshot("old", || 2)],
            truncated: 5,
            unrouted: 6,
            notices_dropped: 7,
            reloads: 8,
            failed_reloads: 9,
            ..Metrics::default()
        };
        let page = metrics.to_prometheus();
        let values: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = r#"femtologging_emitted_total{handler="a\"b\\c\nd"} 9
femtologging_emitted_total{handler="old"} 2
femtologging_written_total{handler="a\"b\\c\nd"} 5
femtologging_written_total{handler="old"} 2
femtologging_written_bytes_total{handler="a\"b\\c\nd"} 99
femtologging_written_bytes_total{handler="old"} 0
femtologging_failed_total{handler="a\"b\\c\nd"} 0
femtologging_failed_total{handler="old"} 0
femtologging_filtered_total{handler="a\"b\\c\nd"} 0
femtologging_filtered_total{handler="old"} 0
femtologging_in_flight{handler="a\"b\\c\nd"} 1
femtologging_in_flight{handler="old"} 0
femtologging_queue_high_water{handler="a\"b\\c\nd"} 0
femtologging_queue_high_water{handler="old"} 0
femtologging_batches_total{handler="a\"b\\c\nd"} 0
femtologging_batches_total{handler="old"} 0
femtologging_errors_total{handler="a\"b\\c\nd"} 0
femtologging_errors_total{handler="old"} 0
femtologging_dropped_total{handler="a\"b\\c\nd",reason="full",level="debug"} 2
femtologging_dropped_total{handler="a\"b\\c\nd",reason="closed",level="warn"} 1
femtologging_truncated_total 5
femtologging_unrouted_total 6
femtologging_notices_dropped_total 7
femtologging_reloads_total 8
femtologging_failed_reloads_total 9"#;
        assert_eq!(values, expected.lines().collect::<Vec<_>>());
        // Every family has its help and its type, in front of its values, once.
        let names: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
        assert_eq!(names.len(), page.lines().filter(|line| line.starts_with("# HELP ")).count());
        assert_eq!(names.len(), 15);
        assert!(names.iter().all(|(name, kind)| name.ends_with("_total") == (*kind == "counter")));
    }
}
