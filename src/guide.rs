//! The guides: longer texts about one topic each, with examples.
//!
//! They are the files of `docs/guide/` in the repository. Start with [`handlers`] and [`macros`]; [`operations`]
//! answers an operator's questions.

/// Makes a module of a guide. Its examples are compiled if `$condition` holds.
///
/// The links of a guide name their targets by labels, which the file defines for readers of the repository. In
/// Markdown the first definition of a label counts, so those in front lead to these modules instead.
macro_rules! guide {
    ($name:ident, $file:literal, $condition:meta) => {
        #[doc = concat!(
                            "[collector.md]: crate::guide::collector\n",
                            "[composition.md]: crate::guide::composition\n",
                            "[configuration.md]: crate::guide::configuration\n",
                            "[configuration-reference.md]: crate::guide::configuration_reference\n",
                            "[files.md]: crate::guide::files\n",
                            "[filters.md]: crate::guide::filters\n",
                            "[formatters.md]: crate::guide::formatters\n",
                            "[handlers.md]: crate::guide::handlers\n",
                            "[http.md]: crate::guide::http\n",
                            "[levels.md]: crate::guide::levels\n",
                            "[log.md]: crate::guide::log\n",
                            "[macros.md]: crate::guide::macros\n",
                            "[network.md]: crate::guide::network\n",
                            "[operations.md]: crate::guide::operations\n",
                            "[python.md]: crate::guide::python\n",
                            "[spans.md]: crate::guide::spans\n",
                            "[structured.md]: crate::guide::structured\n",
                            "[syslog.md]: crate::guide::syslog\n",
                            "[testing.md]: crate::guide::testing\n",
                            "[tracing.md]: crate::guide::tracing\n",
                            "[files.md#by-size]: crate::guide::files#by-size\n",
                            "[files.md#by-time]: crate::guide::files#by-time\n",
                            "[files.md#files-that-others-rename]: crate::guide::files#files-that-others-rename\n",
                            "[formatters.md#patterns]: crate::guide::formatters#patterns\n",
                            "[handlers.md#common-settings]: crate::guide::handlers#common-settings\n",
                            "[operations.md#more-records-than-the-sink-takes]: \
                             crate::guide::operations#more-records-than-the-sink-takes\n",
                            "[structured.md#context]: crate::guide::structured#context\n",
                            "[syslog.md#the-journal]: crate::guide::syslog#the-journal\n",
                            "[info]: crate::info!\n",
                            "[in_context]: crate::span::FemtoFutureExt::in_context\n",
                            "[`Value`]: crate::Value\n",
                        )]
        #[cfg_attr(feature = "tracing", doc = "[FemtoTracingHandler]: crate::bridge::FemtoTracingHandler\n")]
        #[cfg_attr(any(not(doctest), $condition), doc = include_str!(concat!("../docs/guide/", $file)))]
        pub mod $name {}
    };
}

guide!(collector, "collector.md", feature = "otlp");
guide!(composition, "composition.md", doctest);
guide!(configuration, "configuration.md", feature = "config");
guide!(configuration_reference, "configuration-reference.md", doctest);
guide!(files, "files.md", doctest);
guide!(filters, "filters.md", doctest);
guide!(formatters, "formatters.md", doctest);
guide!(handlers, "handlers.md", doctest);
guide!(http, "http.md", all(feature = "otlp", feature = "gzip"));
guide!(levels, "levels.md", doctest);
guide!(log, "log.md", feature = "log");
guide!(macros, "macros.md", doctest);
guide!(network, "network.md", doctest);
guide!(operations, "operations.md", doctest);
guide!(python, "python.md", doctest);
guide!(spans, "spans.md", doctest);
guide!(structured, "structured.md", doctest);
guide!(syslog, "syslog.md", all(feature = "journald", target_os = "linux"));
guide!(testing, "testing.md", feature = "testing");
guide!(tracing, "tracing.md", all(feature = "compat-tracing", feature = "tracing"));
