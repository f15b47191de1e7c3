//! Times in certificates (RFC 5280 §4.1.2.5): UTCTime to 2049, GeneralizedTime from 2050, seconds, `Z`, no fraction.

use crate::encoding::der::{DerError, Tlv, tag};
use crate::time::{UnixTime, Validity, take_digits};

/// `Validity`, both ends.
pub(super) fn validity(element: &Tlv<'_>) -> Result<Validity, DerError> {
    let mut fields = element.reader();
    let start = time(&fields.any()?)?;
    let end = time(&fields.any()?)?;
    fields.finish()?;
    if end < start {
        return Err(DerError("a validity that ends before it begins"));
    }
    Ok(Validity::between(start, end))
}

fn time(element: &Tlv<'_>) -> Result<UnixTime, DerError> {
    let text = element.value();
    let malformed = DerError("a malformed time");
    let (year, rest) = match element.tag() {
        tag::UTC_TIME => {
            let (year, rest) = take_digits(text, 2).ok_or(malformed)?;
            (if year < 50 { year.saturating_add(2000) } else { year.saturating_add(1900) }, rest)
        }
        tag::GENERALIZED_TIME => {
            let (year, rest) = take_digits(text, 4).ok_or(malformed)?;
            // Two ways to write one time would be two encodings of one certificate (K-X-24).
            if year < 2050 {
                return Err(DerError("a GeneralizedTime before 2050"));
            }
            (year, rest)
        }
        _ => return Err(malformed),
    };
    let mut fields = [0; 5];
    let mut rest = rest;
    for field in &mut fields {
        (*field, rest) = take_digits(rest, 2).ok_or(malformed)?;
    }
    let [month, day, hour, minute, second] = fields;
    if rest != b"Z" {
        return Err(malformed);
    }
    UnixTime::from_calendar(i64::from(year), month, day, hour, minute, second, 0).ok_or(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(tag: u8, text: &str) -> Result<String, DerError> {
        let bytes = crate::encoding::der::element(tag, text.as_bytes());
        time(&Tlv::parse(&bytes).unwrap()).map(|time| time.to_string())
    }

    /// K-X-24.
    #[test]
    fn a_time_has_one_form() {
        let utc = |text| parse(tag::UTC_TIME, text);
        let general = |text| parse(tag::GENERALIZED_TIME, text);
        assert_eq!(utc("491231235959Z").unwrap(), "2049-12-31T23:59:59Z");
        assert_eq!(utc("500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(general("20500101000000Z").unwrap(), "2050-01-01T00:00:00Z");
        assert_eq!(general("99991231235959Z").unwrap(), "9999-12-31T23:59:59Z");
        for bad in ["2601010000Z", "260101000000", "260101000000+0000", "260101000000.5Z", "260230000000Z", "261301000000Z", ""] {
            assert!(utc(bad).is_err(), "{bad}");
        }
        for bad in ["20491231235959Z", "20500101000000.0Z", "20500101000000", "205001010000Z", "20500101000060Z"] {
            assert!(general(bad).is_err(), "{bad}");
        }
        assert!(parse(tag::UTF8_STRING, "260101000000Z").is_err());
    }
}
