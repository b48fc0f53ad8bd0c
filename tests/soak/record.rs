//! The records of a soak run: how one is logged, and how it is recognised in whatever a handler wrote.

use femtologging::formatter::{FemtoFormatter, FemtoLogfmtFormatter, FemtoPatternFormatter};
use femtologging::{FemtoJsonFormatter, FemtoLogger, FemtoTextFormatter, Level, log};

use super::random::Random;

/// A record: the `number`th of a logical thread. Everything else follows from these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    pub thread: u64,
    pub number: u64,
}

impl Record {
    fn random(self) -> Random {
        Random::new(self.thread << 32 ^ self.number)
    }

    pub fn level(self) -> Level {
        self.random().pick(&[Level::Info, Level::Info, Level::Warn, Level::Error])
    }

    /// Returns how long the padding is: mostly short, rarely longer than a ring takes in one piece.
    fn padding(self) -> usize {
        let mut random = self.random();
        let longest = [20, 20, 20, 400, 5_000][random.below(0..5) as usize];
        let longest = if random.one_in(500) { 100_000 } else { longest };
        random.below(0..longest) as usize
    }

    pub fn log(self, logger: &FemtoLogger) {
        let padding = "x".repeat(self.padding());
        // Three ways for a message to travel: as values, as values for a closure, and as text.
        match self.random().below(0..3) {
            0 => log!(logger: *logger, self.level(), "soak {} {} {}.", self.thread, self.number, padding; end = true),
            1 => {
                log!(logger: *logger, self.level(), "soak {:>1} {} {}.", self.thread, self.number, padding; end = true)
            }
            _ => {
                let Record { thread, number } = self;
                log!(logger: *logger, self.level(), "soak {thread} {number} {padding}."; end = true)
            }
        }
    }
}

/// The text formats, each with what a whole line of it looks like.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    Text,
    Json,
    Logfmt,
    Pattern,
}

impl Format {
    pub const ALL: [Format; 4] = [Format::Text, Format::Json, Format::Logfmt, Format::Pattern];

    pub fn formatter(self) -> Box<dyn FemtoFormatter> {
        match self {
            Format::Text => Box::new(FemtoTextFormatter::new()),
            Format::Json => Box::new(FemtoJsonFormatter::new()),
            Format::Logfmt => Box::new(FemtoLogfmtFormatter::new()),
            Format::Pattern => Box::new(FemtoPatternFormatter::percent("%(message)s end=true").unwrap()),
        }
    }

    /// Reads a line. `None` stands for one that is no whole record.
    pub fn read(self, line: &str) -> Option<Record> {
        let json;
        let message = match self {
            Format::Json => {
                json = serde_json::from_str::<serde_json::Value>(line).ok()?;
                json.get("message")?.as_str()?
            }
            Format::Logfmt => line.strip_suffix(" end=true")?.split_once("msg=\"")?.1.strip_suffix('"')?,
            Format::Text | Format::Pattern => line.strip_suffix(" end=true")?,
        };
        let mut words = message.split_once("soak ")?.1.splitn(3, ' ');
        let record = Record { thread: words.next()?.parse().ok()?, number: words.next()?.parse().ok()? };
        let padding = words.next()?.strip_suffix('.')?;
        (padding.len() == record.padding() && padding.bytes().all(|byte| byte == b'x')).then_some(record)
    }
}

/// Reads the library's own line about records that it dropped, and returns how many these are.
pub fn read_drop_report(line: &str) -> Option<u64> {
    let (count, _) = line.split_once("dropped ")?.1.split_once(" record")?;
    count.replace(',', "").parse().ok()
}
