//! Syslog messages: RFC 5424, RFC 3164, and CPython's format.

mod facility;
#[cfg(test)]
mod tests;

pub use facility::SyslogFacility;

use std::fmt;

use super::FemtoFormatter;
use super::origin::{host, program};
use super::pairs::{Pairs, pairs, write_pair};
use super::stamp::{Stamp, TimeText, zone_settings};
use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::text::{Escaped, Output, Raw, is_harmful, push_escaped};
use crate::value::{Value, write_value};
#[cfg(feature = "local-time")]
use crate::zone::Zone;

/// Writes records as syslog messages, without the framing that separates them on a stream.
///
/// ```text
/// <12>1 2026-03-12T08:30:00.123456Z web1 shop 4711 app::db [fields@32473 port="8080"] ready      rfc5424()
/// <12>Mar 12 08:30:00 web1 shop[4711]: ready port=8080                                            rfc3164()
/// <12>ready port=8080␀                                                                            python()
/// ```
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`facility`](Self::facility) | `User` | the kind of the program |
/// | [`severity`](Self::severity) | 4, 7, 6, 4, 3, 2, from `Trace` to `Critical` | the severity of a level, 0 to 7 |
/// | [`ident`](Self::ident) | the program's file name; empty in CPython's format | APP-NAME; TAG; prefix |
/// | [`hostname`](Self::hostname) | the machine's name | HOSTNAME; empty: `-` in RFC 5424, left out in RFC 3164 |
/// | [`procid`](Self::procid) | the process's id | PROCID |
/// | [`msgid`](Self::msgid) | the logger's name | MSGID |
/// | [`sd_id`](Self::sd_id) | `fields@32473` | the SD-ID of the element with the keys and values |
/// | [`bom`](Self::bom) | `true` | writes a byte order mark before messages that are not ASCII |
/// | [`append_nul`](Self::append_nul) | `true` | CPython's messages end in a zero byte |
/// | [`message`](Self::message) | the record's message | another formatter for the message |
/// | [`escape`](Self::escape) | `true` | control characters of records are written as `\n`, `\u{1b}` … |
/// | [`digits`](Self::digits) | 6 | fractional digits of RFC 5424's times, at most 6 |
///
/// # RFC 5424
///
/// Keys and values are structured data (section 6.3), the parameters of one element. In their names, characters that
/// are not allowed (section 6.3.3: all but printable ASCII, and `=`, `"`, `]`, space) become `_`, and names are cut at
/// 32 characters. In values, `"`, `\` and `]` are escaped. The number after the `@` of the SD-ID is an enterprise
/// number that IANA has registered; 32473 is reserved for examples (RFC 5612). In header fields, characters other than
/// printable ASCII become `_`; APP-NAME is cut at 48 characters, PROCID at 128, MSGID at 32 and HOSTNAME at 255, and an
/// empty field is `-`. A message that is not ASCII begins with a byte order mark, as section 6.4 requires.
///
/// # RFC 3164
///
/// The traditional format ("BSD syslog"), which `syslog(3)` still writes to local sockets, without the host name. It
/// has no fields for keys and values, so they follow the message, as `key=value`. Its time has neither a year nor a
/// time zone, and receivers assume local time. That requires the feature `local-time` and `.local_time()`; otherwise
/// times are in UTC. In TAG, characters other than letters, digits, `-`, `_`, `.` and `/` become `_`, and it is cut at
/// 32 characters.
///
/// # CPython's format
///
/// The format of CPython's `SysLogHandler`: the priority, `ident`, the message and a zero byte. Keys and values follow
/// the message.
///
/// # Examples
///
/// ```
/// use femtologging::formatter::{FemtoSyslogFormatter, SyslogFacility};
/// use femtologging::Level;
///
/// let formatter = FemtoSyslogFormatter::rfc5424()
///     .facility(SyslogFacility::Local0)
///     .ident("shop")
///     .sd_id("shop@32473")
///     .severity(Level::Trace, 7);
/// # drop(formatter);
/// ```
pub struct FemtoSyslogFormatter {
    format: SyslogLayout,
    facility: SyslogFacility,
    /// By the level's index.
    severities: [u8; 6],
    ident: Option<String>,
    hostname: Option<String>,
    procid: Option<String>,
    msgid: Option<String>,
    sd_id: String,
    bom: bool,
    append_nul: bool,
    message: Option<Box<dyn FemtoFormatter>>,
    escape: bool,
    stamp: Times,
    /// The text between the time and the process's id, computed from the settings.
    names: String,
    /// The buffer for the message's formatter.
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SyslogLayout {
    Rfc5424,
    Rfc3164,
    Python,
}

/// The time in both forms.
struct Times {
    rfc5424: Stamp,
    rfc3164: TimeText,
}

impl Times {
    #[cfg(feature = "local-time")]
    fn set_zone(&mut self, zone: Zone) {
        self.rfc5424.set_zone(zone.clone());
        self.rfc3164.set_zone(zone);
    }
}

impl fmt::Debug for FemtoSyslogFormatter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FemtoSyslogFormatter")
            .field("format", &self.format)
            .field("facility", &self.facility)
            .finish_non_exhaustive()
    }
}

