//! Formatting plans: the text of a call site's records as constant bytes and variable pieces, computed once per site.
//!
//! A formatter has one function that writes any record; its output is the specification. When it writes the second
//! record of a call site, it also notes in [`Marks`] which bytes are not the same for all records of the site, and a
//! [`Plan`] is made of that:
//!
//! ```text
//! {"level":"INFO","message":"took 17 ms","fields":{"id":4}}
//!                                 ^^                    ^   marked as the values 0 and 1 of the payload
//!
//! {"level":"INFO","message":"took   then value 0
//!  ms","fields":{"id":              then value 1
//! }}                                end
//! ```
//!
//! Later records of the site are written from the plan: level, names, file, line, keys and their order, escapes and
//! everything between them is copied.
//!
//! # Invariants
//!
//! * A plan writes exactly what the formatter would write without it. A property test compares the two for all
//!   formatters, with arbitrary keys and values.
//! * So whatever is not marked must be the same for every record that the plan is used for. Those are the records that
//!   [`Plans::find`] accepts: of the same call site, level, logger and target, without context, spans and changes by
//!   filters. A record that fails one of these conditions is written without a plan.
//! * A formatter that writes something else because of a value (leaves a key out if it is null, for example) says so by
//!   [`Marks::depends_on_presence`], and the site gets no plan if the value can be null.
//! * A setter of a formatter clears its plans: what they copied was written with the old settings.
//!
//! # A site's life in the table
//!
//! | record of the site | slot before | what happens | slot after |
//! |---|---|---|---|
//! | first | `Empty` | written without a plan, and without marks | `Seen` |
//! | second | `Seen` | written with marks, of which a plan is made | `Known` |
//! | third and later | `Known` | written from the plan | `Known` |
//!
//! Plans are made of the second record and not of the first, because most call sites of most programs log once or
//! never. A site that wants the place of a `Seen` one takes it; one that wants the place of a `Known` one makes the
//! table grow, up to [`MOST`].

use std::fmt;
use std::ops::Range;

use crate::level::Level;
use crate::record::FemtoLogRecord;
use crate::text::{Appends, Block, Output, Raw};
use crate::value::{Kind, Reader, Tag, write_integer, write_value};

/// The maximum number of plans of a formatter. Records of further call sites are written without a plan.
const MOST: usize = 1024;

/// The maximum length of the text of which a plan is made, in bytes. A site whose second record is longer has no plan.
const LONGEST: usize = 8 * 1024;

/// The plan for the records of one call site. `P` is the formatter's own description of a piece.
struct Plan<P> {
    level: Level,
    /// The names of the logger and the target, if the record has others than its call site.
    names: Option<Box<Names>>,
    steps: Vec<PlanStep<P>>,
}

type Names = [Option<Box<str>>; 2];

/// A step of a plan: constant text, and what follows it. The steps share one reader of the payload, which moves forward
/// over the values.
struct PlanStep<P> {
    text: Block,
    then: Then<P>,
}

/// What follows a step's text.
///
/// A formatter that writes the values in another order than the payload has them needs `Skip` and `Rewind`. With the
/// payload `a b` and the text `b=2 a=1`:
///
/// ```text
/// ""     Skip(a)
/// "b="   Piece(b)
/// " a="  Rewind
/// ""     Piece(a)
/// ""     End
/// ```
enum Then<P> {
    /// The value at the reader, of the types that all formatters write alike.
    Unsigned,
    Signed,
    Bool,
    /// What the formatter writes. If the piece is a value, the reader is at that value, and the formatter moves it to
    /// the next one.
    Piece(P),
    /// Moves the reader over a value of this type.
    Skip(Tag),
    /// Moves the reader back to the first value.
    Rewind,
    End,
}

/// How a value is written that differs from record to record.
pub(super) enum ValuePiece<P> {
    /// As a number in decimal digits.
    Unsigned,
    Signed,
    /// As `true` or `false`.
    Bool,
    /// By the formatter.
    Own(P),
    /// By the formatter, between two quotes, which it has written and which its piece does not write.
    Quoted(P),
}

