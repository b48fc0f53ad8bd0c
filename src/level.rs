//! Levels and level filters, with the numbers of CPython's `logging`.
//!
//! A record has a [`Level`]. A logger, a handler, the process and the build ([`STATIC_MAX_LEVEL`]) have a
//! [`LevelFilter`]: the least severe level that they let pass. Both are ordered by severity and can be compared with
//! each other.
//!
//! Both are `repr(u8)` with the same numbers, so that the check of a call site is one comparison of bytes. `Off` is
//! 255, which no level reaches.

use std::cmp::Ordering;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The severity of a record.
///
/// The numbers are CPython's, with 5 for `Trace`, which CPython does not name. Levels are ordered by severity.
///
/// # Examples
///
/// ```
/// use femtologging::Level;
///
/// assert!(Level::Trace < Level::Critical);
/// assert_eq!(Level::Warn.number(), 30);
/// assert_eq!("Warning".parse(), Ok(Level::Warn));
/// assert_eq!(format!("[{:>8}]", Level::Info), "[    INFO]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Step-by-step details, for tracing one execution.
    Trace = 5,
    /// Details for debugging.
    Debug = 10,
    /// Confirmation that the program works as expected.
    Info = 20,
    /// Something unexpected, in spite of which the program works.
    Warn = 30,
    /// Something that the program could not do.
    Error = 40,
    /// A serious error: the program may be unable to continue.
    Critical = 50,
}

impl Level {
    /// All levels, the least severe first. The position of a level is its [`index`](Self::index).
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Critical];

    /// Returns the number of this level in CPython's `logging`.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the level with exactly this number, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Level;
    ///
    /// assert_eq!(Level::from_number(40), Some(Level::Error));
    /// assert_eq!(Level::from_number(41), None);
    /// ```
    pub const fn from_number(number: u8) -> Option<Self> {
        match LevelFilter::from_number(number) {
            Some(filter) => filter.to_level(),
            None => None,
        }
    }

    /// Returns the position in [`Level::ALL`], from 0 for `Trace` to 5 for `Critical`.
    #[inline]
    pub const fn index(self) -> usize {
        // 5, 10, 20, 30, 40, 50: a multiplication, where a `match` would become a jump table on every caller's path.
        self as usize / 10
    }

    /// Returns the level at this position of [`Level::ALL`], if there is one.
    pub const fn from_index(index: usize) -> Option<Self> {
        if index < Self::ALL.len() { Some(Self::ALL[index]) } else { None }
    }

    /// Returns the most verbose level, `Trace`.
    pub const fn max() -> Self {
        Self::Trace
    }

    /// Iterates over all levels, from the most severe to the most verbose, as in the crate `log`.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::Level;
    ///
    /// assert_eq!(Level::iter().next(), Some(Level::Critical));
    /// assert_eq!(Level::iter().last(), Some(Level::max()));
    /// ```
    pub fn iter() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        Self::ALL.into_iter().rev()
    }

    /// Returns the filter that lets this level and above pass.
    pub const fn to_level_filter(self) -> LevelFilter {
        match self {
            Self::Trace => LevelFilter::Trace,
            Self::Debug => LevelFilter::Debug,
            Self::Info => LevelFilter::Info,
            Self::Warn => LevelFilter::Warn,
            Self::Error => LevelFilter::Error,
            Self::Critical => LevelFilter::Critical,
        }
    }

    /// Returns the level's name in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

