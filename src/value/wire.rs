//! The wire format of values: little-endian 64-bit words.
//!
//! | type | words |
//! |---|---|
//! | `bool`, `char`, integers of up to 64 bits | 1: the value; signed integers are sign-extended |
//! | `f32`, `f64` | 1: the bits |
//! | 128-bit integers | 2: the upper half, the lower half |
//! | `Duration` | 2: seconds, nanoseconds |
//! | `IpAddr` | 3: 4 or 6, then the address as a 128-bit integer |
//! | `SocketAddr` | 5: the address, the port, flow label << 32 \| scope id |
//! | text, bytes | 1 for the length in bytes, then the bytes, padded with zeros to whole words |
//! | `Option` | 1 for 0 or 1; after a 1, the value |
//! | list | 1 for the number of words that follow, then each element as a *tagged* value |
//! | map | 1 for the number of words that follow, then each key as text and its value as a tagged value |
//! | null, secret | 0 |
//!
//! A payload does not contain the types of its values: they are known at compile time, and the call site has a [`Tag`]
//! for each. Where a type is known only at run time, the value is *tagged*: preceded by a word with its tag.
//!
//! For example, the payload of `info!("{} of {:?}", 3_u8, "four"; tags = ["a"])` is
//!
//! ```text
//! word 0   3                                   3_u8
//! word 1   4                                   "four": its length,
//! word 2   0x0000_0000_7275_6F66               its bytes
//! word 3   3                                   ["a"]: three words follow,
//! word 4   Kind::Str                           the tag of the first element,
//! word 5   1                                   its length,
//! word 6   0x61                                its bytes
//! ```
//!
//! And this is a payload byte by byte. A test compares it.
//!
//! ```text
//! warn!("late"; retry = -1_i8, user = Some("ünal"), took = Duration::from_millis(1500), peer = ip)
//!
//! 00   ff ff ff ff ff ff ff ff   retry   -1, sign-extended
//! 08   01 00 00 00 00 00 00 00   user    Some
//! 10   05 00 00 00 00 00 00 00           5 bytes of UTF-8
//! 18   c3 bc 6e 61 6c 00 00 00           "ünal", and zeros up to a whole word
//! 20   01 00 00 00 00 00 00 00   took    1 s
//! 28   00 65 cd 1d 00 00 00 00           500,000,000 ns
//! 30   04 00 00 00 00 00 00 00   peer    IPv4
//! 38   00 00 00 00 00 00 00 00           upper half of the address
//! 40   01 00 00 7f 00 00 00 00           lower half: 127.0.0.1
//! ```
//!
//! # Invariants
//!
//! * Everything begins at a multiple of eight bytes, so a ring needs no other unit than the word, and a reader none
//!   than eight bytes.
//! * The bytes after a text, up to the word's end, are zero. [`Reader::plain_text`] looks at whole words and relies on
//!   it.
//! * A value that consists of values says first how long it is, so a reader can skip it, or stop at the end of a
//!   damaged element, without decoding it.
//! * The format exists within one process only. It is never stored or sent, so it may change in any version.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::Duration;

/// The type of an encoded value.
///
/// In a [`Tag`], a kind is the number of its variant; [`ALL`](Self::ALL) maps it back, and so has the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `bool`.
    Bool,
    /// Signed integers of up to 64 bits.
    I64,
    /// Unsigned integers of up to 64 bits.
    U64,
    /// `i128`.
    I128,
    /// `u128`.
    U128,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `char`.
    Char,
    /// A string.
    Str,
    /// Text written by a `Display`.
    Display,
    /// Text written by a `Debug`.
    Debug,
    /// The messages of an error and its causes.
    Error,
    /// A value that was not recorded.
    Secret,
    /// [`Duration`].
    Duration,
    /// [`IpAddr`].
    Ip,
    /// [`SocketAddr`].
    Socket,
    /// Bytes that are not text.
    Bytes,
    /// A list of values.
    List,
    /// A map from text to values.
    Map,
    /// `None`, or the unit value of a serializer.
    Null,
    /// A tagged value: its type is known only at run time, and precedes it.
    Any,
}

impl Kind {
    /// All kinds, in the order of their declaration.
    const ALL: [Kind; 21] = [
        Kind::Bool,
        Kind::I64,
        Kind::U64,
        Kind::I128,
        Kind::U128,
        Kind::F32,
        Kind::F64,
        Kind::Char,
        Kind::Str,
        Kind::Display,
        Kind::Debug,
        Kind::Error,
        Kind::Secret,
        Kind::Duration,
        Kind::Ip,
        Kind::Socket,
        Kind::Bytes,
        Kind::List,
        Kind::Map,
        Kind::Null,
        Kind::Any,
    ];
}

