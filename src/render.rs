//! Gives the consumer a reference to a call site's render closure.
//!
//! A call site's closure formats the message. It captures nothing, so that it is a zero-sized type (ZST): all its
//! values are the same, and its type is all there is to it. Therefore it is not sent through the queue. The consumer
//! calls a function that is generic over the type, and which gets its reference here.
//!
//! One of the few places that lift `deny(unsafe_code)`; docs/UNSAFE.md lists them.
#![allow(unsafe_code)]

/// Returns a reference to a value of the zero-sized type `R`, a render closure.
///
/// The closures come from the logging macros, whose bodies write a format string and do nothing else. The caller
/// checked with [`template::plan`](crate::template::plan) that the format string names no variable of its scope; a
/// closure that captured one all the same would not be zero-sized, and would not compile here.
///
/// Nothing relies on that: any closure that meets the bounds and the size may be given out here.
pub(crate) fn zst_ref<'r, R: Copy + Send + Sync + 'static>() -> &'r R {
    const { assert!(size_of::<R>() == 0, "a render closure captures nothing") };
    // SAFETY: `R` is zero-sized (checked above, at compile time), so a dangling, aligned pointer is valid for reads
    // of it. A value of `R` existed at the call site that registered this function, so `R` is inhabited. The bounds
    // say the rest: that value could have been copied, been sent to this thread, and have lived until now.
    unsafe { std::ptr::NonNull::dangling().as_ref() }
}
