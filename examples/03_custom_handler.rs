//! A handler of one's own: keeps the last few messages, as a program may want to show them in a crash report.
//!
//! Run with `cargo run --example 03_custom_handler`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use femtologging::handler::{Batch, FemtoHandler, FemtoHandlerExt};
use femtologging::{Config, Error, FemtoLogRecord, Level, debug, info, warn};

/// Keeps the last messages; clones show the same ones.
#[derive(Clone, Default)]
struct LastMessages(Arc<Mutex<VecDeque<String>>>);

impl LastMessages {
    const KEPT: usize = 3;

    fn get(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl FemtoHandler for LastMessages {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == Self::KEPT {
            messages.pop_front();
        }
        messages.push_back(format!("{} {}", record.level(), record.message()));
        Ok(())
    }
}

pub(crate) fn main() -> Result<(), Error> {
    let last = LastMessages::default();
    // `configure` gives every handler the settings that all handlers have: level, filters, queue.
    Config::builder().add_handler("last", last.clone().configure().level(Level::Info).build()?).build_and_init()?;
    for order in 1..=5 {
        info!("order {} packed", order);
        debug!("too fine");
    }
    warn!("stock is low"; left = 2);
    femtologging::flush(Duration::from_secs(5))?;
    last.get().iter().for_each(|message| println!("{message}"));
    Ok(())
}
