//! Between our one time type and the one inside Kubernetes' own types. Nothing
//! else may name jiff.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use time::OffsetDateTime;

/// The same instant in whole seconds, which is all that Kubernetes keeps of a
/// condition's time. Out of jiff's range (beyond ±9998 years), the nearest end.
pub fn to_k8s_time(at: OffsetDateTime) -> Time {
    let nearest = if at.unix_timestamp() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Time(Timestamp::from_second(at.unix_timestamp()).unwrap_or(nearest))
}

/// The same instant, in UTC.
pub fn from_k8s_time(at: &Time) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(at.0.as_nanosecond())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_instant_stays_and_the_offset_goes() {
        let local = datetime!(2026-11-21 13:00:00.5 +01:00);
        let time = to_k8s_time(local);
        assert_eq!(serde_json::to_value(&time).unwrap(), "2026-11-21T12:00:00Z");
        assert_eq!(from_k8s_time(&time), datetime!(2026-11-21 12:00 UTC));
    }

    #[test]
    fn no_time_is_out_of_range() {
        assert_eq!(to_k8s_time(OffsetDateTime::UNIX_EPOCH).0, Timestamp::UNIX_EPOCH);
        for extreme in [Timestamp::MIN, Timestamp::MAX] {
            assert_ne!(from_k8s_time(&Time(extreme)), OffsetDateTime::UNIX_EPOCH);
        }
    }

    proptest! {
        #[test]
        fn whole_seconds_survive_both_ways(second in -62_135_596_800_i64..253_402_207_200) {
            let at = OffsetDateTime::from_unix_timestamp(second).unwrap();
            prop_assert_eq!(from_k8s_time(&to_k8s_time(at)), at);
        }
    }
}
