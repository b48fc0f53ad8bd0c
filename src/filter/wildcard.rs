//! Wildcard patterns.

/// A pattern in which `*` matches any text, including none, and every other character matches itself.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    pattern: String,
    any_case: bool,
}

impl Wildcard {
    pub(super) fn new(pattern: String) -> Self {
        Self { pattern, any_case: false }
    }

    /// Makes a pattern that ignores the case of ASCII letters.
    pub(super) fn in_any_case(pattern: String) -> Self {
        Self { pattern, any_case: true }
    }

    /// Returns whether the whole text matches, in time proportional to the product of both lengths at most.
    ///
    /// The algorithm is greedy, and backtracks to the last `*` only: if the rest of the pattern does not match, that
    /// `*` takes one byte more. An earlier `*` need not be reconsidered, because the later one can match whatever the
    /// earlier one would gain. For example, `a*b*c` with `aXbYbZc`: the first `*` takes `X`, the second `YbZ`.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.pattern.as_bytes(), text.as_bytes());
        let same = |a: u8, b: u8| a == b || self.any_case && a.eq_ignore_ascii_case(&b);
        let (mut p, mut t) = (0, 0);
        // The position after the last `*` in the pattern, and the end of what it matches in the text.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    p += 1;
                    star = Some((p, t));
                }
                Some(&byte) if same(byte, text[t]) => {
                    p += 1;
                    t += 1;
                }
                // A mismatch: backtrack.
                _ => match &mut star {
                    Some((behind, end)) => {
                        *end += 1;
                        (p, t) = (*behind, *end);
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("abcd", "abc", false),
            ("a*c", "ac", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("*ab*", "xxabx", true),
            ("*ab*", "xxaxb", false),
            ("*aab", "aaab", true),
            ("a**b", "ab", true),
            ("a*b*c", "aXbYbZc", true),
            ("é*", "émile", true),
            ("A*", "abc", false),
        ] {
            assert_eq!(Wildcard::new(pattern.to_owned()).matches(text), expected, "{pattern} {text}");
        }
        assert!(Wildcard::in_any_case("*PassWord*".to_owned()).matches("db_passWORD_2"));
    }

    proptest::proptest! {
        #[test]
        fn it_agrees_with_a_simple_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            fn simple(pattern: &[u8], text: &[u8]) -> bool {
                match pattern {
                    [] => text.is_empty(),
                    [b'*', rest @ ..] => (0..=text.len()).any(|n| simple(rest, &text[n..])),
                    [byte, rest @ ..] => text.first() == Some(byte) && simple(rest, &text[1..]),
                }
            }
            let expected = simple(pattern.as_bytes(), text.as_bytes());
            proptest::prop_assert_eq!(Wildcard::new(pattern).matches(&text), expected);
        }
    }
}