/// A threshold: lets records of a level and above pass.
///
/// Filters are ordered **by restrictiveness**: `Trace` is the least, `Off` the greatest. The more restrictive of two
/// filters is their `max`. This is the order of CPython's numbers, and the reverse of that of the `log` crate's
/// `LevelFilter`, which is ordered by verbosity.
///
/// A filter can be compared with a [`Level`]: `level >= filter` is equivalent to [`enables`](Self::enables).
///
/// # Examples
///
/// ```
/// use femtologging::{Level, LevelFilter};
///
/// assert!(LevelFilter::Info.enables(Level::Warn));
/// assert!(Level::Debug < LevelFilter::Info);
/// assert_eq!(LevelFilter::Info.max(LevelFilter::Off), LevelFilter::Off);
/// assert_eq!("fatal".parse(), Ok(LevelFilter::Critical));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LevelFilter {
    /// Lets all records pass.
    Trace = 5,
    /// Lets `Debug` and above pass.
    Debug = 10,
    /// Lets `Info` and above pass.
    Info = 20,
    /// Lets `Warn` and above pass.
    Warn = 30,
    /// Lets `Error` and above pass.
    Error = 40,
    /// Lets only `Critical` pass.
    Critical = 50,
    /// Lets no record pass.
    Off = 255,
}

impl LevelFilter {
    /// All filters, the least restrictive first.
    pub const ALL: [Self; 7] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Critical, Self::Off];

    /// Returns the most verbose filter, `Trace`, which lets all records pass.
    ///
    /// It is the *least* filter in the order of severity, as this type is ordered; the name is that of the crate `log`.
    /// With two filters, [`Ord::max`] gives the more restrictive one.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::LevelFilter;
    ///
    /// assert_eq!(LevelFilter::max(), LevelFilter::Trace);
    /// assert_eq!(LevelFilter::Info.max(LevelFilter::Warn), LevelFilter::Warn);
    /// ```
    pub const fn max() -> Self {
        Self::Trace
    }

    /// Iterates over all filters, from `Off` to the most verbose one, as in the crate `log`.
    pub fn iter() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        Self::ALL.into_iter().rev()
    }

    /// Returns whether records of this level pass.
    #[inline]
    pub const fn enables(self, level: Level) -> bool {
        level as u8 >= self as u8
    }

    /// Returns the number of the least severe level that passes, or 255 for `Off`.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the filter with exactly this [`number`](Self::number), if there is one.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            5 => Some(Self::Trace),
            10 => Some(Self::Debug),
            20 => Some(Self::Info),
            30 => Some(Self::Warn),
            40 => Some(Self::Error),
            50 => Some(Self::Critical),
            255 => Some(Self::Off),
            _ => None,
        }
    }

    /// Returns the least severe level that passes, or `None` for `Off`.
    pub const fn to_level(self) -> Option<Level> {
        match self {
            Self::Trace => Some(Level::Trace),
            Self::Debug => Some(Level::Debug),
            Self::Info => Some(Level::Info),
            Self::Warn => Some(Level::Warn),
            Self::Error => Some(Level::Error),
            Self::Critical => Some(Level::Critical),
            Self::Off => None,
        }
    }

    /// Returns the filter's name in capitals.
    pub const fn as_str(self) -> &'static str {
        match self.to_level() {
            Some(level) => level.as_str(),
            None => "OFF",
        }
    }

    /// Parses a word of [`WORDS`]. It is `const` because [`STATIC_MAX_LEVEL`] is parsed at build time.
    const fn from_word(word: &str) -> Option<Self> {
        let mut i = 0;
        while i < WORDS.len() {
            if same_word(WORDS[i].0.as_bytes(), word.as_bytes()) {
                return Some(WORDS[i].1);
            }
            i += 1;
        }
        None
    }
}

/// All texts that parse as a filter, regardless of case. All but `off` also parse as a level.
const WORDS: [(&str, LevelFilter); 15] = [
    ("trace", LevelFilter::Trace),
    ("debug", LevelFilter::Debug),
    ("info", LevelFilter::Info),
    ("warn", LevelFilter::Warn),
    ("warning", LevelFilter::Warn),
    ("error", LevelFilter::Error),
    ("critical", LevelFilter::Critical),
    ("fatal", LevelFilter::Critical),
    ("off", LevelFilter::Off),
    ("5", LevelFilter::Trace),
    ("10", LevelFilter::Debug),
    ("20", LevelFilter::Info),
    ("30", LevelFilter::Warn),
    ("40", LevelFilter::Error),
    ("50", LevelFilter::Critical),
];

