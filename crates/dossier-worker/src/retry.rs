//! How long to pause before the next try.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;

/// Pauses that double from `first` up to `most`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    pub first: Duration,
    pub most: Duration,
}

impl Backoff {
    /// The longest pause after so many failures in a row.
    fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }

    /// Anything from nothing to the ceiling: spreads callers that failed together as widely as
    /// possible.
    pub fn full_jitter(&self, failures: u32) -> Duration {
        self.ceiling(failures)
            .mul_f64(rand::random_range(0.0..=1.0))
    }

    /// From half the ceiling to the ceiling: never at once.
    pub fn half_jitter(&self, failures: u32) -> Duration {
        self.ceiling(failures)
            .mul_f64(rand::random_range(0.5..=1.0))
    }
}

/// A pause of this length, give or take half of it.
pub(crate) fn around(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..=1.5))
}

/// The pause that an answer asks for with `Retry-After`: seconds or a date (RFC 9110, section
/// 10.2.3). A date in the past means no pause; what is neither is ignored.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<Duration> {
        let now = "1994-11-06T08:49:30Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked(" 0 "), Some(Duration::ZERO));
        assert_eq!(
            asked("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(
            asked("99999999999999999999999"),
            Some(Duration::from_secs(u64::MAX))
        );
        for nonsense in ["", "soon", "-1", "1.5", "1994-11-06"] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_most() {
        let backoff = Backoff {
            first: Duration::from_secs(30),
            most: Duration::from_secs(3600),
        };
        for (failures, ceiling) in [
            (1, 30),
            (2, 60),
            (3, 120),
            (7, 1920),
            (8, 3600),
            (4000, 3600),
        ] {
            assert_eq!(backoff.ceiling(failures), Duration::from_secs(ceiling));
            assert!(backoff.full_jitter(failures) <= Duration::from_secs(ceiling));
            let half = backoff.half_jitter(failures);
            assert!(
                half >= Duration::from_secs(ceiling) / 2 && half <= Duration::from_secs(ceiling)
            );
        }
    }
}
