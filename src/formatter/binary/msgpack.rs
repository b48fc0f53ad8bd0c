//! MessagePack.

use super::Notation;
use super::map::write_record;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;
use crate::text::Output;
use crate::time::Timestamp;
use crate::value::{Value, write_value};

/// Writes records as MessagePack, one map each, with the names of
/// [`JsonSchema::Default`](crate::formatter::JsonSchema::Default): `timestamp`, `level`, `logger`, `thread`, `file`,
/// `line`, `message` and, if there are any, `spans` (a list of maps with `name` and `id`) and `fields`.
///
/// | value | MessagePack |
/// |---|---|
/// | the record's time | the extension type -1 (timestamp), to the nanosecond |
/// | integers of up to 64 bits | an integer, in the shortest form |
/// | larger integers | their decimal digits as a string |
/// | `f32`, `f64` | `float 32`, `float 64`; also NaN and the infinities |
/// | `bool`, `None` | `true`, `false`, `nil` |
/// | `Duration` | seconds as a `float 64` |
/// | bytes, lists, maps | `bin`, an array, a map |
/// | everything else | a string |
///
/// If a key occurs several times, the last value is written. Records are self-delimiting, so set the handler's
/// terminator to an empty one. The format is that of the
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
/// let formatter = FemtoMsgpackFormatter::new();
/// let handler = FemtoFileHandler::builder().path(path).formatter(formatter).terminator("").build()?;
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

/// The type of the extension for timestamps, -1.
const TIMESTAMP: u8 = 0xFF;

/// Writes a timestamp in the shortest of the three forms that can hold it.
pub(super) fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    let seconds = time.as_nanos().div_euclid(1_000_000_000);
    let nanos = time.as_nanos().rem_euclid(1_000_000_000) as u64;
    match u64::try_from(seconds) {
        Ok(seconds) if nanos == 0 && seconds <= u32::MAX.into() => {
            out.extend_from_slice(&[0xD6, TIMESTAMP]);
            out.extend_from_slice(&(seconds as u32).to_be_bytes());
        }
        // 30 bits of nanoseconds and 34 bits of seconds, which is more than a timestamp has.
        Ok(seconds) => {
            out.extend_from_slice(&[0xD7, TIMESTAMP]);
            out.extend_from_slice(&(nanos << 34 | seconds).to_be_bytes());
        }
        Err(_) => {
            out.extend_from_slice(&[0xC7, 12, TIMESTAMP]);
            out.extend_from_slice(&(nanos as u32).to_be_bytes());
            out.extend_from_slice(&seconds.to_be_bytes());
        }
    }
}

/// Writes a length in the shortest form: added to the first byte `base` if it is less than `short`, or after one of the
/// first bytes `wide`, in 8 bits (if the type has that form), 16 bits or 32 bits.
#[inline]
fn head(length: usize, (short, base): (usize, u8), wide: (Option<u8>, u8, u8), out: &mut Vec<u8>) {
    match (length, wide) {
        _ if length < short => out.push(base | length as u8),
        (..0x100, (Some(first), ..)) => out.extend_from_slice(&[first, length as u8]),
        (..0x1_0000, (_, first, _)) => tagged(first, (length as u16).to_be_bytes(), out),
        (_, (.., first)) => tagged(first, (length as u32).to_be_bytes(), out),
    }
}

/// Writes a first byte and the bytes after it.
fn tagged<const N: usize>(first: u8, bytes: [u8; N], out: &mut Vec<u8>) {
    out.push(first);
    out.extend_from_slice(&bytes);
}

/// Writes a number that is not negative in its shortest form.
#[inline]
fn unsigned(n: u64, out: &mut Vec<u8>) {
    match n {
        ..0x80 => out.push(n as u8),
        0x80..0x100 => out.extend_from_slice(&[0xCC, n as u8]),
        0x100..0x1_0000 => tagged(0xCD, (n as u16).to_be_bytes(), out),
        0x1_0000..0x1_0000_0000 => tagged(0xCE, (n as u32).to_be_bytes(), out),
        _ => tagged(0xCF, n.to_be_bytes(), out),
    }
}

