//! The calls of all libraries behind the `log` facade.

use super::Calls;

/// Through `log`, for a library which prints its key-values.
pub struct Log;

/// Through `log`, for a library which does not: the four values are in the message.
pub struct LogMessageOnly;

impl Calls for Log {
    #[inline(always)]
    fn numbers(&self, i: i32, j: i32, d: f64) {
        log::info!("Logging int: {}, int: {}, double: {}", i, j, d);
    }

    #[inline(always)]
    fn string(&self, text: &str) {
        log::info!("Logging string: {}", text);
    }

    #[inline(always)]
    fn key_values(&self, id: u64, elapsed: f64, cached: bool, path: &'static str) {
        log::info!(id, elapsed, cached, path; "Logging request");
    }
}

impl Calls for LogMessageOnly {
    #[inline(always)]
    fn numbers(&self, i: i32, j: i32, d: f64) {
        Log.numbers(i, j, d);
    }

    #[inline(always)]
    fn string(&self, text: &str) {
        Log.string(text);
    }

    #[inline(always)]
    fn key_values(&self, id: u64, elapsed: f64, cached: bool, path: &'static str) {
        log::info!("Logging request id={} elapsed={} cached={} path={}", id, elapsed, cached, path);
    }
}