impl FemtoSyslogFormatter {
    /// Makes a formatter for RFC 5424.
    pub fn rfc5424() -> Self {
        Self::new(SyslogLayout::Rfc5424)
    }

    /// Makes a formatter for RFC 3164.
    pub fn rfc3164() -> Self {
        Self::new(SyslogLayout::Rfc3164)
    }

    /// Makes a formatter for the format of CPython's `SysLogHandler`.
    pub fn python() -> Self {
        Self::new(SyslogLayout::Python)
    }

    fn new(format: SyslogLayout) -> Self {
        let formatter = Self {
            format,
            facility: SyslogFacility::default(),
            severities: [4, 7, 6, 4, 3, 2],
            ident: None,
            hostname: None,
            procid: None,
            msgid: None,
            sd_id: String::new(),
            bom: true,
            append_nul: true,
            message: None,
            escape: true,
            stamp: Times { rfc5424: Stamp::new(6), rfc3164: TimeText::syslog() },
            names: String::new(),
            scratch: Vec::new(),
        };
        formatter.sd_id("fields@32473").lay_out()
    }

    /// Sets the facility, the kind of the program; [`SyslogFacility::User`] by default.
    pub fn facility(mut self, facility: SyslogFacility) -> Self {
        self.facility = facility;
        self
    }

    /// Sets the severity of a level, from 0 (emergency) to 7 (debug); greater numbers count as 7.
    ///
    /// `Trace` is 4 (warning) by default: CPython uses this severity for levels that it does not know.
    pub fn severity(mut self, level: Level, severity: u8) -> Self {
        if let Some(place) = self.severities.get_mut(level.index()) {
            *place = severity.min(7);
        }
        self
    }

    /// Sets the name of the program: APP-NAME or TAG; in CPython's format, the prefix of messages, with its separator.
    /// By default, the program's file name, and no prefix in CPython's format.
    pub fn ident(mut self, ident: impl Into<String>) -> Self {
        self.ident = Some(ident.into());
        self.lay_out()
    }

