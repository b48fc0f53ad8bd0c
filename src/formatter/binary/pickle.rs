//! Pickles, as CPython's `logging.handlers.SocketHandler` sends them.

use super::{Notation, write_spans};
use crate::formatter::origin::program;
use crate::formatter::pairs::pairs;
use crate::formatter::{FemtoFormatter, python};
use crate::record::FemtoLogRecord;
use crate::time::{Timestamp, first_use};

/// Writes records as CPython's `SocketHandler` and `DatagramHandler` do: as a pickle (protocol 2) of the dictionary of
/// a `LogRecord`'s attributes, for `logging.makeLogRecord`.
///
/// | attribute | value |
/// |---|---|
/// | `name` | the logger's name |
/// | `msg` | the message; `args` is `None` |
/// | `levelno`, `levelname` | the level's number and its name in CPython: 30 and `WARNING`; 5 and `TRACE` |
/// | `pathname`, `filename`, `module` | the call's source file, its last part, and that without the extension |
/// | `lineno` | the line of the call |
/// | `created`, `msecs` | seconds since the Unix epoch, and milliseconds into the second |
/// | `relativeCreated` | milliseconds since the process first used this library |
/// | `thread`, `threadName`, `process` | the calling thread's number and name, and the process's id |
/// | `processName` | the program's file name, or [`process_name`](Self::process_name) |
/// | `funcName` | the name of the function that contains the call, or `None` |
/// | `args`, `exc_info`, `exc_text`, `stack_info`, `taskName` | `None` |
/// | `spans` | if there are any, a list of dictionaries with `name` and `id`, the outermost span first |
/// | keys | their values, as with CPython's `extra` |
///
/// A `_` is added to a key with the name of an attribute, or `message`, `asctime`, `getMessage` or `spans`, and to a
/// key that differs from such a name only in `_` at its end: `name` becomes `name_`, and `name_` becomes `name__`. If a
/// key occurs several times, the last value is written. Integers of any size, floats, `bool`, `None`, bytes, lists and
/// maps are those of Python; durations are seconds as a float; everything else is a `str`.
///
/// # Security
///
/// These pickles contain data only: they name no class and call no function. So a receiver can, and should, forbid both
/// by overriding `find_class` of `pickle.Unpickler`. Otherwise everybody who can connect to it can run code in it. This
/// library never unpickles anything.
///
/// # Examples
///
/// ```
/// use femtologging::formatter::FemtoPickleFormatter;
/// use femtologging::FemtoStreamHandler;
///
/// # let receiver = std::io::sink();
/// // A stream of pickles, for `pickle.load`. CPython's receivers expect the length before each pickle; a socket
/// // handler writes it.
/// let handler = FemtoStreamHandler::builder(receiver).formatter(FemtoPickleFormatter::new()).terminator("").build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FemtoPickleFormatter {
    start: Timestamp,
    /// The attributes that are the same in every record.
    pub(super) constants: Vec<u8>,
}

/// The names that keys cannot have besides those of [`python::ATTRIBUTES`].
const TAKEN: [&str; 4] = ["message", "asctime", "getMessage", "spans"];

impl Default for FemtoPickleFormatter {
    fn default() -> Self {
        Self::new()
    }
}

impl FemtoPickleFormatter {
    /// Makes a formatter with the program's file name as `processName`.
    pub fn new() -> Self {
        Self { start: first_use(), constants: Vec::new() }.process_name(program())
    }

    /// Sets the value of `processName`; the program's file name by default. CPython's is `MainProcess` for the process
    /// that a program starts in.
    pub fn process_name(mut self, name: impl AsRef<str>) -> Self {
        let out = &mut self.constants;
        out.clear();
        Pickle::text("processName", out);
        Pickle::text(name.as_ref(), out);
        for name in ["args", "exc_info", "exc_text", "stack_info", "taskName"] {
            Pickle::text(name, out);
            Pickle::null(out);
        }
        self
    }
}