impl<P> ValuePiece<P> {
    /// Returns the piece for a value of this type where integers and booleans are written bare. `own` makes those of
    /// other types, of optional ones as well.
    #[inline]
    pub(super) fn bare(tag: Tag, own: impl FnOnce(Tag) -> Self) -> Self {
        match tag.kind {
            _ if tag.optional => own(tag),
            Kind::U64 => Self::Unsigned,
            Kind::I64 => Self::Signed,
            Kind::Bool => Self::Bool,
            _ => own(tag),
        }
    }
}

/// The plans of a formatter, by call site.
///
/// A table whose length is a power of two, and in which each call site has one place. When two want the same place, the
/// table grows.
pub(super) struct Plans<P> {
    slots: Vec<Slot<P>>,
}

/// A place of the table.
#[derive(Default)]
enum Slot<P> {
    #[default]
    Empty,
    /// One record of this site was written.
    Seen(u64),
    /// A plan, or `None` for a site that cannot have one.
    Known(u64, Option<Box<Plan<P>>>),
}

impl<P> Slot<P> {
    fn site(&self) -> Option<u64> {
        match self {
            Slot::Empty => None,
            Slot::Seen(site) | Slot::Known(site, _) => Some(*site),
        }
    }
}

impl<P: Copy> Plans<P> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    /// Returns the plan for a record, or the marks to write it with, which [`learn`](Self::learn) gets afterwards.
    #[inline]
    pub(super) fn find(&self, record: &FemtoLogRecord<'_>, out: &[u8]) -> Result<Steps<'_, P>, Marks<P>> {
        let Some(site) = record.bare_site() else { return Err(Marks::none()) };
        match self.slots.get(self.place(site)) {
            Some(Slot::Known(known, Some(plan))) if *known == site && plan.is_for(record) => Ok(Steps(&plan.steps)),
            Some(Slot::Seen(seen)) if *seen == site => Err(Marks::new(record, out)),
            _ => Err(Marks::none()),
        }
    }

    /// Updates the table after a record was written without a plan. `out` ends in the record's text. Makes a plan if
    /// this is the second record of its site.
    #[inline]
    pub(super) fn learn(&mut self, record: &FemtoLogRecord<'_>, marks: Marks<P>, out: &[u8]) {
        let Some(site) = record.bare_site() else { return };
        match self.slots.get(self.place(site)) {
            Some(Slot::Known(known, _)) if *known == site => {}
            Some(Slot::Seen(seen)) if *seen == site => {
                let (place, plan) = (self.place(site), marks.plan(record, out).map(Box::new));
                self.slots[place] = Slot::Known(site, plan);
            }
            _ => self.note(site),
        }
    }

    #[inline]
    fn place(&self, site: u64) -> usize {
        site as usize & self.slots.len().wrapping_sub(1)
    }

    /// Notes the first record of a site, unless the table is full.
    ///
    /// While the site's place has another site's plan, the table is doubled, up to [`MOST`]. Doubling never brings two
    /// sites together that were apart.
    #[cold]
    fn note(&mut self, site: u64) {
        while let Some(Slot::Known(..)) | None = self.slots.get(self.place(site)) {
            if self.slots.len() == MOST {
                return;
            }
            let length = (2 * self.slots.len()).max(16);
            let slots = std::mem::take(&mut self.slots);
            self.slots.resize_with(length, Slot::default);
            for slot in slots {
                // No two of them meet: their places differed already.
                if let Some(site) = slot.site() {
                    let place = self.place(site);
                    self.slots[place] = slot;
                }
            }
        }
        let place = self.place(site);
        self.slots[place] = Slot::Seen(site);
    }

    /// Returns the number of call sites with a plan.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot, Slot::Known(_, Some(_)))).count()
    }
}

impl<P> Default for Plans<P> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

/// A clone starts without plans.
impl<P: Copy> Clone for Plans<P> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<P> fmt::Debug for Plans<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans").finish_non_exhaustive()
    }
}

impl<P> Plan<P> {
    #[inline]
    fn is_for(&self, record: &FemtoLogRecord<'_>) -> bool {
        let has_names = match (&self.names, record.names()) {
            (None, [None, None]) => true,
            (None, _) => false,
            (Some(names), others) => names.each_ref().map(|name| name.as_deref()) == others,
        };
        has_names && self.level == record.level()
    }
}