    /// Sets the name of the machine, HOSTNAME; by default that of this machine.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self.lay_out()
    }

    /// Sets PROCID; the process's id by default.
    pub fn procid(mut self, procid: impl AsRef<str>) -> Self {
        self.procid = Some(field(procid.as_ref(), 128));
        self
    }

    /// Sets MSGID, the type of the messages; the logger's name by default.
    pub fn msgid(mut self, msgid: impl AsRef<str>) -> Self {
        self.msgid = Some(field(msgid.as_ref(), 32));
        self
    }

    /// Sets the SD-ID, the name of the structured data: `name@number`, with your own enterprise number; `fields@32473`
    /// by default. Characters that are not allowed become `_`, and it is cut at 32 characters.
    pub fn sd_id(mut self, id: impl AsRef<str>) -> Self {
        let mut text = Vec::new();
        push_sd_name(id.as_ref(), &mut text);
        self.sd_id = String::from_utf8(text).unwrap_or_default();
        self
    }

    /// Sets whether messages of RFC 5424 that are not ASCII begin with a byte order mark; `true` by default.
    pub fn bom(mut self, bom: bool) -> Self {
        self.bom = bom;
        self
    }

    /// Sets whether messages of CPython's format end in a zero byte; `true` by default.
    pub fn append_nul(mut self, append: bool) -> Self {
        self.append_nul = append;
        self
    }

    /// Sets a formatter for the message. It replaces the record's message and, in formats without structured data, its
    /// keys and values.
    pub fn message(mut self, formatter: impl FemtoFormatter + 'static) -> Self {
        self.message = Some(Box::new(formatter));
        self
    }

    /// Sets whether control characters in messages, keys and values are escaped; `true` by default. For receivers, a
    /// line feed ends a message, except with octet counting and in datagrams.
    pub fn escape(mut self, escape: bool) -> Self {
        self.escape = escape;
        self
    }

    /// Sets the number of fractional digits of RFC 5424's times, 0 to 6; 6 by default.
    pub fn digits(mut self, digits: u8) -> Self {
        self.stamp.rfc5424.set_digits(digits.min(6));
        self
    }

    zone_settings!();

    /// Leaves the machine's name out, unless it was set: the reader of a local socket knows it.
    pub(crate) fn for_local_socket(mut self) -> Self {
        if self.format == SyslogLayout::Rfc3164 {
            self.hostname.get_or_insert_default();
        }
        self.lay_out()
    }

    /// Returns whether messages end in a zero byte, so that they need no framing.
    pub(crate) fn ends_in_nul(&self) -> bool {
        self.format == SyslogLayout::Python && self.append_nul
    }

    /// Computes the texts that are the same in every message.
    fn lay_out(mut self) -> Self {
        let ident = || self.ident.clone().unwrap_or_else(program);
        let hostname = self.hostname.clone().unwrap_or_else(host);
        self.names = match self.format {
            SyslogLayout::Rfc5424 => {
                format!(" {} {} ", field(&hostname, 255), field(&ident(), 48))
            }
            SyslogLayout::Rfc3164 => {
                let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
                let tag: String = ident().chars().take(32).map(|c| if keep(c) { c } else { '_' }).collect();
                match hostname.as_str() {
                    "" => format!(" {tag}["),
                    host => format!(" {} {tag}[", field(host, 255)),
                }
            }
            SyslogLayout::Python => self.ident.clone().unwrap_or_default(),
        };
        self
    }
}