impl FemtoFormatter for FemtoPickleFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let integer = |name: &str, n: u64, out: &mut Vec<u8>| {
            Pickle::text(name, out);
            Pickle::integer(false, n.into(), out);
        };
        let float = |name: &str, x: f64, out: &mut Vec<u8>| {
            Pickle::text(name, out);
            Pickle::f64(x, out);
        };
        let text = |name: &str, text: &str, out: &mut Vec<u8>| {
            Pickle::text(name, out);
            Pickle::text(text, out);
        };
        out.extend_from_slice(opcode::START);
        Pickle::map_head(0, out);
        text("name", record.logger(), out);
        Pickle::text("msg", out);
        Pickle::rendered(out, |out| {
            let _ = record.message().render(out);
        });
        integer("levelno", record.level().number().into(), out);
        text("levelname", python::level_name(record.level()), out);
        Pickle::text("funcName", out);
        match python::function_name(record) {
            Some(name) => Pickle::text(name, out),
            None => Pickle::null(out),
        }
        text("pathname", record.file(), out);
        text("filename", python::file_name(record), out);
        text("module", python::module(record), out);
        integer("lineno", record.line().into(), out);
        float("created", python::created(record.timestamp()), out);
        float("msecs", python::msecs(record.timestamp()), out);
        float("relativeCreated", python::relative_created(record.timestamp(), self.start), out);
        integer("thread", record.thread_id(), out);
        text("threadName", record.thread_name(), out);
        integer("process", record.process_id().into(), out);
        out.extend_from_slice(&self.constants);
        if record.spans().next().is_some() {
            Pickle::text("spans", out);
            write_spans::<Pickle>(record, out);
        }
        pairs(record).each(PartialEq::eq, |key, value| {
            let stem = key.trim_end_matches('_');
            if python::ATTRIBUTES.contains(&stem) || TAKEN.contains(&stem) {
                Pickle::text_head(key.len() + 1, out);
                out.extend_from_slice(key.as_bytes());
                out.push(b'_');
            } else {
                Pickle::text(key, out);
            }
            Pickle::value(*value, out);
        });
        Pickle::map_end(out);
        out.push(opcode::STOP);
    }
}

/// Pickle's opcodes, which CPython's `pickletools` describes.
mod opcode {
    /// `PROTO` 2.
    pub(super) const START: &[u8] = b"\x80\x02";
    pub(super) const STOP: u8 = b'.';
    pub(super) const MARK: u8 = b'(';
    pub(super) const EMPTY_DICT: u8 = b'}';
    pub(super) const SETITEMS: u8 = b'u';
    pub(super) const EMPTY_LIST: u8 = b']';
    pub(super) const APPENDS: u8 = b'e';
    pub(super) const NONE: u8 = b'N';
    pub(super) const NEWTRUE: u8 = 0x88;
    pub(super) const NEWFALSE: u8 = 0x89;
    pub(super) const BININT1: u8 = b'K';
    pub(super) const BININT2: u8 = b'M';
    pub(super) const BININT: u8 = b'J';
    pub(super) const LONG1: u8 = 0x8a;
    pub(super) const BINFLOAT: u8 = b'G';
    pub(super) const BINUNICODE: u8 = b'X';
    /// Of protocol 3, but understood by every Python 3. In protocol 2, bytes need a call, which receivers may forbid.
    pub(super) const BINBYTES: u8 = b'B';
}

/// Pickle, protocol 2.
pub(super) struct Pickle;

impl Notation for Pickle {
    fn null(out: &mut Vec<u8>) {
        out.push(opcode::NONE);
    }

    fn bool(value: bool, out: &mut Vec<u8>) {
        out.push(if value { opcode::NEWTRUE } else { opcode::NEWFALSE });
    }

    #[inline]
    fn integer(negative: bool, magnitude: u128, out: &mut Vec<u8>) {
        // In two's complement, without the sign.
        let bits = if negative { magnitude.wrapping_neg() } else { magnitude };
        match (negative, magnitude) {
            (false, 0..=0xFF) => out.extend_from_slice(&[opcode::BININT1, bits as u8]),
            (false, 0..=0xFFFF) => {
                out.push(opcode::BININT2);
                out.extend_from_slice(&(bits as u16).to_le_bytes());
            }
            (false, 0..=0x7FFF_FFFF) | (true, 0..=0x8000_0000) => {
                out.push(opcode::BININT);
                out.extend_from_slice(&(bits as u32).to_le_bytes());
            }
            _ => {
                // The minimum number of bytes, sign included.
                let sign = if negative { 0xFF } else { 0 };
                let length = (128 - (magnitude - u128::from(negative)).leading_zeros()) as usize / 8 + 1;
                out.extend_from_slice(&[opcode::LONG1, length as u8]);
                out.extend(bits.to_le_bytes().into_iter().chain([sign]).take(length));
            }
        }
    }

    fn f32(x: f32, out: &mut Vec<u8>) {
        Self::f64(x.into(), out);
    }

    fn f64(x: f64, out: &mut Vec<u8>) {
        out.push(opcode::BINFLOAT);
        out.extend_from_slice(&x.to_be_bytes());
    }

    #[inline]
    fn text_head(bytes: usize, out: &mut Vec<u8>) {
        out.push(opcode::BINUNICODE);
        out.extend_from_slice(&(bytes as u32).to_le_bytes());
    }

    fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
        out.push(opcode::BINBYTES);
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }

    fn list_head(_: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&[opcode::EMPTY_LIST, opcode::MARK]);
    }

    fn list_end(out: &mut Vec<u8>) {
        out.push(opcode::APPENDS);
    }

    fn map_head(_: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&[opcode::EMPTY_DICT, opcode::MARK]);
    }

    fn map_end(out: &mut Vec<u8>) {
        out.push(opcode::SETITEMS);
    }
}
