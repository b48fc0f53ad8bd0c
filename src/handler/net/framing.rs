//! Framing: the boundaries of messages on a connection.

use crate::error::Error;

/// How messages are separated on a connection.
///
/// # Examples
///
/// ```
/// use femtologging::handler::Framing;
///
/// let framed = |framing: Framing| {
///     let mut out = Vec::new();
///     framing.frame(&mut out, |out| out.extend_from_slice(b"one\ntwo"))?;
///     Ok::<_, femtologging::Error>(out)
/// };
/// assert_eq!(framed(Framing::LengthPrefix)?, b"\0\0\0\x07one\ntwo");
/// assert_eq!(framed(Framing::Newline)?, b"one two\n");
/// assert_eq!(framed(Framing::OctetCounting)?, b"7 one\ntwo");
/// assert_eq!(framed(Framing::None)?, b"one\ntwo");
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// The message's length in four bytes, the most significant first (big-endian), then the message. The receivers of
    /// CPython's `logging.handlers.SocketHandler` read this.
    LengthPrefix,
    /// The message, then a line feed. A line feed within the message becomes a space, so that a message cannot forge a
    /// second one. For text only.
    Newline,
    /// The message's length in decimal digits, a space, then the message (RFC 6587, section 3.4.1).
    OctetCounting,
    /// The message alone: for datagrams, and for streams of a format whose messages delimit themselves, such as CBOR.
    None,
}

impl Framing {
    /// Appends the message that `write` appends, framed.
    ///
    /// # Errors
    ///
    /// The message has 4 GiB or more, which [`LengthPrefix`](Self::LengthPrefix) cannot express; or `write` has removed
    /// what was in `out` before.
    pub fn frame(self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        let start = out.len();
        write(out);
        let Some(message) = out.get_mut(start..) else {
            return Err(Error::other("the formatter has removed what others wrote"));
        };
        match self {
            Framing::LengthPrefix => {
                let length = u32::try_from(message.len())
                    .map_err(|_| Error::other(format!("a message of {} bytes has no length prefix", message.len())))?;
                let prefix = length.to_be_bytes();
                out.extend_from_slice(&prefix);
                if let Some(framed) = out.get_mut(start..) {
                    framed.rotate_right(prefix.len());
                }
            }
            Framing::Newline => {
                message.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' ');
                out.push(b'\n');
            }
            Framing::OctetCounting => {
                let mut digits = itoa::Buffer::new();
                let digits = digits.format(message.len()).as_bytes();
                let length = message.len();
                out.extend_from_slice(digits);
                out.push(b' ');
                if let Some(framed) = out.get_mut(start..) {
                    framed.rotate_left(length);
                }
            }
            Framing::None => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_stand_behind_each_other() {
        let rows: [(Framing, &[u8]); 4] = [
            (Framing::LengthPrefix, b"<\0\0\0\x02ab\0\0\0\0\0\0\x01\x2c"),
            (Framing::Newline, b"<ab\n\n"),
            (Framing::OctetCounting, b"<2 ab0 300 "),
            (Framing::None, b"<ab"),
        ];
        for (framing, expected) in rows {
            let mut out = b"<".to_vec();
            for message in ["ab", "", &"x".repeat(300)] {
                framing.frame(&mut out, |out| out.extend_from_slice(message.as_bytes())).unwrap();
            }
            let x = out.iter().position(|byte| *byte == b'x').unwrap();
            assert_eq!(&out[..x], expected, "{framing:?}");
            assert_eq!(out[x..].iter().filter(|byte| **byte == b'x').count(), 300);
        }
    }

    #[test]
    fn a_formatter_that_removes_what_others_wrote_fails() {
        let mut out = b"<".to_vec();
        assert!(Framing::LengthPrefix.frame(&mut out, Vec::clear).is_err());
    }

    #[test]
    fn a_formatter_may_replace_its_own_text() {
        let mut out = Vec::new();
        Framing::LengthPrefix.frame(&mut out, |out| *out = b"whole".to_vec()).unwrap();
        assert_eq!(out, b"\0\0\0\x05whole");
    }
}
