//! A handler that discards records.

use super::{Batch, FemtoHandler};
use crate::error::Error;
use crate::record::FemtoLogRecord;

/// Discards records, which count as written.
///
/// # Examples
///
/// ```
/// use femtologging::handler::FemtoNullHandler;
/// use femtologging::Config;
///
/// let logging = Config::builder().add_handler("null", FemtoNullHandler).build()?;
/// # drop(logging);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct FemtoNullHandler;

impl FemtoHandler for FemtoNullHandler {
    fn handle(&mut self, _: &FemtoLogRecord<'_>, _: &mut Batch) -> Result<(), Error> {
        Ok(())
    }
}
