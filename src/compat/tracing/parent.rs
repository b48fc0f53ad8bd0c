//! An event's explicit parent, `parent: span`.

use std::cell::{Cell, OnceCell};

use super::span::{Id, context_of};
use crate::callsite::{Callsite, Shape, State};
use crate::context::{Context, Extras};
use crate::level::Level;
use crate::logger::{AtSite, OwnedSource, Source};

/// The parent that a call names, which is evaluated when a record is made.
pub struct ExplicitParent<F> {
    evaluate: Cell<Option<F>>,
    context: OnceCell<Context>,
}

impl<F: FnOnce() -> Option<Id>> ExplicitParent<F> {
    #[doc(hidden)]
    pub fn new(evaluate: F) -> Self {
        Self { evaluate: Cell::new(Some(evaluate)), context: OnceCell::new() }
    }

    fn words(&self) -> &[u64] {
        self.context.get_or_init(|| context_of(self.evaluate.take().and_then(|evaluate| evaluate()))).words()
    }
}

/// The call site's target decides, and the record has the context of an explicit parent.
pub struct AtSiteIn<'a, F>(pub &'a ExplicitParent<F>);

impl<F> Clone for AtSiteIn<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for AtSiteIn<'_, F> {}

impl<F: FnOnce() -> Option<Id>> Source for AtSiteIn<'_, F> {
    type Name = ();

    #[inline(always)]
    fn name(self) {}

    fn extras(&self) -> Extras<'_> {
        Extras::only(self.0.words())
    }

    fn to_owned(self) -> OwnedSource {
        OwnedSource::Site
    }

    #[inline(always)]
    fn enabled(self, site: &'static Callsite, level: Level) -> bool {
        AtSite.enabled(site, level)
    }

    #[inline(always)]
    fn known_state(self, site: &'static Callsite) -> Option<State> {
        AtSite.known_state(site)
    }

    #[inline(always)]
    fn state(self, site: &'static Callsite, shape: &'static Shape, level: Level) -> Option<State> {
        AtSite.state(site, shape, level)
    }
}