/// The type of a value: a [`Kind`], or an `Option` of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

impl Tag {
    #[doc(hidden)]
    pub const fn new(kind: Kind) -> Self {
        Self { kind, optional: false }
    }

    /// Returns the tag of an `Option` of this type.
    pub(crate) const fn optional(self) -> Self {
        Self { kind: self.kind, optional: true }
    }

    /// Returns whether a value of this type may be [`Value::Null`].
    pub(crate) fn can_be_null(self) -> bool {
        self.optional || matches!(self.kind, Kind::Null | Kind::Any)
    }

    /// Encodes the tag as a word. Bits 9 and above are 0, so that [extras](crate::context) can use them.
    ///
    /// ```text
    /// 63        9    8        7    0
    /// +----------+----------+------+
    /// | 0        | optional | kind |
    /// +----------+----------+------+
    /// ```
    #[inline(always)]
    pub(crate) const fn word(self) -> u64 {
        self.kind as u64 | (self.optional as u64) << 8
    }

    /// Decodes a tag, ignoring bits 9 and above. A kind that does not exist, in a damaged payload, becomes null.
    #[inline]
    pub(crate) fn from_word(word: u64) -> Self {
        let kind = Kind::ALL.get(word as usize & 0xFF).copied().unwrap_or(Kind::Null);
        Self { kind, optional: word & 0x100 != 0 }
    }
}

/// Returns the number of words that `bytes` bytes of text take, without the word for their length.
#[inline(always)]
pub(crate) const fn padded_words(bytes: usize) -> usize {
    bytes.div_ceil(8)
}

/// Returns the last word of bytes that do not fill it.
#[inline(always)]
pub(crate) fn last_word(bytes: &[u8]) -> u64 {
    let rest = bytes.len() % 8;
    // Without a copy of variable length: the final eight bytes shifted down, or, if there are fewer, byte by byte.
    match bytes.last_chunk::<8>() {
        Some(tail) => u64::from_le_bytes(*tail) >> (64 - 8 * rest),
        None => bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// A destination of encoded words: a ring, or a [`ByteSink`](super::ByteSink).
///
/// The two differ in what they accept. A ring has room for exactly the words that were announced, and may not run user
/// code while it is borrowed; so it only gets values of types that are encoded as they are. A `ByteSink` grows, calls
/// `Display` and `Debug`, and cuts what exceeds the [`Limits`](super::Limits).
#[doc(hidden)]
pub trait WordSink {
    /// Writes one word.
    fn word(&mut self, word: u64);

    /// Writes several words.
    #[inline(always)]
    fn words(&mut self, words: &[u64]) {
        words.iter().for_each(|word| self.word(*word));
    }

    /// Writes text: its length in bytes, then the bytes.
    #[inline(always)]
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Writes bytes: their number, then the bytes, padded to whole words.
    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (whole, rest) = bytes.as_chunks::<8>();
        for chunk in whole {
            self.word(u64::from_le_bytes(*chunk));
        }
        if rest.is_empty() {
            return;
        }
        self.word(last_word(bytes));
    }

    /// Writes text that user code formats. A ring does not call `write`: see [`WordSink`].
    fn format(&mut self, write: &dyn Fn(&mut dyn fmt::Write) -> fmt::Result);

    /// Calls `put` to write the last words of a record.
    ///
    /// `put` is not inlined and takes the sink by reference. A sink that is copied to the stack for this call can stay
    /// in registers until then.
    #[inline(always)]
    fn end(&mut self, put: impl FnOnce(&mut Self))
    where
        Self: Sized,
    {
        put(self);
    }

    /// Marks the start of the values of keys, to which [`Limits::value_bytes`](super::Limits::value_bytes) applies.
    #[inline(always)]
    fn begin_values(&mut self) {}

    /// Returns the maximum number of words for the elements of a list or map that is written next.
    #[inline(always)]
    fn room(&self) -> usize {
        usize::MAX
    }

    /// Notes that a value was cut, so that the record is counted as truncated.
    #[inline(always)]
    fn note_cut(&mut self) {}
}

/// Returns 0 if all eight bytes of a word are plain: ASCII, but no control character, `"` or `\`. Otherwise the highest
/// bit of some byte is set.
///
/// For example, the word `"ab\ncdefg"` gives `0x0000_0000_0080_0000`: the line feed is its third byte.
///
/// A byte below n takes a borrow when n is subtracted, which sets its highest bit unless that was set before; a byte
/// that equals c is one below 1 after an exclusive or with c. A borrow may reach the next byte, but only from one that
/// was found already. See Sean Eron Anderson, "Bit Twiddling Hacks", "Determine if a word has a byte less than n".
#[inline(always)]
fn suspects(word: u64) -> u64 {
    (word | below(word, b' ') | equal(word, b'"') | equal(word, b'\\') | equal(word, 0x7F)) & (ONES << 7)
}

/// A word of eight ones.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Sets the highest bit of some byte if a byte is below `n`.
#[inline(always)]
fn below(word: u64, n: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(n)) & !word
}

