//! Parsers of the three styles of patterns, which make the same list of steps.
//!
//! The languages are those of CPython's `logging` (`style="%"`, `"{"`, `"$"`):
//!
//! ```text
//! percent   = { char | "%%" | "%(" name ")" flags [width] ["." [precision]] conversion }
//! flags     = { "-" | "+" | " " | "0" | "#" }
//! conversion= "s" | "r" | "a" | "d" | "i" | "u" | "f" | "x" | "X" | "o"        (also in upper case)
//!
//! brace     = { char | "{{" | "}}" | "{" name ["!" ("s" | "r" | "a")] [":" spec] "}" }
//! spec      = [[fill] align] [sign] ["#"] ["0"] [width] [grouping] ["." precision] [type]
//!
//! dollar    = { char | "$$" | "$" identifier | "${" name "}" }
//! ```
//!
//! For example, `%(levelname)-8s|` and `{levelname:<8}|` both become the steps
//!
//! ```text
//! Field(Attribute(LevelName), Spec { align: Left, width: 8, … })   Text("|")
//! ```
//!
//! An error has the position of the first character that is wrong, counted in characters from 1, and says what would be
//! accepted. A pattern without any field is an error, as in CPython.

use std::fmt;

use super::spec::{Align, Conversion, FieldSpec, Sign};
use super::{ATTRIBUTES, Attribute, PatternField, PatternStep, ValueType};
use crate::error::{Error, Problem};

/// Attributes of CPython's records that have no counterpart in Rust, and what to use instead.
const UNAVAILABLE: [(&str, &str); 4] = [
    ("exc_info", "errors are values in Rust: log them as a key's value, and use that key or key_values"),
    ("exc_text", "errors are values in Rust: log them as a key's value, and use that key or key_values"),
    ("stack_info", "records carry no stack; log a backtrace as a key's value, and use that key or key_values"),
    ("taskName", "records know their thread, not their task; log the task as a key's value, and use that key"),
];

/// Parses a pattern of the style `%(name)s`.
pub(super) fn percent(pattern: &str) -> Result<Vec<PatternStep>, Error> {
    PatternReader::new(pattern).all(|reader, steps| match reader.take() {
        Some('%') => match reader.peek() {
            Some('%') => reader.literal(steps),
            Some('(') => {
                steps.push(reader.percent_field()?);
                Ok(())
            }
            _ => {
                Err(reader.wrong(1, "a % that begins no field", "write %% for a percent sign, and a field as %(name)s"))
            }
        },
        _ => reader.back_to_literal(steps),
    })
}

/// Parses a pattern of the style `{name}`.
pub(super) fn brace(pattern: &str) -> Result<Vec<PatternStep>, Error> {
    PatternReader::new(pattern).all(|reader, steps| match reader.take() {
        Some(brace @ ('{' | '}')) if reader.peek() == Some(brace) => reader.literal(steps),
        Some('{') => {
            steps.push(reader.brace_field()?);
            Ok(())
        }
        Some('}') => Err(reader.wrong(1, "a } that ends no field", "write }} for a brace")),
        _ => reader.back_to_literal(steps),
    })
}

/// Parses a pattern of the style `$name` and `${name}`.
pub(super) fn dollar(pattern: &str) -> Result<Vec<PatternStep>, Error> {
    PatternReader::new(pattern).all(|reader, steps| match reader.take() {
        Some('$') if reader.peek() == Some('$') => reader.literal(steps),
        Some('$') => {
            steps.push(reader.dollar_field()?);
            Ok(())
        }
        _ => reader.back_to_literal(steps),
    })
}

/// A position in a pattern.
struct PatternReader<'a> {
    pattern: &'a str,
    at: usize,
}

impl<'a> PatternReader<'a> {
    fn new(pattern: &'a str) -> Self {
        Self { pattern, at: 0 }
    }

