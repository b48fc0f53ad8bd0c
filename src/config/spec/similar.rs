//! Suggestions for names that do not exist: `no such setting; did you mean "max_bytes"?`.
//!
//! Names are compared by the optimal string alignment distance: the number of letters that must be inserted, removed,
//! replaced, or exchanged with their neighbour. `max_byte` is at distance 1 from `max_bytes`, and `lveel` at distance 1
//! from `level`. A name is suggested up to a distance of a third of the word's length, but at least 1 and at most 3.

/// Returns `; did you mean "max_bytes"?`, or nothing where no name is similar.
pub(super) fn hint<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    nearest(word, names).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default()
}

/// Returns the name that is most similar to a word, if one is similar.
pub(super) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let word = plain(word);
    let limit = (word.chars().count() / 3).clamp(1, 3);
    let distances = names.into_iter().map(|name| (distance(&word, &plain(name)), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit && !word.is_empty()).then_some(name)
}

/// What is compared: `maxBytes`, `max-bytes` and `max_bytes` are the same.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).map(|c| c.to_ascii_lowercase()).take(64).collect()
}

/// How many letters must be inserted, removed, replaced or exchanged with a neighbour (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&last, j) + usize::from(x != y);
            let mut least = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["path", "max_bytes", "max_age", "backup_count", "when"];
        let rows = [
            ("max_byte", Some("max_bytes")),
            ("maxBytes", Some("max_bytes")),
            ("backupcuont", Some("backup_count")),
            ("paht", Some("path")),
            ("x", None),
            ("colour", None),
            ("", None),
        ];
        for (word, expected) in rows {
            assert_eq!(nearest(word, names), expected, "{word}");
        }
        assert_eq!(hint("wehn", names), "; did you mean \"when\"?");
        assert_eq!(hint("colour", names), "");
    }
}
