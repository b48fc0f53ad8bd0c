//! The text of values: what `format!("{}")` gives, by faster routes.
//!
//! | value | written by |
//! |---|---|
//! | integers | `Output::number`, `itoa` |
//! | an `f64` below 10^15 without a fractional part | as an integer |
//! | an `f64` that is a multiple of 0.001 | as two integers |
//! | other floats | `ryu`, or `core::fmt` where the two differ |
//! | the rest | `core::fmt` |
//!
//! Tests compare each of them with `core::fmt`.

use super::{Kind, Reader, Tag, Value};
use crate::text::Output;

/// Writes the `Display` text of a value.
#[inline]
pub(crate) fn write_value(out: &mut impl Output, value: Value<'_>) {
    match value {
        Value::I64(n) => write_integer(out, n),
        Value::U64(n) => out.number(n),
        Value::Str(text) | Value::Display(text) | Value::Debug(text) | Value::Error(text) => {
            let _ = out.write_str(text);
        }
        Value::F64(x) if is_whole(x) => write_integer(out, x as i64),
        Value::F64(x) if write_thousandths(out, x) => {}
        Value::F64(x) if x.is_finite() => write_float(out, ryu::Buffer::new().format_finite(x), x, value),
        Value::F32(x) if x.is_finite() => write_float(out, ryu::Buffer::new().format_finite(x), x.into(), value),
        Value::I128(n) => out.plain(itoa::Buffer::new().format(n)),
        Value::U128(n) => out.plain(itoa::Buffer::new().format(n)),
        Value::Bool(true) => out.plain("true"),
        Value::Bool(false) => out.plain("false"),
        Value::Char(c) => {
            let _ = out.write_char(c);
        }
        other => {
            let _ = out.write_fmt(format_args!("{other}"));
        }
    }
}

/// Writes the value at which a reader is, as [`write_value`] does, with a direct path for common types.
#[inline]
pub(crate) fn write_next(out: &mut impl Output, tag: Tag, reader: &mut Reader<'_>) {
    match tag.kind {
        _ if tag.optional => write_value(out, reader.value(tag)),
        Kind::I64 => write_integer(out, reader.word() as i64),
        Kind::U64 => out.number(reader.word()),
        // Two constants are copied faster than one text of either length.
        Kind::Bool => match reader.word() {
            0 => out.plain("false"),
            _ => out.plain("true"),
        },
        Kind::Str | Kind::Display | Kind::Debug | Kind::Error => write_next_text(out, reader),
        _ => write_value(out, reader.value(tag)),
    }
}

/// Writes the text at which a reader is.
#[inline]
pub(crate) fn write_next_text(out: &mut impl Output, reader: &mut Reader<'_>) {
    if let Some((text, length)) = reader.plain_word(false) {
        return out.few(text, length);
    }
    match reader.plain_text() {
        Some(text) => out.ascii(text),
        None => drop(out.write_str(reader.text())),
    }
}

/// Writes the `f64` at which a reader is.
#[inline]
pub(crate) fn write_next_float(out: &mut impl Output, reader: &mut Reader<'_>) {
    write_value(out, Value::F64(f64::from_bits(reader.word())));
}

/// Writes a signed integer.
#[inline]
pub(crate) fn write_integer(out: &mut impl Output, n: i64) {
    if n < 0 {
        out.plain("-");
    }
    out.number(n.unsigned_abs());
}

/// Returns whether a float is written with the digits of an integer.
///
/// Such numbers are common, and need no search for the shortest digits. `-0.0` is excluded: it is written `-0`.
#[inline]
pub(crate) fn is_whole(x: f64) -> bool {
    (x as i64) as f64 == x && x.abs() < 1e15 && x.to_bits() != (-0.0_f64).to_bits()
}

/// Writes a float that has one to three decimals, such as 12.5 or 0.125. Returns whether it does.
///
/// Such numbers are common, too. No two decimals of up to 15 digits round to the same `f64`. So if a decimal of that
/// length rounds to `x`, then it is, without zeros at its end, the shortest one that does: what `Display` writes.
#[inline]
pub(crate) fn write_thousandths(out: &mut impl Output, x: f64) -> bool {
    // Both the product and the quotient must be exact: the check divides again.
    let scaled = x * 1000.0;
    let thousandths = scaled as i64;
    if thousandths as f64 != scaled || scaled.abs() >= 1e15 || scaled / 1000.0 != x {
        return false;
    }
    let (whole, part) = (thousandths.unsigned_abs() / 1000, (thousandths.unsigned_abs() % 1000) as u16);
    if part == 0 {
        return false;
    }
    if x < 0.0 {
        out.plain("-");
    }
    out.number(whole);
    let digit = |n: u16| b'0' + (n % 10) as u8;
    let text = [b'.', digit(part / 100), digit(part / 10), digit(part), 0, 0, 0, 0];
    let length = if part.is_multiple_of(100) { 2 } else { 4 - usize::from(part.is_multiple_of(10)) };
    out.few(text, length);
    true
}