/// The steps of a plan.
pub(super) struct Steps<'p, P>(&'p [PlanStep<P>]);

impl<P: Copy> Steps<'_, P> {
    /// Writes a record, its pieces by `write`. A piece that reads values leaves the reader after them.
    #[inline]
    pub(super) fn run<'a>(
        self,
        record: &FemtoLogRecord<'a>,
        out: &mut Vec<u8>,
        mut write: impl FnMut(P, &mut Reader<'a>, &mut Vec<u8>),
    ) {
        let mut reader = record.payload();
        for step in self.0 {
            step.text.append_to(out);
            match step.then {
                Then::Unsigned => Raw(out).number(reader.word()),
                Then::Signed => write_integer(&mut Raw(out), reader.word() as i64),
                // Two constants are copied faster than one text of either length.
                Then::Bool => match reader.word() {
                    0 => Raw(out).plain("false"),
                    _ => Raw(out).plain("true"),
                },
                Then::Piece(piece) => write(piece, &mut reader, out),
                Then::Skip(tag) => drop(reader.value(tag)),
                Then::Rewind => reader = record.payload(),
                Then::End => {}
            }
        }
    }
}

/// Notes which parts of a record's text differ from record to record. Empty, and free, unless a plan is to be made.
pub(super) struct Marks<P>(Option<Notes<P>>);

/// The notes about one record.
struct Notes<P> {
    /// The types of the payload's values.
    tags: Vec<Tag>,
    /// The number of those that are the message's. The rest are of the call's keys.
    of_message: usize,
    /// The position in the buffer at which the record's text begins.
    start: usize,
    /// In the order of the text.
    marks: Vec<Mark<P>>,
    /// Whether this site can have no plan.
    refused: bool,
}

/// A part of the text that differs from record to record.
struct Mark<P> {
    range: Range<usize>,
    then: Then<P>,
    values: Values,
}

/// What a piece reads from the payload.
enum Values {
    None,
    /// The value at a place.
    One(usize),
    /// The message, from the first value on, wherever the reader is.
    Message,
}

impl<P: Copy> Marks<P> {
    /// Makes marks that note nothing.
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Starts with a record whose text will be appended to `out`.
    #[cold]
    fn new(record: &FemtoLogRecord<'_>, out: &[u8]) -> Self {
        let (tags, of_message) = (record.payload_tags().collect(), record.message_values());
        Self(Some(Notes { tags, of_message, start: out.len(), marks: Vec::new(), refused: false }))
    }

    /// Writes a piece that is not a value of the payload, such as the timestamp or the thread's name.
    #[inline]
    pub(super) fn piece<O: Appends>(&mut self, piece: P, out: &mut O, write: impl FnOnce(&mut O)) {
        self.mark(piece, Values::None, out, write);
    }

    /// Writes the whole message as one piece, which reads from the first value on, wherever the reader is.
    #[inline]
    pub(super) fn whole_message<O: Appends>(&mut self, piece: P, out: &mut O, write: impl FnOnce(&mut O)) {
        self.mark(piece, Values::Message, out, write);
    }

    #[inline]
    fn mark<O: Appends>(&mut self, piece: P, values: Values, out: &mut O, write: impl FnOnce(&mut O)) {
        let start = out.buffer().len();
        write(out);
        if let Some(notes) = &mut self.0 {
            notes.marks.push(Mark { range: start..out.buffer().len(), then: Then::Piece(piece), values });
        }
    }

    /// Writes the value of a key, which is the call's key at `place` if there is one. `piece` makes a piece of its
    /// type.
    #[inline]
    pub(super) fn key_value<O: Appends>(
        &mut self,
        place: usize,
        piece: impl FnOnce(Tag) -> ValuePiece<P>,
        out: &mut O,
        write: impl FnOnce(&mut O),
    ) {
        let start = out.buffer().len();
        write(out);
        if let Some(notes) = &mut self.0 {
            notes.mark_value(notes.of_message + place, piece, start..out.buffer().len());
        }
    }