/// Writes a negative number in its shortest form.
fn negative(n: i64, out: &mut Vec<u8>) {
    match n {
        -0x20.. => out.push(n as u8),
        -0x80..-0x20 => out.extend_from_slice(&[0xD0, n as u8]),
        -0x8000..-0x80 => tagged(0xD1, (n as i16).to_be_bytes(), out),
        -0x8000_0000..-0x8000 => tagged(0xD2, (n as i32).to_be_bytes(), out),
        _ => tagged(0xD3, n.to_be_bytes(), out),
    }
}

pub(super) struct Msgpack;

impl Notation for Msgpack {
    fn null(out: &mut Vec<u8>) {
        out.push(0xC0);
    }

    fn bool(value: bool, out: &mut Vec<u8>) {
        out.push(0xC2 | u8::from(value));
    }

    #[inline]
    fn integer(is_negative: bool, magnitude: u128, out: &mut Vec<u8>) {
        let signed = 0_i64.checked_sub_unsigned(magnitude.try_into().unwrap_or(u64::MAX));
        match (u64::try_from(magnitude), signed) {
            (Ok(n), _) if !is_negative => unsigned(n, out),
            (_, Some(n)) if is_negative => negative(n, out),
            _ => Self::rendered(out, |out| {
                out.plain(if is_negative { "-" } else { "" });
                write_value(out, Value::U128(magnitude));
            }),
        }
    }

    fn f32(x: f32, out: &mut Vec<u8>) {
        tagged(0xCA, x.to_be_bytes(), out);
    }

    fn f64(x: f64, out: &mut Vec<u8>) {
        tagged(0xCB, x.to_be_bytes(), out);
    }

    #[inline]
    fn text_head(bytes: usize, out: &mut Vec<u8>) {
        head(bytes, (0x20, 0xA0), (Some(0xD9), 0xDA, 0xDB), out);
    }

    fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
        head(bytes.len(), (0, 0), (Some(0xC4), 0xC5, 0xC6), out);
        out.extend_from_slice(bytes);
    }

    fn list_head(elements: usize, out: &mut Vec<u8>) {
        head(elements, (0x10, 0x90), (None, 0xDC, 0xDD), out);
    }

    fn map_head(entries: usize, out: &mut Vec<u8>) {
        head(entries, (0x10, 0x80), (None, 0xDE, 0xDF), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bounds of the forms in MessagePack's specification.
    #[test]
    fn numbers_and_lengths_have_their_shortest_form() {
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            (out[0], out.len())
        };
        let numbers =
            [(0x7F, (0x7F, 1)), (0x80, (0xCC, 2)), (0x100, (0xCD, 3)), (0x1_0000, (0xCE, 5)), (1 << 32, (0xCF, 9))];
        for (n, expected) in numbers {
            assert_eq!(written(&|out| unsigned(n, out)), expected, "{n}");
        }
        let numbers =
            [(-0x20, (0xE0, 1)), (-0x21, (0xD0, 2)), (-0x81, (0xD1, 3)), (-0x8001, (0xD2, 5)), (i64::MIN, (0xD3, 9))];
        for (n, expected) in numbers {
            assert_eq!(written(&|out| negative(n, out)), expected, "{n}");
        }
        let lengths = [(0x1F, (0xBF, 1)), (0x20, (0xD9, 2)), (0x100, (0xDA, 3)), (0x1_0000, (0xDB, 5))];
        for (n, expected) in lengths {
            assert_eq!(written(&|out| Msgpack::text_head(n, out)), expected, "{n}");
        }
        let lengths = [(0xF, (0x8F, 1)), (0x10, (0xDE, 3)), (0x1_0000, (0xDF, 5))];
        for (n, expected) in lengths {
            assert_eq!(written(&|out| Msgpack::map_head(n, out)), expected, "{n}");
        }
    }
}
