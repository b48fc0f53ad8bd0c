//! What the tests of the default features share, and programs that tests talk to.

#[path = "../../../tests/common/mod.rs"]
mod shared;

#[allow(unused_imports)]
pub use shared::*;