    /// Writes the message: piece by piece where it consists of values, as one piece otherwise. Returns the reader,
    /// which has come to the values of the keys.
    #[inline]
    pub(super) fn message<'a, O: Output + Appends>(
        &mut self,
        record: &FemtoLogRecord<'a>,
        whole: P,
        piece: impl Fn(Tag) -> ValuePiece<P>,
        out: &mut O,
    ) -> Reader<'a> {
        let message = record.message();
        let Some(notes) = &mut self.0 else { return message.render(out) };
        if message.is_of_values() {
            return message.render_values(out, |out, place, value| {
                let start = out.buffer().len();
                write_value(out, value);
                notes.mark_value(place, &piece, start..out.buffer().len());
            });
        }
        let start = out.buffer().len();
        let reader = message.render(out);
        let range = start..out.buffer().len();
        notes.marks.push(Mark { range, then: Then::Piece(whole), values: Values::Message });
        reader
    }

    /// Notes that the text depends on whether the value of the call's key at `place` is null.
    pub(super) fn depends_on_presence(&mut self, place: usize) {
        if let Some(notes) = &mut self.0 {
            let tag = notes.tags.get(notes.of_message + place);
            notes.refused |= tag.is_some_and(|tag| tag.can_be_null());
        }
    }

    /// Makes a plan of the marks. `None` if the site can have none.
    #[cold]
    fn plan(self, record: &FemtoLogRecord<'_>, out: &[u8]) -> Option<Plan<P>> {
        let notes = self.0.filter(|notes| !notes.refused && out.len() - notes.start <= LONGEST)?;
        let mut steps = Vec::new();
        let mut push = |range: Range<usize>, then| {
            steps.push(PlanStep { text: Block::new(out.get(range).unwrap_or_default()), then });
        };
        let (mut end, mut next) = (notes.start, 0);
        for Mark { range, then, values } in notes.marks {
            let mut text = end..range.start;
            let mut push = |then| push(std::mem::replace(&mut text, 0..0), then);
            end = range.end;
            match values {
                Values::None => {}
                Values::Message => next = notes.of_message,
                Values::One(place) => {
                    if place < next {
                        push(Then::Rewind);
                        next = 0;
                    }
                    notes.tags.get(next..place)?.iter().for_each(|tag| push(Then::Skip(*tag)));
                    next = place + 1;
                }
            }
            push(then);
        }
        push(end..out.len(), Then::End);
        let names = record.names();
        let size = names.iter().flatten().map(|name| name.len()).sum::<usize>();
        let has_names = names.iter().any(Option::is_some);
        let names = has_names.then(|| Box::new(names.map(|name| name.map(Box::from))));
        (size <= LONGEST).then_some(Plan { level: record.level(), names, steps })
    }
}

