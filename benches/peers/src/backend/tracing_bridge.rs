//! `tracing`'s macros, with femtologging behind them.

use std::path::Path;

use femtologging::bridge::{FemtoTracingLayer, FemtoTracingSubscriber};
use tracing_subscriber::layer::SubscriberExt;

use super::Backend;
use super::femtologging::Femtologging;
use super::tracing::Macros;
use crate::Result;

/// The layer, on a registry; or the plain subscriber.
pub struct Bridge<const PLAIN: bool>(Femtologging<false>);

impl<const PLAIN: bool> Backend for Bridge<PLAIN> {
    const NAME: &'static str = if PLAIN { "tracing-bridge-plain" } else { "tracing-bridge" };
    const PACKAGE: &'static str = "tracing";
    const REMARKS: &'static str = if PLAIN {
        "FemtoTracingSubscriber, femtologging's file handler"
    } else {
        "FemtoTracingLayer on tracing-subscriber's registry, femtologging's file handler"
    };

    type Calls = Macros;

    fn start(path: &Path) -> Result<Self> {
        let femtologging = Femtologging::start(path)?;
        if PLAIN {
            tracing::subscriber::set_global_default(FemtoTracingSubscriber::builder().build())?;
        } else {
            let layer = FemtoTracingLayer::builder().build();
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
        }
        Ok(Self(femtologging))
    }

    fn calls(&self) -> Macros {
        Macros
    }

    fn finish(self) -> Result<()> {
        self.0.finish()
    }
}
