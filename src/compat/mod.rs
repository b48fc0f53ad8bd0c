//! The call syntax of other facades.
//!
//! | module | in place of |
//! |---|---|
//! | [`tracing`] | the crate `tracing`, version 0.1 |

pub mod tracing;
