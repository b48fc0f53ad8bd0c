//! CBOR (RFC 8949).

use super::Notation;
use super::map::write_record;
use crate::formatter::FemtoFormatter;
use crate::record::FemtoLogRecord;
use crate::time::CivilWriter;

/// Writes records as CBOR ([RFC 8949](https://www.rfc-editor.org/rfc/rfc8949)), one map each, with the names of
/// [`JsonSchema::Default`](crate::formatter::JsonSchema::Default): `timestamp`, `level`, `logger`, `thread`, `file`,
/// `line`, `message` and, if there are any, `spans` (a list of maps with `name` and `id`) and `fields`.
///
/// | value | CBOR |
/// |---|---|
/// | the record's time | text with tag 0 (§3.4.1), in UTC with nine fractional digits, so that nothing is rounded |
/// | integers of up to 64 bits | an integer, in the shortest form |
/// | larger integers | a bignum (§3.4.3), unless they fit into an integer |
/// | `f32`, `f64` | a single- or double-precision float; also NaN and the infinities |
/// | `bool`, `None` | `true`, `false`, `null` |
/// | `Duration` | seconds as a double-precision float |
/// | bytes, lists, maps | a byte string, an array, a map |
/// | everything else | a text string |
///
/// If a key occurs several times, the last value is written. With an empty terminator, a handler writes a CBOR sequence
/// ([RFC 8742](https://www.rfc-editor.org/rfc/rfc8742)): records are self-delimiting.
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoCborFormatter;
/// use femtologging::FemtoFileHandler;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("log.cborseq");
/// let handler = FemtoFileHandler::builder().path(path).formatter(FemtoCborFormatter::new()).terminator("").build()?;
/// # drop(handler);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FemtoCborFormatter {
    civil: CivilWriter,
}

impl FemtoCborFormatter {
    /// Makes a formatter.
    pub fn new() -> Self {
        Self::default()
    }
}

impl FemtoFormatter for FemtoCborFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        write_record::<Cbor>(record, out, |time, out| {
            head(major::TAG, tag::DATE_TIME, out);
            Cbor::rendered(out, |out| self.civil.write_utc(time, 9, out.0));
        });
    }
}

/// Major types (§3.1), where the first byte has them.
mod major {
    pub(super) const UNSIGNED: u8 = 0 << 5;
    pub(super) const NEGATIVE: u8 = 1 << 5;
    pub(super) const BYTES: u8 = 2 << 5;
    pub(super) const TEXT: u8 = 3 << 5;
    pub(super) const LIST: u8 = 4 << 5;
    pub(super) const MAP: u8 = 5 << 5;
    pub(super) const TAG: u8 = 6 << 5;
    pub(super) const SIMPLE: u8 = 7 << 5;
}

/// Tags (§3.4).
mod tag {
    pub(super) const DATE_TIME: u64 = 0;
    pub(super) const BIGNUM: u64 = 2;
    pub(super) const NEGATIVE_BIGNUM: u64 = 3;
}

/// Writes an item's head (§3): its major type and an argument, in the shortest form.
#[inline]
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xFF => out.extend_from_slice(&[major | 24, argument as u8]),
        0x100..=0xFFFF => {
            out.push(major | 25);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(major | 26);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

pub(super) struct Cbor;

impl Notation for Cbor {
    fn null(out: &mut Vec<u8>) {
        out.push(major::SIMPLE | 22);
    }

    fn bool(value: bool, out: &mut Vec<u8>) {
        out.push(major::SIMPLE | if value { 21 } else { 20 });
    }

    #[inline]
    fn integer(negative: bool, magnitude: u128, out: &mut Vec<u8>) {
        // A negative number is -1 less its argument.
        let (major, tag, argument) = match negative {
            false => (major::UNSIGNED, tag::BIGNUM, magnitude),
            true => (major::NEGATIVE, tag::NEGATIVE_BIGNUM, magnitude - 1),
        };
        match u64::try_from(argument) {
            Ok(argument) => head(major, argument, out),
            Err(_) => {
                let zeros = argument.leading_zeros() as usize / 8;
                head(major::TAG, tag, out);
                head(major::BYTES, 16 - zeros as u64, out);
                out.extend(argument.to_be_bytes().into_iter().skip(zeros));
            }
        }
    }

    fn f32(x: f32, out: &mut Vec<u8>) {
        out.push(major::SIMPLE | 26);
        out.extend_from_slice(&x.to_be_bytes());
    }

    fn f64(x: f64, out: &mut Vec<u8>) {
        out.push(major::SIMPLE | 27);
        out.extend_from_slice(&x.to_be_bytes());
    }

    #[inline]
    fn text_head(bytes: usize, out: &mut Vec<u8>) {
        head(major::TEXT, bytes as u64, out);
    }

    fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
        head(major::BYTES, bytes.len() as u64, out);
        out.extend_from_slice(bytes);
    }

    fn list_head(elements: usize, out: &mut Vec<u8>) {
        head(major::LIST, elements as u64, out);
    }

    fn map_head(entries: usize, out: &mut Vec<u8>) {
        head(major::MAP, entries as u64, out);
    }
}
