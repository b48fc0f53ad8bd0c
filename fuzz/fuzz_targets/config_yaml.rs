//! Any text is read as a configuration in YAML without a panic; every problem has a line, and what is right reads the same
//! after it was written.
#![no_main]

use femtologging::config::Format;
use libfuzzer_sys::fuzz_target;

#[path = "config.rs"]
mod config;

fuzz_target!(|text: &str| config::read(text, Format::Yaml));