/// `<[u8]>::eq_ignore_ascii_case`, which is not `const` in the oldest supported compiler.
const fn same_word(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i].eq_ignore_ascii_case(&b[i]) {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// The least severe level whose call sites are compiled into the program.
///
/// A call below it is type-checked, but its arguments are never evaluated, and no code is generated for it. The level
/// is determined when this crate is built, by the first row that applies:
///
/// | precedence | setting | applies to |
/// |---|---|---|
/// | 1 | environment variable `FEMTOLOGGING_MAX_LEVEL` at build time | every build, whatever the features say |
/// | 2 | the strictest of the features below that are enabled: | |
/// | | `max_level_{off,critical,error,warn,info,debug,trace}` | every build |
/// | | `release_max_level_{off,critical,…,trace}` | builds without `debug_assertions` |
/// | 3 | none | everything is compiled in: `Trace` |
///
/// The variable can have any value that parses as a [`LevelFilter`], such as `warn`, `WARNING`, `30` or `off`. An empty
/// value counts as not set, any other value fails the build. Cargo rebuilds the crate when the variable changes.
pub const STATIC_MAX_LEVEL: LevelFilter = static_max_level(
    option_env!("FEMTOLOGGING_MAX_LEVEL"),
    &[
        (LevelFilter::Off, cfg!(feature = "max_level_off"), cfg!(feature = "release_max_level_off")),
        (LevelFilter::Critical, cfg!(feature = "max_level_critical"), cfg!(feature = "release_max_level_critical")),
        (LevelFilter::Error, cfg!(feature = "max_level_error"), cfg!(feature = "release_max_level_error")),
        (LevelFilter::Warn, cfg!(feature = "max_level_warn"), cfg!(feature = "release_max_level_warn")),
        (LevelFilter::Info, cfg!(feature = "max_level_info"), cfg!(feature = "release_max_level_info")),
        (LevelFilter::Debug, cfg!(feature = "max_level_debug"), cfg!(feature = "release_max_level_debug")),
        (LevelFilter::Trace, cfg!(feature = "max_level_trace"), cfg!(feature = "release_max_level_trace")),
    ],
    cfg!(not(debug_assertions)),
);

/// Returns whether call sites of this level are compiled into the program.
#[doc(hidden)]
#[inline]
pub const fn is_compiled(level: Level) -> bool {
    STATIC_MAX_LEVEL.enables(level)
}

/// Evaluates the table of [`STATIC_MAX_LEVEL`]. `features` has, for each filter, whether its feature and its release
/// feature are enabled, the strictest filter first.
const fn static_max_level(
    variable: Option<&str>,
    features: &[(LevelFilter, bool, bool)],
    release: bool,
) -> LevelFilter {
    if let Some(word) = variable
        && !word.is_empty()
    {
        return match LevelFilter::from_word(word) {
            Some(filter) => filter,
            None => panic!(
                "the environment variable FEMTOLOGGING_MAX_LEVEL must be one of trace, debug, info, warn (or warning), \
                 error, critical (or fatal), off, 5, 10, 20, 30, 40, 50, in any letter case"
            ),
        };
    }
    let mut i = 0;
    while i < features.len() {
        let (filter, always, in_release) = features[i];
        if always || (in_release && release) {
            return filter;
        }
        i += 1;
    }
    LevelFilter::Trace
}

/// The error of parsing a [`Level`] or a [`LevelFilter`]. Its text contains the value and what is accepted.
///
/// # Examples
///
/// ```
/// use femtologging::Level;
///
/// assert_eq!(
///     "loud".parse::<Level>().unwrap_err().to_string(),
///     "\"loud\" is not a level: expected TRACE, DEBUG, INFO, WARN (or WARNING), ERROR, CRITICAL (or FATAL), \
///      or one of the numbers 5, 10, 20, 30, 40, 50",
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ParseLevelError {
    value: String,
    wanted: Wanted,
}

/// The type that a value should have been parsed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Level,
    Filter,
}