    /// Calls `one` at each literal character and each field. An empty pattern is CPython's default, the message.
    fn all(
        mut self,
        mut one: impl FnMut(&mut Self, &mut Vec<PatternStep>) -> Result<(), Error>,
    ) -> Result<Vec<PatternStep>, Error> {
        if self.pattern.is_empty() {
            // CPython: a formatter without a pattern writes the message.
            return Ok(vec![PatternStep::Field(PatternField::Attribute(Attribute::Message), FieldSpec::default())]);
        }
        let mut steps = Vec::new();
        while !self.rest().is_empty() {
            one(&mut self, &mut steps)?;
        }
        if !steps.iter().any(|step| matches!(step, PatternStep::Field(..))) {
            self.at = 0;
            return Err(self.wrong(0, "no field in the pattern", "name at least one, such as message"));
        }
        Ok(steps)
    }

    fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += next.map_or(0, char::len_utf8);
        next
    }

    fn take_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        self.peek().filter(|next| wanted(*next)).inspect(|next| self.at += next.len_utf8())
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Takes the next character literally.
    fn literal(&mut self, steps: &mut Vec<PatternStep>) -> Result<(), Error> {
        let start = self.at;
        self.take();
        let text = &self.pattern[start..self.at];
        match steps.last_mut() {
            Some(PatternStep::Literal(literal)) => literal.push_str(text),
            _ => steps.push(PatternStep::Literal(text.to_owned())),
        }
        Ok(())
    }

    /// Adds the character that was just taken as literal text.
    fn back_to_literal(&mut self, steps: &mut Vec<PatternStep>) -> Result<(), Error> {
        // The character may have several bytes.
        self.at -= self.pattern[..self.at].chars().next_back().map_or(0, char::len_utf8);
        self.literal(steps)
    }

    /// Makes an error about the position `back` characters before this one.
    fn wrong(&self, back: usize, what: impl fmt::Display, remedy: impl fmt::Display) -> Error {
        let character = self.pattern[..self.at].chars().count() + 1 - back;
        let remedy = format!("character {character}: {what}; {remedy}");
        Error::config(vec![Problem::new("pattern", format_args!("{:?}", self.pattern), remedy)])
    }

    /// Parses `(name)-8.3s`, after the `%`.
    fn percent_field(&mut self) -> Result<PatternStep, Error> {
        self.take();
        let start = self.at;
        let name = self.take_while(|c| c != ')');
        if self.take().is_none() {
            return Err(self.wrong(0, "the name has no end", "write a field as %(name)s"));
        }
        let mut spec = FieldSpec { align: Some(Align::Right), ..FieldSpec::default() };
        let mut left = false;
        while let Some(flag) = self.take_if(|c| "-+ 0#".contains(c)) {
            match flag {
                '-' => left = true,
                '+' => spec.sign = Sign::Plus,
                ' ' if spec.sign == Sign::None => spec.sign = Sign::Space,
                '0' => spec.zeros = true,
                '#' => spec.alternate = true,
                _ => {}
            }
        }
        if left {
            // In C as well, `-` overrides `0`.
            (spec.align, spec.zeros) = (Some(Align::Left), false);
        }
        self.width_and_precision(&mut spec)?;
        spec.conversion = match self.take() {
            Some('s' | 'S') => Conversion::Text,
            Some('r' | 'R' | 'a' | 'A') => Conversion::Repr,
            Some('d' | 'D' | 'i' | 'I' | 'u' | 'U') => Conversion::Integer,
            Some('f' | 'F') => Conversion::Fixed,
            Some('x') => Conversion::Hex,
            Some('X') => Conversion::UpperHex,
            Some('o' | 'O') => Conversion::Octal,
            Some(other) => return Err(self.wrong(1, format_args!("unknown conversion `{other}`"), CONVERSIONS)),
            None => return Err(self.wrong(0, "no conversion after the name", CONVERSIONS)),
        };
        self.field(name, start, spec)
    }

    /// Parses `name!r:*^8}`, after the `{`.
    fn brace_field(&mut self) -> Result<PatternStep, Error> {
        let start = self.at;
        let name = self.take_while(|c| !"!:}".contains(c));
        let mut spec = FieldSpec::default();
        if !self.rest().contains('}') {
            self.at = self.pattern.len();
            return Err(self.wrong(0, "the field has no end", "write } behind it, and {{ for a brace"));
        }
        // CPython would look up an attribute or an index here: `{x[0]}`.
        if let Some(odd) = name.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.') {
            self.at = start + odd;
            return Err(self.wrong(
                0,
                format_args!("no name of a field: {name:?}"),
                "a name has letters, digits, _ and .",
            ));
        }
        if self.take_if(|c| c == '!').is_some() {
            match self.take() {
                Some('s') => spec.conversion = Conversion::Text,
                Some('r' | 'a') => spec.conversion = Conversion::Repr,
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(self.wrong(1, format_args!("unknown conversion `{other}`"), "use !s or !r"));
                }
            }
        }
        if self.take_if(|c| c == ':').is_some() {
            self.brace_spec(&mut spec)?;
        }
        match self.take() {
            Some('}') => self.field(name, start, spec),
            _ => Err(self.wrong(1, "no end of the field", FIELD)),
        }
    }

    /// Parses `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
    fn brace_spec(&mut self, spec: &mut FieldSpec) -> Result<(), Error> {
        let align = |c: char| match c {
            '<' => Some(Align::Left),
            '>' => Some(Align::Right),
            '^' => Some(Align::Center),
            '=' => Some(Align::AfterSign),
            _ => None,
        };
        // A fill character is any character, also `<`, if an alignment follows it: `{:<<8}`.
        let mut ahead = self.rest().chars();
        match (ahead.next(), ahead.next().and_then(align)) {
            (Some(fill), Some(found)) if fill != '}' => {
                (spec.fill, spec.align) = (fill, Some(found));
                self.take();
                self.take();
            }
            (Some(first), _) if align(first).is_some() => {
                spec.align = align(first);
                self.take();
            }
            _ => {}
        }
        match self.take_if(|c| "+- ".contains(c)) {
            Some('+') => spec.sign = Sign::Plus,
            Some(' ') => spec.sign = Sign::Space,
            _ => {}
        }
        spec.alternate = self.take_if(|c| c == '#').is_some();
        spec.zeros = self.take_if(|c| c == '0').is_some();
        if spec.zeros && spec.align.is_some() {
            // With an alignment, zeros are just the fill character.
            spec.zeros = false;
            spec.fill = if spec.fill == ' ' { '0' } else { spec.fill };
        }
        let grouped = |reader: &mut Self, spec: &mut FieldSpec| {
            spec.grouping = spec.grouping.or(reader.take_if(|c| c == ',' || c == '_').map(|c| c as u8));
        };
        spec.width = self.number()?.unwrap_or(0);
        grouped(self, spec);
        self.precision(spec)?;
        // `!r` makes a text, which no number's type can format.
        let converted = spec.conversion != Conversion::Natural;
        let conversion = match self.take_if(|c| c.is_alphabetic() || c == '%' || c == '#') {
            None => return Ok(()),
            Some('s') => Conversion::Text,
            Some('d' | 'n') => Conversion::Integer,
            Some('f' | 'F') => Conversion::Fixed,
            Some('x') => Conversion::Hex,
            Some('X') => Conversion::UpperHex,
            Some('o') => Conversion::Octal,
            Some(other) => {
                return Err(self.wrong(1, format_args!("unknown type `{other}`"), "use s, d, f, x, X, o or none"));
            }
        };
        if converted && conversion != Conversion::Text {
            return Err(self.wrong(1, "a number's type for what !s or !r made text of", "leave one of them out"));
        }
        if !converted {
            spec.conversion = conversion;
        }
        Ok(())
    }

    /// Parses `name` or `{name}`, after the `$`.
    fn dollar_field(&mut self) -> Result<PatternStep, Error> {
        let bare = |reader: &Self, back| reader.wrong(back, "a $ that begins no field", "write $$ for a dollar sign");
        let start = self.at;
        let braced = self.take_if(|c| c == '{').is_some();
        let name_start = self.at;
        let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !self.peek().is_some_and(begins) {
            self.at = start;
            return Err(bare(self, 1));
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || (braced && (c == '.' || c == '-')));
        if braced && self.take_if(|c| c == '}').is_none() {
            self.at = start;
            return Err(self.wrong(1, "the field has no end", "write } behind its name"));
        }
        self.field(name, name_start, FieldSpec::default())
    }

    fn width_and_precision(&mut self, spec: &mut FieldSpec) -> Result<(), Error> {
        spec.width = self.number()?.unwrap_or(0);
        self.precision(spec)
    }

    fn precision(&mut self, spec: &mut FieldSpec) -> Result<(), Error> {
        if self.take_if(|c| c == '.').is_some() {
            // A point without digits means `.0`, as in C.
            spec.precision = Some(self.number()?.unwrap_or(0));
        }
        Ok(())
    }

    /// Parses a width or a precision.
    fn number(&mut self) -> Result<Option<u16>, Error> {
        if self.peek() == Some('*') || self.peek() == Some('{') {
            return Err(self.wrong(0, "a width that is not in the pattern", "write it as a number"));
        }
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return Ok(None);
        }
        match digits.parse() {
            Ok(number) if number <= WIDEST => Ok(Some(number)),
            _ => Err(self.wrong(
                digits.len(),
                "a width or precision that is too large",
                format_args!("use {WIDEST} or less"),
            )),
        }
    }

    /// Makes the step for a field whose name begins at `start`.
    fn field(&mut self, name: &str, start: usize, spec: FieldSpec) -> Result<PatternStep, Error> {
        let end = std::mem::replace(&mut self.at, start);
        if name.is_empty() {
            return Err(self.wrong(0, "no name of a field", "name one, such as message"));
        }
        if let Some((_, remedy)) = UNAVAILABLE.iter().find(|(known, _)| *known == name) {
            return Err(self.wrong(0, format_args!("{name} does not exist here"), remedy));
        }
        let shape = match ATTRIBUTES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)) {
            Some((known, attribute, shape)) if *known == name => {
                let found = (PatternField::Attribute(*attribute), *shape);
                Some(found)
            }
            Some((known, ..)) => {
                return Err(self.wrong(0, format_args!("no attribute is spelt {name}"), format_args!("write {known}")));
            }
            None => None,
        };
        let (field, shape) =
            shape.unwrap_or((PatternField::Key { name: name.to_owned(), default: None }, ValueType::Any));
        if spec.conversion.is_numeric() && shape == ValueType::Text {
            return Err(self.wrong(0, format_args!("{name} is text and no number"), "use s or r"));
        }
        if spec.precision.is_some() && spec.conversion == Conversion::Integer {
            return Err(self.wrong(0, "a precision for a whole number", "use a width with zeros, such as 06d"));
        }
        if spec.precision.is_some()
            && spec.conversion == Conversion::Natural
            && matches!(shape, ValueType::Integer | ValueType::Float)
        {
            return Err(self.wrong(0, "a precision for a number without a type", "write f behind it"));
        }
        if spec.align == Some(Align::AfterSign) && shape == ValueType::Text {
            return Err(self.wrong(0, format_args!("{name} is text and has no sign"), "align it with <, > or ^"));
        }
        self.at = end;
        Ok(PatternStep::Field(field, spec))
    }
}

/// The maximum width. A wider column is a mistake.
const WIDEST: u16 = 1000;

const CONVERSIONS: &str = "use s, r, d, f, x, X or o";
const FIELD: &str =
    "end it with }, and write at most `[[fill]align][sign][#][0][width][,][.precision][type]` behind its colon";