/// Returns a header field of RFC 5424: printable ASCII, cut at a maximum length; `-` if it is empty.
fn field(text: &str, most: usize) -> String {
    let mut out = Vec::new();
    push_field(text, most, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn push_field(text: &str, most: usize, out: &mut Vec<u8>) {
    if text.is_empty() {
        out.push(b'-');
    }
    out.extend(text.chars().take(most).map(|c| if c.is_ascii_graphic() { c as u8 } else { b'_' }));
}

/// Returns a name in structured data (RFC 5424, SD-NAME): at most 32 characters of printable ASCII, except for four.
fn push_sd_name(name: &str, out: &mut Vec<u8>) {
    if name.is_empty() {
        out.push(b'_');
    }
    let keep = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    out.extend(name.chars().take(32).map(|c| if keep(c) { c as u8 } else { b'_' }));
}

impl FemtoFormatter for FemtoSyslogFormatter {
    fn format(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let severity = self.severities.get(record.level().index()).copied().unwrap_or_default();
        out.push(b'<');
        Raw(out).number(u64::from(self.facility.number()) * 8 + u64::from(severity));
        out.push(b'>');
        match self.format {
            SyslogLayout::Rfc5424 => self.write_rfc5424(record, out),
            SyslogLayout::Rfc3164 => {
                self.stamp.rfc3164.write(record.timestamp(), out);
                out.extend_from_slice(self.names.as_bytes());
                self.write_procid(record, out);
                out.extend_from_slice(b"]: ");
                self.write_message(record, out, true);
            }
            SyslogLayout::Python => {
                out.extend_from_slice(self.names.as_bytes());
                self.write_message(record, out, true);
                if self.append_nul {
                    out.push(0);
                }
            }
        }
    }
}

impl FemtoSyslogFormatter {
    fn write_rfc5424(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"1 ");
        self.stamp.rfc5424.write(record.timestamp(), out);
        out.extend_from_slice(self.names.as_bytes());
        self.write_procid(record, out);
        out.push(b' ');
        match &self.msgid {
            Some(msgid) => out.extend_from_slice(msgid.as_bytes()),
            None => push_field(record.logger(), 32, out),
        }
        out.push(b' ');
        self.write_structured_data(record, out);
        out.push(b' ');
        let start = out.len();
        self.write_message(record, out, false);
        if self.bom
            && let Some(message) = out.get(start..)
            && !message.is_ascii()
        {
            const BOM: &[u8] = "\u{feff}".as_bytes();
            out.extend_from_slice(BOM);
            if let Some(message) = out.get_mut(start..) {
                message.rotate_right(BOM.len());
            }
        }
    }

    fn write_procid(&self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        match &self.procid {
            Some(procid) => out.extend_from_slice(procid.as_bytes()),
            None => Raw(out).number(record.process_id().into()),
        }
    }

    fn write_structured_data(&self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>) {
        let pairs = pairs(record);
        if pairs.is_empty() {
            out.push(b'-');
            return;
        }
        out.push(b'[');
        out.extend_from_slice(self.sd_id.as_bytes());
        pairs.each(PartialEq::eq, |key, value| {
            out.push(b' ');
            push_sd_name(key, out);
            out.extend_from_slice(b"=\"");
            write_value(&mut ParamValue { out, escape: self.escape }, *value);
            out.push(b'"');
        });
        out.push(b']');
    }

    fn write_message(&mut self, record: &FemtoLogRecord<'_>, out: &mut Vec<u8>, with_pairs: bool) {
        match &mut self.message {
            Some(formatter) => {
                // It gets a buffer of its own, so that it cannot change the header.
                self.scratch.clear();
                formatter.format(record, &mut self.scratch);
                out.extend_from_slice(&self.scratch);
            }
            None if self.escape => write_text(record, &mut Escaped(out), with_pairs),
            None => write_text(record, &mut Raw(out), with_pairs),
        }
    }
}

/// Writes the message and, in formats without structured data, the keys and values after it.
fn write_text<O: Output>(record: &FemtoLogRecord<'_>, out: &mut O, with_pairs: bool) {
    let mut pairs: Pairs<_, Value<'_>> = Pairs::new();
    record.render(out, |_, key, value| pairs.push(key, value));
    if with_pairs {
        pairs.each(
            |key, later| key.as_str() == later.as_str(),
            |key, value| {
                out.plain(" ");
                write_pair(out, |out| key.write(out), *value);
            },
        );
    }
}

/// The inside of a PARAM-VALUE (RFC 5424, section 6.3.3).
struct ParamValue<'a> {
    out: &'a mut Vec<u8>,
    escape: bool,
}

impl fmt::Write for ParamValue<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Most text needs nothing.
        let plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b']');
        if text.bytes().all(plain) {
            self.plain(text);
            return Ok(());
        }
        for c in text.chars() {
            match c {
                '"' | '\\' | ']' => self.out.extend_from_slice(&[b'\\', c as u8]),
                // The backslash of an escape is escaped itself.
                c if self.escape && is_harmful(c) => {
                    self.out.push(b'\\');
                    push_escaped(self.out, c.encode_utf8(&mut [0; 4]));
                }
                c => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Ok(())
    }
}

impl Output for ParamValue<'_> {
    fn plain(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}