impl fmt::Display for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, off) = match self.wanted {
            Wanted::Level => ("level", ""),
            Wanted::Filter => ("level filter", " OFF,"),
        };
        write!(f, "{:?} is not a {what}: ", self.value)?;
        if self.value.eq_ignore_ascii_case("notset") {
            return f.write_str("leave it out to inherit the parent's, or use TRACE to let everything through");
        }
        write!(
            f,
            "expected TRACE, DEBUG, INFO, WARN (or WARNING), ERROR, CRITICAL (or FATAL),{off} \
             or one of the numbers 5, 10, 20, 30, 40, 50"
        )
    }
}

/// The same text, so that a `main` that returns the error prints it.
impl fmt::Debug for ParseLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ParseLevelError {}

impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        LevelFilter::from_word(word)
            .and_then(LevelFilter::to_level)
            .ok_or_else(|| ParseLevelError { value: word.to_owned(), wanted: Wanted::Level })
    }
}

impl FromStr for LevelFilter {
    type Err = ParseLevelError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::from_word(word).ok_or_else(|| ParseLevelError { value: word.to_owned(), wanted: Wanted::Filter })
    }
}

impl TryFrom<u8> for Level {
    type Error = ParseLevelError;

    fn try_from(number: u8) -> Result<Self, ParseLevelError> {
        Self::from_number(number).ok_or_else(|| ParseLevelError { value: number.to_string(), wanted: Wanted::Level })
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.number()
    }
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        level.to_level_filter()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for LevelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl PartialEq<LevelFilter> for Level {
    fn eq(&self, other: &LevelFilter) -> bool {
        self.number() == other.number()
    }
}

impl PartialEq<Level> for LevelFilter {
    fn eq(&self, other: &Level) -> bool {
        self.number() == other.number()
    }
}

impl PartialOrd<LevelFilter> for Level {
    fn partial_cmp(&self, other: &LevelFilter) -> Option<Ordering> {
        self.number().partial_cmp(&other.number())
    }
}

impl PartialOrd<Level> for LevelFilter {
    fn partial_cmp(&self, other: &Level) -> Option<Ordering> {
        self.number().partial_cmp(&other.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LevelFilter::{Critical, Debug, Error, Info, Off, Trace, Warn};

    #[test]
    fn numbers_indices_and_names_agree() {
        let rows = [
            (Level::Trace, 5, "TRACE"),
            (Level::Debug, 10, "DEBUG"),
            (Level::Info, 20, "INFO"),
            (Level::Warn, 30, "WARN"),
            (Level::Error, 40, "ERROR"),
            (Level::Critical, 50, "CRITICAL"),
        ];
        for (index, (level, number, name)) in rows.into_iter().enumerate() {
            assert_eq!(Level::ALL[index], level);
            assert_eq!((level.index(), Level::from_index(index)), (index, Some(level)));
            assert_eq!((level.number(), u8::from(level)), (number, number));
            assert_eq!((Level::from_number(number), Level::try_from(number)), (Some(level), Ok(level)));
            assert_eq!((level.as_str(), level.to_string().as_str()), (name, name));
            assert_eq!(LevelFilter::from(level).to_level(), Some(level));
            assert_eq!(LevelFilter::from(level).number(), number);
            assert_eq!(LevelFilter::ALL[index], level);
            assert_eq!(LevelFilter::from(level).to_string(), name);
        }
        assert_eq!(Level::from_index(6), None);
        assert_eq!((0..=255).filter_map(Level::from_number).collect::<Vec<_>>(), Level::ALL);
        assert_eq!((0..=255).filter_map(LevelFilter::from_number).collect::<Vec<_>>(), LevelFilter::ALL);
        assert_eq!((Off.number(), Off.to_level(), Off.as_str()), (255, None, "OFF"));
    }

    #[test]
    fn names_of_log_mean_what_they_mean_there() {
        assert_eq!(
            Level::iter().map(Level::as_str).collect::<Vec<_>>().join(" "),
            "CRITICAL ERROR WARN INFO DEBUG TRACE"
        );
        assert_eq!(LevelFilter::iter().map(LevelFilter::as_str).take(2).collect::<Vec<_>>(), ["OFF", "CRITICAL"]);
        assert_eq!((Level::max(), LevelFilter::max(), LevelFilter::iter().last()), (Level::Trace, Trace, Some(Trace)));
        for level in Level::iter() {
            assert_eq!((level.to_level_filter(), level.to_level_filter().to_level()), (level.into(), Some(level)));
        }
    }

    #[test]
    fn order_is_by_severity() {
        assert!(Level::ALL.is_sorted_by(|a, b| a < b));
        assert!(LevelFilter::ALL.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_filter_enables_its_level_and_above() {
        for (i, filter) in LevelFilter::ALL.into_iter().enumerate() {
            for (j, level) in Level::ALL.into_iter().enumerate() {
                assert_eq!(filter.enables(level), j >= i, "{filter} {level}");
                assert_eq!((level >= filter, filter <= level), (j >= i, j >= i), "{filter} {level}");
                assert_eq!((level == filter, filter == level), (i == j, i == j), "{filter} {level}");
            }
        }
    }

    #[test]
    fn display_pads() {
        assert_eq!(format!("[{:<8}] [{:^6}] [{:.1}]", Level::Warn, Info, Level::Error), "[WARN    ] [ INFO ] [E]");
    }

    #[test]
    fn words_parse_in_any_case() {
        for (word, filter) in WORDS {
            assert_eq!(word.parse(), Ok(filter));
            assert_eq!(word.to_uppercase().parse(), Ok(filter));
            assert_eq!(word.parse::<Level>().ok(), filter.to_level());
        }
        assert_eq!(("wArNiNg".parse(), "Fatal".parse()), (Ok(Level::Warn), Ok(Level::Critical)));
    }

    #[test]
    fn errors_name_the_value_and_the_remedy() {
        let level = |word: &str| word.parse::<Level>().unwrap_err().to_string();
        let filter = |word: &str| word.parse::<LevelFilter>().unwrap_err().to_string();
        let accepted = "expected TRACE, DEBUG, INFO, WARN (or WARNING), ERROR, CRITICAL (or FATAL)";
        let numbers = "or one of the numbers 5, 10, 20, 30, 40, 50";
        assert_eq!(level("off"), format!("\"off\" is not a level: {accepted}, {numbers}"));
        assert_eq!(filter(""), format!("\"\" is not a level filter: {accepted}, OFF, {numbers}"));
        assert_eq!(
            filter("NotSet"),
            "\"NotSet\" is not a level filter: leave it out to inherit the parent's, or use TRACE to let everything through",
        );
        assert_eq!(
            Level::try_from(25).unwrap_err().to_string(),
            format!("\"25\" is not a level: {accepted}, {numbers}")
        );
        for word in ["inf", "infos", "5 ", "05", "0", "255"] {
            assert!(word.parse::<LevelFilter>().is_err(), "{word}");
        }
    }

    #[test]
    fn the_variable_overrides_features_and_the_strictest_feature_wins() {
        let debug_and_release_error = [(Error, false, true), (Debug, true, false), (Trace, true, true)];
        assert_eq!(static_max_level(None, &debug_and_release_error, false), Debug);
        assert_eq!(static_max_level(None, &debug_and_release_error, true), Error);
        assert_eq!(static_max_level(Some(""), &debug_and_release_error, true), Error);
        assert_eq!(static_max_level(Some("WARNING"), &debug_and_release_error, true), Warn);
        assert_eq!(static_max_level(Some("5"), &debug_and_release_error, true), Trace);
        assert_eq!(static_max_level(Some("off"), &[], false), Off);
        assert_eq!(static_max_level(None, &[(Critical, false, true)], false), Trace);
    }

    #[test]
    #[should_panic(expected = "FEMTOLOGGING_MAX_LEVEL must be one of trace, debug, info")]
    fn an_invalid_variable_is_refused() {
        static_max_level(Some("loud"), &[], false);
    }

    #[test]
    fn compiled_levels_follow_the_static_maximum() {
        for level in Level::ALL {
            assert_eq!(is_compiled(level), level >= STATIC_MAX_LEVEL);
        }
    }
}
