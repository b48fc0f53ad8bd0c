//! A handler that keeps records, for tests.

use std::sync::{Arc, Mutex};

use super::{Batch, FemtoHandler};
use crate::error::Error;
use crate::record::{FemtoLogRecord, OwnedRecord};
use crate::sync::lock;

/// Keeps every record as an [`OwnedRecord`]; clones share the records.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoCaptureHandler;
/// use femtologging::{Config, Level, warn};
/// use std::time::Duration;
///
/// let capture = FemtoCaptureHandler::new();
/// let logging = Config::builder().add_handler("capture", capture.clone()).build()?;
/// let logger = logging.get_logger("shop")?;
/// warn!(logger: logger, "{} left", 3);
/// logging.flush(Duration::from_secs(5))?;
/// assert_eq!(capture.messages(), ["3 left"]);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct FemtoCaptureHandler {
    records: Arc<Mutex<Vec<OwnedRecord>>>,
}

impl FemtoCaptureHandler {
    /// Makes a handler with no records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all records that arrived so far.
    pub fn records(&self) -> Vec<OwnedRecord> {
        lock(&self.records).clone()
    }

    /// Returns the records for which `wanted` returns `true`.
    pub fn matching(&self, wanted: impl Fn(&OwnedRecord) -> bool) -> Vec<OwnedRecord> {
        self.records().into_iter().filter(wanted).collect()
    }

    /// Returns the messages of all records.
    pub fn messages(&self) -> Vec<String> {
        lock(&self.records).iter().map(|record| record.message().to_owned()).collect()
    }

    /// Returns the number of records that arrived so far.
    pub fn len(&self) -> usize {
        lock(&self.records).len()
    }

    /// Returns whether no record arrived yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes and returns all records.
    pub fn take(&self) -> Vec<OwnedRecord> {
        std::mem::take(&mut lock(&self.records))
    }
}

impl FemtoHandler for FemtoCaptureHandler {
    fn handle(&mut self, record: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        let record = record.to_owned();
        lock(&self.records).push(record);
        Ok(())
    }
}
