//! MessagePack.

use super::Notation;
use super::map::write_record;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;
use crate::text::Output;
use crate::time::Timestamp;
use crate::value::{Value, write_value};

/// Writes records as MessagePack, one map each, with the names of [`JsonSchema::Default`](crate::formatter::JsonSchema::Default):
/// `timestamp`, `level`, `logger`, `thread`, `file`, `line`, `message` and, where there are any, `spans` (a list of maps with `name` and
/// `id`) and `fields`.
///
/// | value | MessagePack |
/// |---|---|
/// | the record's time | the extension type -1 (timestamp), to the nanosecond |
/// | integers of up to 64 bits | an integer, in the shortest form |
/// | larger ones | their decimal digits as a string |
/// | `f32`, `f64` | `float 32`, `float 64`; also NaN and the infinities |
/// | `bool`, `None` | `true`, `false`, `nil` |
/// | `Duration` | seconds as a `float 64` |
/// | bytes, lists, maps | `bin`, an array, a map |
/// | everything else | a string |
///
/// Of a key that comes twice, the last one is written. Records follow one another without anything between them if the
/// handler's terminator is empty: each says where it ends. The format is that of the
/// [specification](https://github.com/msgpack/msgpack/blob/master/spec.md).
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoMsgpackFormatter;
/// use femtologging::FemtoFileHandler;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.msgpack");
/// let handler = FemtoFileHandler::builder().path(path).formatter(FemtoMsgpackFormatter::new()).terminator("").build()?;
/// # drop(handler);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FemtoMsgpackFormatter(());

impl FemtoMsgpackFormatter {
    /// Makes a formatter.
    pub fn new() -> Self {
        Self::default()
    }
}

impl FemtoFormatter for FemtoMsgpackFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        write_record::<Msgpack>(record, out, write_time);
    }
}

/// Writes the shortest of the three forms of a timestamp that holds it.
pub(super) fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    let seconds = time.as_nanos().div_euclid(1_000_000_000);
    let nanos = time.as_nanos().rem_euclid(1_000_000_000) as u64;
    let ext = |length, out: &mut Vec<u8>| {
        let _ = rmp::encode::write_ext_meta(out, length, -1);
    };
    match u64::try_from(seconds) {
        Ok(seconds) if nanos == 0 && seconds <= u32::MAX.into() => {
            ext(4, out);
            out.extend_from_slice(&(seconds as u32).to_be_bytes());
        }
        // 30 bits of nanoseconds and 34 bits of seconds, which is more than a timestamp has.
        Ok(seconds) => {
            ext(8, out);
            out.extend_from_slice(&(nanos << 34 | seconds).to_be_bytes());
        }
        Err(_) => {
            ext(12, out);
            out.extend_from_slice(&(nanos as u32).to_be_bytes());
            out.extend_from_slice(&seconds.to_be_bytes());
        }
    }
}

/// Writing to a buffer cannot fail: results are dropped.
pub(super) struct Msgpack;

impl Notation for Msgpack {
    fn null(out: &mut Vec<u8>) {
        let _ = rmp::encode::write_nil(out);
    }

    fn bool(value: bool, out: &mut Vec<u8>) {
        let _ = rmp::encode::write_bool(out, value);
    }

    #[inline]
    fn integer(negative: bool, magnitude: u128, out: &mut Vec<u8>) {
        let signed = 0_i64.checked_sub_unsigned(magnitude.try_into().unwrap_or(u64::MAX));
        match (u64::try_from(magnitude), signed) {
            (Ok(n), _) if !negative => drop(rmp::encode::write_uint(out, n)),
            (_, Some(n)) if negative => drop(rmp::encode::write_sint(out, n)),
            _ => Self::rendered(out, |out| {
                out.plain(if negative { "-" } else { "" });
                write_value(out, Value::U128(magnitude));
            }),
        }
    }

    fn f32(x: f32, out: &mut Vec<u8>) {
        let _ = rmp::encode::write_f32(out, x);
    }

    fn f64(x: f64, out: &mut Vec<u8>) {
        let _ = rmp::encode::write_f64(out, x);
    }

    #[inline]
    fn text_head(bytes: usize, out: &mut Vec<u8>) {
        let _ = rmp::encode::write_str_len(out, bytes as u32);
    }

    fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
        let _ = rmp::encode::write_bin(out, bytes);
    }

    fn list_head(elements: usize, out: &mut Vec<u8>) {
        let _ = rmp::encode::write_array_len(out, elements as u32);
    }

    fn map_head(entries: usize, out: &mut Vec<u8>) {
        let _ = rmp::encode::write_map_len(out, entries as u32);
    }
}