impl<P> Notes<P> {
    fn mark_value(&mut self, place: usize, piece: impl FnOnce(Tag) -> ValuePiece<P>, mut range: Range<usize>) {
        // A value that is not in the payload, such as the number of keys that were left out, is a constant of the site.
        let Some(tag) = self.tags.get(place) else { return };
        let then = match piece(*tag) {
            ValuePiece::Unsigned => Then::Unsigned,
            ValuePiece::Signed => Then::Signed,
            ValuePiece::Bool => Then::Bool,
            ValuePiece::Own(piece) => Then::Piece(piece),
            ValuePiece::Quoted(piece) => {
                range = range.start + 1..range.end - 1;
                Then::Piece(piece)
            }
        };
        self.marks.push(Mark { range, then, values: Values::One(place) });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formatter::FemtoTextFormatter;
    use crate::formatter::{
        FemtoFormatter, FemtoJsonFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, JsonField, JsonSchema,
        JsonTime,
    };
    use crate::record::by_hand::{ByHand, any_value};
    use crate::time::Timestamp;
    use crate::value::{OwnedValue, Value};

    /// A formatter that has plans, and how many.
    trait Planned: FemtoFormatter {
        /// What a new formatter of the same settings writes: it has no plans.
        fn format_anew(&self, record: &FemtoLogRecord<'_>) -> String;
        fn plans(&self) -> usize;
    }

    macro_rules! planned {
        ($($formatter:ident),*) => {$(
            impl Planned for $formatter {
                fn format_anew(&self, record: &FemtoLogRecord<'_>) -> String {
                    let mut out = Vec::new();
                    self.clone().format(record, &mut out);
                    String::from_utf8(out).unwrap()
                }

                fn plans(&self) -> usize {
                    $formatter::plans(self)
                }
            }
        )*};
    }

    planned!(FemtoJsonFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter, FemtoTextFormatter);

    fn formatters() -> Vec<(String, Box<dyn Planned>)> {
        use JsonSchema::*;
        let mut all: Vec<(String, Box<dyn Planned>)> = Vec::new();
        for schema in [Default, Ecs, OpenTelemetry, Gcp, Datadog, Gelf, Logstash] {
            let json = FemtoJsonFormatter::new().schema(schema);
            let own = json.clone().constant("service.name", "shop\n").constant("level", "x").digits(2);
            all.push((format!("{schema:?}, flat"), Box::new(own.clone().flatten().time(JsonTime::Seconds))));
            all.push((format!("{schema:?}, nested"), Box::new(own.nest("a\"b"))));
            all.push((format!("{schema:?}"), Box::new(json)));
        }
        let fields = [
            (JsonField::KeyValues, "keys>"),
            (JsonField::UserId, "keys>id"),
            (JsonField::Message, "text"),
            (JsonField::ThreadId, "thread>id"),
            (JsonField::ThreadName, "thread>name"),
            (JsonField::Target, "target"),
            (JsonField::Template, "template"),
            (JsonField::SpanPath, "path"),
            (JsonField::ProcessId, "pid"),
            (JsonField::LevelNumber, "n"),
            (JsonField::Timestamp, "at"),
        ];
        all.push(("fields".into(), Box::new(FemtoJsonFormatter::new().fields(fields).time(JsonTime::Nanos))));
        all.push(("text".into(), Box::new(FemtoTextFormatter::new())));
        all.push(("raw text".into(), Box::new(FemtoTextFormatter::new().escape(false).digits(9))));
        all.push(("logfmt".into(), Box::new(FemtoLogfmtFormatter::new())));
        for pattern in [
            "%(asctime)s %(levelname)-8s %(name)s [%(threadName)s] %(message)s %(key_values)s",
            "%(b)s%(a)s %(b)5s|%(a)r|%(message)9.9s|%(message)s %(a)s %(user_id)s %(spans)s %(span_id)s",
            "%(levelno)d %(created)f %(msecs)d %(thread)d %(process)d %(processName)s %(pathname)s:%(lineno)04d %(module)r",
        ] {
            let pattern_formatter = FemtoPatternFormatter::percent(pattern).unwrap();
            let raw = pattern_formatter.clone().escape(false).python_level_names(true).defaults([("a", "none\n")]);
            all.push((format!("{pattern}, raw"), Box::new(raw)));
            all.push((pattern.into(), Box::new(pattern_formatter)));
        }
        all
    }

    /// Formats a record by a formatter that may have a plan for it, and by one that has none.
    fn both(formatter: &mut dyn Planned, record: &ByHand<'_>) -> (String, String) {
        record.with(|record| {
            let mut out = Vec::new();
            formatter.format(record, &mut out);
            (String::from_utf8(out).unwrap(), formatter.format_anew(record))
        })
    }

    /// Another value of the same type.
    fn other(value: &OwnedValue) -> OwnedValue {
        let text = |text: &str| format!("{text}\n\" \\ = ü");
        match value.get() {
            Value::I64(n) => Value::I64(!n).to_owned(),
            Value::U64(n) => Value::U64(n / 3).to_owned(),
            Value::I128(n) => Value::I128(!n).to_owned(),
            Value::F32(x) => Value::F32(x + 0.5).to_owned(),
            Value::F64(x) => Value::F64(x / 3.0).to_owned(),
            Value::Bool(b) => Value::Bool(!b).to_owned(),
            Value::Char(_) => Value::Char('"').to_owned(),
            Value::Str("") => Value::Str("{").to_owned(),
            Value::Str(t) => Value::Str(&text(t)).to_owned(),
            Value::Display(t) => Value::Display(&text(t)).to_owned(),
            Value::Debug(t) => Value::Debug(&text(t)).to_owned(),
            Value::Error(t) => Value::Error(&text(t)).to_owned(),
            Value::Bytes(bytes) => Value::Bytes(&[bytes, &[7]].concat()).to_owned(),
            Value::List(_) => ByHand::list([Value::Str("x"), Value::Null]),
            Value::Map(_) => ByHand::map([]),
            value => value.to_owned(),
        }
    }

    #[test]
    fn the_second_record_of_a_site_makes_the_plan_that_serves_the_third() {
        let record = ByHand { key_values: &[("a", Value::U64(1)), ("b", Value::Str("x"))], ..ByHand::default() };
        for (name, mut formatter) in formatters() {
            let mut plans = [0; 3];
            for plans in &mut plans {
                let (found, expected) = both(&mut *formatter, &ByHand { site: Some(7), ..record });
                assert_eq!(found, expected, "{name}");
                *plans = formatter.plans();
            }
            assert_eq!(plans, [0, 1, 1], "{name}");
            // Other sites that want the place of the first.
            for site in [7 + 16, 7 + 16, 7 + 1024, 7 + 1024, 7 + 1024] {
                let (found, expected) =
                    both(&mut *formatter, &ByHand { site: Some(site), level: Level::Error, ..record });
                assert_eq!(found, expected, "{name}");
            }
            assert_eq!(formatter.plans(), 2, "{name}");
        }
    }

    #[test]
    fn what_a_setting_changes_does_not_survive_in_a_plan() {
        let record = ByHand { site: Some(0), ..ByHand::default() };
        let mut json = FemtoJsonFormatter::new();
        let mut pattern = FemtoPatternFormatter::percent("%(levelname)s %(x)s %(processName)s %(message)s").unwrap();
        (0..3).for_each(|_| drop((both(&mut json, &record), both(&mut pattern, &record))));
        assert_eq!((json.plans(), pattern.plans()), (1, 1));
        let mut json = json.time(JsonTime::Nanos);
        assert!((0..3).all(|_| both(&mut json, &record).0.contains(":1678048520123456000,")));
        let mut json = json.constant("a", "b");
        let mut pattern = pattern
            .python_level_names(true)
            .defaults([("x", "y")])
            .process_name("p")
            .escape(false)
            .datefmt("%H")
            .unwrap();
        let json = both(&mut json, &record).0;
        assert!(json.contains(":1678048520123456000,") && json.ends_with(r#""a":"b"}"#), "{json}");
        assert_eq!(both(&mut pattern, &record).0, "WARNING y p retry 3 of five");
    }

    proptest! {
        #[test]
        fn a_plan_writes_what_the_formatter_writes_without_one(
            pairs in prop::collection::vec(
                (prop_oneof!["[ab]", "level_{0,2}", "user_id", "service_name", "span_id", any::<String>()], any_value()), 0..7,
            ),
            message: String, thread: String, nanos: i64, logger: String,
        ) {
            let others: Vec<_> = pairs.iter().map(|(_, value)| other(value)).collect();
            let first: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.get())).collect();
            let second: Vec<_> = pairs.iter().zip(&others).map(|((key, _), value)| (key.as_str(), value.get())).collect();
            let site = Some(3);
            let one = ByHand { key_values: &first, site, ..ByHand::default() };
            let timestamp = Timestamp::from_nanos(nanos);
            let two = ByHand { key_values: &second, message: &message, thread: &thread, timestamp, ..one };
            let context = [("a", Value::U64(1)), ("user_id", Value::Str("x"))];
            let rest = [
                two, ByHand { message: "", ..two }, ByHand { level: Level::Error, ..two }, ByHand { logger: &logger, ..two },
                ByHand { context: &context, ..two }, ByHand { spans: &[("load", 4)], ..two }, one,
            ];
            for (name, mut formatter) in formatters() {
                for record in [one, one].iter().chain(&rest) {
                    let (found, expected) = both(&mut *formatter, record);
                    prop_assert_eq!(found, expected, "{}", name);
                }
            }
        }
    }
}