/// Writes a float as `Display` does, given the `digits` that `ryu` found.
///
/// Both find the shortest digits that round to the number, with three differences:
///
/// * `ryu` ends whole numbers in `.0`;
/// * `ryu` writes very large and very small numbers with an exponent, `Display` never does;
/// * where the number is exactly halfway between two shortest candidates, `ryu` takes the even one, and `Display` the
///   greater one.
fn write_float(out: &mut impl Output, digits: &str, x: f64, value: Value<'_>) {
    // Searched from the end, because the point or the exponent is near it.
    let decimals = digits.bytes().rev().take_while(|byte| !matches!(byte, b'.' | b'e')).count();
    let has_exponent = digits.bytes().rev().nth(decimals) == Some(b'e');
    let (digits, decimals) = match digits.strip_suffix('0') {
        Some(whole) if decimals == 1 && !has_exponent => (&whole[..whole.len() - 1], 0),
        _ => (digits, decimals),
    };
    // A number with n binary places has exactly n decimal places, the last of which is a 5. So a number with one more
    // than were written is halfway between two candidates.
    if has_exponent || binary_places(x) == decimals as i32 + 1 {
        let _ = out.write_fmt(format_args!("{value}"));
    } else {
        out.plain(digits);
    }
}

/// Returns the number of digits after the binary point; it is negative for a multiple of a power of two.
fn binary_places(x: f64) -> i32 {
    // x = mantissa * 2^exponent, with an integer mantissa of 53 bits: 1075 is the bias of 1023 plus 52 fractional bits.
    let exponent = (x.to_bits() >> 52 & 0x7FF) as i32 - 1075;
    let mantissa = x.to_bits() & ((1 << 52) - 1) | 1 << 52;
    -(exponent + mantissa.trailing_zeros() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Raw;
    use proptest::prelude::*;

    fn text(value: Value<'_>) -> String {
        let mut out = Vec::new();
        write_value(&mut Raw(&mut out), value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn edges() {
        for x in [0.0, -0.0, 1.0, -1.5, 1e15, 1e16, 1e21, 1e-5, 1e-6, 1e-7, 5e-324, f64::MAX, f64::NAN, f64::INFINITY] {
            assert_eq!(text(Value::F64(x)), x.to_string());
            assert_eq!(text(Value::F32(x as f32)), (x as f32).to_string());
        }
        // Just between ….2 and ….3.
        let (narrow, wide) = (2_133_685.0_f32 + 0.25, 1_125_899_906_842_624.0_f64 + 0.25);
        assert_eq!((text(Value::F32(narrow)), narrow.to_string()), ("2133685.3".into(), "2133685.3".into()));
        assert_eq!(
            (text(Value::F64(wide)), wide.to_string()),
            ("1125899906842624.3".into(), "1125899906842624.3".into())
        );
        assert_eq!(text(Value::I64(i64::MIN)), i64::MIN.to_string());
        assert_eq!(text(Value::Null), "null");
    }

    proptest! {
        #[test]
        fn floats_are_written_as_display_does(bits: u64) {
            let x = f64::from_bits(bits);
            prop_assert_eq!(text(Value::F64(x)), x.to_string());
            let x = f32::from_bits(bits as u32);
            prop_assert_eq!(text(Value::F32(x)), x.to_string());
        }

        #[test]
        fn floats_between_two_shortest_are_written_as_display_does(bits in 1_u64 << 52..1 << 53, places in 0..6) {
            let x = bits as f64 / f64::from(1 << places);
            prop_assert_eq!(text(Value::F64(x)), x.to_string());
            let x = (bits >> 29) as f32 / (1 << places) as f32;
            prop_assert_eq!(text(Value::F32(x)), x.to_string());
        }

        #[test]
        fn thousandths_are_written_as_display_does(thousandths in -1_000_000_000_000_000_i64..1_000_000_000_000_000, small in -100_000_i64..100_000) {
            for x in [thousandths, small].map(|n| n as f64 / 1000.0) {
                prop_assert_eq!(text(Value::F64(x)), x.to_string());
            }
        }

        #[test]
        fn ordinary_floats_are_written_as_display_does(whole in -1_000_000_i64..1_000_000, scale in 0..9) {
            let x = whole as f64 / 10_f64.powi(scale);
            prop_assert_eq!(text(Value::F64(x)), x.to_string());
        }
    }
}
