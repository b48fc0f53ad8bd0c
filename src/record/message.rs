//! Messages: rendering the template with the arguments in the payload.
//!
//! | [`Template`] | how the message is rendered |
//! |---|---|
//! | `Text` | the caller has formatted it: the payload starts with its text |
//! | `Bare` | the template has nothing but `{}`: its literal parts and the arguments, in turn |
//! | `Closure` | the call site's own closure formats the decoded arguments |

use std::fmt;

use super::Changes;
use super::site::Site;
use crate::template::Template;
use crate::text::{Output, Raw};
use crate::value::{Reader, Value, write_value};

/// The message of a record. Its [`Display`](fmt::Display) text is what `format!` gives for the call.
///
/// It is rendered each time it is displayed. [`as_str`](Self::as_str) returns text that exists already.
///
/// # Examples
///
/// ```
/// use femtologging::{FemtoLogRecord, FemtoStreamHandler};
///
/// let handler = FemtoStreamHandler::stderr()
///     .formatter(|record: &FemtoLogRecord<'_>, out: &mut Vec<u8>| {
///         // In a column of 40 characters.
///         out.extend_from_slice(format!("{:40} {}", record.message(), record.logger()).as_bytes());
///     })
///     .build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub(super) site: &'a Site,
    /// The arguments or the text, then the values of the keys.
    pub(super) payload: &'a [u8],
    /// What filters have changed about the record.
    pub(super) changes: Option<&'a Changes>,
}

impl<'a> Message<'a> {
    /// Returns the message without rendering it, if it is text already: if the caller formatted it or a filter replaced
    /// it.
    pub fn as_str(&self) -> Option<&'a str> {
        self.replaced().or_else(|| match self.site.template() {
            Template::Text => Some(Reader::new(self.payload).text()),
            Template::Bare | Template::Closure(_) => None,
        })
    }

    /// Returns the text by which a filter has replaced the message.
    #[inline]
    pub(super) fn replaced(&self) -> Option<&'a str> {
        self.changes?.message.as_deref()
    }

    /// Writes the message. Returns a reader at the values of the call's keys.
    #[inline]
    pub(crate) fn render(&self, out: &mut impl Output) -> Reader<'a> {
        self.render_values(out, |out, _, value| write_value(out, value))
    }

    /// Returns whether the message is literal text and values: what [`render_values`](Self::render_values) can take
    /// apart.
    pub(crate) fn is_of_values(&self) -> bool {
        self.replaced().is_none() && !matches!(self.site.template(), Template::Closure(_))
    }

    /// Writes the message, its values by `write`, which also gets their places among those of the payload.
    ///
    /// A message that the caller formatted is one value. One that only the call's own `format_args!` can write is
    /// written without `write`, and so is one that a filter has replaced.
    #[inline]
    pub(crate) fn render_values<O: Output>(
        &self,
        out: &mut O,
        mut write: impl FnMut(&mut O, usize, Value<'a>),
    ) -> Reader<'a> {
        if let Some(text) = self.replaced() {
            let _ = out.write_str(text);
            return self.site.skip_message(self.payload);
        }
        let mut reader = Reader::new(self.payload);
        match self.site.template() {
            Template::Bare => {
                // A template with n arguments has n + 1 literal parts, some of which may be empty.
                let mut parts = self.site.parts.iter();
                if let Some(part) = parts.next() {
                    out.prepared(part);
                }
                for (at, (part, tag)) in parts.zip(self.site.argument_tags()).enumerate() {
                    write(out, at, reader.value(*tag));
                    out.prepared(part);
                }
            }
            Template::Text => write(out, 0, Value::Str(reader.text())),
            Template::Closure(render) => {
                let _ = render(&mut reader, out);
            }
        }
        reader
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => f.pad(text),
            None if f.width().is_none() && f.precision().is_none() => {
                let _ = self.render(f);
                Ok(())
            }
            None => {
                let mut text = Vec::new();
                let _ = self.render(&mut Raw(&mut text));
                f.pad(&String::from_utf8_lossy(&text))
            }
        }
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}
