//! Requests that group records by a common head: Loki's labels, OTLP's scopes.
//!
//! The text of a record in the batch is its head and its body, with the length of the head first:
//!
//! ```text
//! | length of the head (8 bytes) | head: "level":"info" | body: ["1773304200000000000","paid"] |
//! ```
//!
//! Records are grouped when the request is made and not when they are formatted, because only then is it known which
//! ones it takes.

/// Appends a record's head and its text, so that [`grouped`] can tell them apart.
pub(super) fn push_grouped(head: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>, text: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    head(out);
    let length = (out.len() - start - LENGTH) as u64;
    out[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
    text(out);
}

/// The size of the head's length, which comes first.
const LENGTH: usize = size_of::<u64>();

/// Returns every head once, in the order in which it first came, with the texts of its records.
pub(super) fn grouped<'a>(records: &[&'a [u8]]) -> Vec<(&'a [u8], Vec<&'a [u8]>)> {
    let mut groups: Vec<(&[u8], Vec<&[u8]>)> = Vec::new();
    let mut last = 0;
    for record in records {
        let Some((head, text)) = split(record) else { continue };
        // Successive records mostly have the same head.
        if groups.get(last).is_none_or(|(known, _)| *known != head) {
            last = groups.iter().position(|(known, _)| *known == head).unwrap_or(groups.len());
        }
        match groups.get_mut(last) {
            Some((_, texts)) => texts.push(text),
            None => groups.push((head, vec![text])),
        }
    }
    groups
}

fn split(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = record.split_first_chunk::<LENGTH>()?;
    rest.split_at_checked(u64::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_head_come_together_in_their_order() {
        let record = |head: &[u8], text: &[u8]| {
            let mut out = Vec::new();
            push_grouped(|out| out.extend_from_slice(head), &mut out, |out| out.extend_from_slice(text));
            out
        };
        let records =
            [record(b"b", b"1"), record(b"", b"2"), record(b"b", b"3"), record(b"a", b""), record(b"b", b"4")];
        let records = records.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let expected: [(&[u8], Vec<&[u8]>); 3] = [(b"b", vec![b"1", b"3", b"4"]), (b"", vec![b"2"]), (b"a", vec![b""])];
        assert_eq!(grouped(&records), expected);
    }
}