/// Sets the highest bit of some byte if a byte is `c`.
#[inline(always)]
fn equal(word: u64, c: u8) -> u64 {
    below(word ^ (ONES * u64::from(c)), 1)
}

/// Decodes a payload, value by value.
///
/// The caller supplies the types, in the order in which they were encoded. Reading past the end yields zeros and empty
/// text, never a panic.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Reads one word.
    #[inline(always)]
    pub(crate) fn word(&mut self) -> u64 {
        match self.bytes.split_first_chunk::<8>() {
            Some((word, rest)) => {
                self.bytes = rest;
                u64::from_le_bytes(*word)
            }
            None => 0,
        }
    }

    /// Reads text. Text that is not UTF-8, in a damaged payload, is read as empty.
    #[inline]
    pub(crate) fn text(&mut self) -> &'a str {
        // Only whole strings are encoded, so this cannot fail.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// Reads text that every output writes as it is: ASCII without control characters, quotes and backslashes. Of
    /// other text, and of none, reads nothing.
    ///
    /// It looks at eight bytes at once, and saves the check that the text is UTF-8.
    #[inline]
    pub(crate) fn plain_text(&mut self) -> Option<&'a [u8]> {
        // A copy, so that nothing is read if the text is not plain.
        let mut reader = *self;
        let length = reader.word() as usize;
        let (padded, rest) = reader.bytes.split_at_checked(padded_words(length).checked_mul(8)?)?;
        let (last, whole) = padded.as_chunks::<8>().0.split_last()?;
        // The padding's zeros become spaces.
        let spaces = (0x2020_2020_2020_2020_u128 << (8 * (length - 8 * whole.len()))) as u64;
        let suspects = whole
            .iter()
            .fold(suspects(u64::from_le_bytes(*last) | spaces), |any, word| any | suspects(u64::from_le_bytes(*word)));
        let text = padded.get(..length).filter(|_| suspects == 0)?;
        self.bytes = rest;
        Some(text)
    }

    /// Reads text of one to eight bytes that is plain as that of [`plain_text`](Self::plain_text) is and, if `no_gaps`
    /// is set, has neither spaces nor `=`. Returns it with its length. Of other text, reads nothing.
    #[inline]
    pub(crate) fn plain_word(&mut self, no_gaps: bool) -> Option<([u8; 8], usize)> {
        let mut reader = *self;
        let length = reader.word();
        if !(1..=8).contains(&length) {
            return None;
        }
        let word = reader.word();
        // The padding's zeros become exclamation marks, which are plain.
        let padded = word | ((u128::from(ONES * u64::from(b'!')) << (8 * length)) as u64);
        let gaps = if no_gaps { (equal(padded, b' ') | equal(padded, b'=')) & (ONES << 7) } else { 0 };
        if suspects(padded) | gaps != 0 {
            return None;
        }
        *self = reader;
        Some((word.to_le_bytes(), length as usize))
    }

    /// Reads bytes. A length that exceeds the payload, in a damaged one, yields none.
    #[inline]
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let length = self.word() as usize;
        // A damaged length cannot overflow, nor index beyond the payload.
        let whole = padded_words(length).saturating_mul(8);
        match (self.bytes.get(..length), self.bytes.get(whole..)) {
            (Some(bytes), Some(rest)) => {
                self.bytes = rest;
                bytes
            }
            _ => &[],
        }
    }

    /// Reads a list or map. Returns a reader of its elements, and itself skips them.
    pub(super) fn nested(&mut self) -> Reader<'a> {
        let length = (self.word() as usize).saturating_mul(8);
        let (elements, rest) = self.bytes.split_at_checked(length).unwrap_or((self.bytes, &[]));
        self.bytes = rest;
        Reader::new(elements)
    }

    /// Returns what has not been read yet.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    /// Reads two words: the upper half, then the lower half.
    pub(crate) fn u128(&mut self) -> u128 {
        let high = self.word();
        u128::from(high) << 64 | u128::from(self.word())
    }

    /// Reads two words: seconds, then nanoseconds.
    pub(crate) fn duration(&mut self) -> Duration {
        let seconds = self.word();
        Duration::new(seconds, self.word() as u32)
    }

    /// Reads three words: the version, 4 or 6, then the bits of the address.
    pub(crate) fn ip(&mut self) -> IpAddr {
        let version = self.word();
        let bits = self.u128();
        match version {
            4 => Ipv4Addr::from_bits(bits as u32).into(),
            _ => Ipv6Addr::from_bits(bits).into(),
        }
    }

    /// Reads five words: the address, the port, and what only IPv6 has (flow label and scope id).
    pub(crate) fn socket(&mut self) -> SocketAddr {
        let ip = self.ip();
        let port = self.word() as u16;
        let flow_and_scope = self.word();
        match ip {
            IpAddr::V4(ip) => SocketAddrV4::new(ip, port).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, (flow_and_scope >> 32) as u32, flow_and_scope as u32).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ByteSink, Capture};
    use super::*;

    #[test]
    fn the_example_of_the_documentation_is_encoded_so() {
        let mut sink = ByteSink::default();
        (-1_i8).put(&mut sink);
        Some("ünal").put(&mut sink);
        Duration::from_millis(1500).put(&mut sink);
        IpAddr::from([127, 0, 0, 1]).put(&mut sink);
        let rows = include_str!("wire.rs").lines().filter_map(|line| line.strip_prefix("//! ")?.get(5..28));
        let rows =
            rows.filter(|row| row.split(' ').all(|byte| u8::from_str_radix(byte, 16).is_ok() && byte.len() == 2));
        let drawn: Vec<_> =
            rows.flat_map(|row| row.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap())).collect();
        assert_eq!(drawn, sink.bytes);
    }

    fn plain(text: &str) -> Option<(String, u64)> {
        let mut sink = ByteSink::default();
        sink.text(text);
        sink.word(7);
        let mut reader = Reader::new(&sink.bytes);
        let found = reader.plain_text().map(|text| String::from_utf8(text.to_vec()).unwrap());
        if found.is_none() {
            assert_eq!(reader.text(), text, "nothing is read");
        }
        found.map(|text| (text, reader.word()))
    }

    fn word(text: &str, no_gaps: bool) -> Option<(String, u64)> {
        let mut sink = ByteSink::default();
        sink.text(text);
        sink.word(7);
        let mut reader = Reader::new(&sink.bytes);
        let found = reader.plain_word(no_gaps);
        if found.is_none() {
            assert_eq!(reader.text(), text, "nothing is read");
        }
        found.map(|(text, length)| (String::from_utf8(text[..length].to_vec()).unwrap(), reader.word()))
    }

    #[test]
    fn plain_text_is_ascii_that_nobody_escapes() {
        for byte in 0..=u8::MAX {
            let c = char::from(byte);
            let is_plain = (' '..='~').contains(&c) && !matches!(c, '"' | '\\');
            // At every place of texts of all lengths around a word's, beside bytes that borrow and carry most.
            for length in 1..=17 {
                for at in 0..length {
                    for around in [" ", "~", "!"] {
                        let text = around.repeat(at) + &c.to_string() + &around.repeat(length - at - 1);
                        assert_eq!(plain(&text), is_plain.then_some((text.clone(), 7)), "{text:?}");
                        let has_gaps = text.contains([' ', '=']);
                        let is_word = is_plain && text.len() <= 8;
                        assert_eq!(word(&text, false), is_word.then_some((text.clone(), 7)), "{text:?}");
                        assert_eq!(word(&text, true), (is_word && !has_gaps).then_some((text.clone(), 7)), "{text:?}");
                    }
                }
            }
        }
        assert_eq!(plain(""), None);
        assert_eq!((word("", false), word("", true)), (None, None));
        for damaged in [&[][..], &[3], &[3, 0, 0, 0, 0, 0, 0, 0], &[9; 8]] {
            assert_eq!(Reader::new(damaged).plain_word(false), None, "{damaged:?}");
        }
        assert_eq!(Reader::new(&[]).plain_text(), None);
        assert_eq!(Reader::new(&[255; 16]).plain_text(), None);
    }
}
