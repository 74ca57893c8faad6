//! The alert that a certificate ends is for a renewal that does not work: whoever renews once a day, as the chart does, never
//! sees it.

use pki::{
    AUTHORITY_SECRET, LEAST_RENEW_BEFORE, MEMBERS, OVERDUE, RENEW_BEFORE_DAYS, Shown, VALIDITY_DAYS,
};
use serde_json::Value;
use time::Duration;

use crate::installation::Installation;

const RULES: &str = include_str!("../../../../helm/kubeopencode/rules/kubeopencode.yaml");
const VALUES: &str = include_str!("../../../../helm/kubeopencode/values.yaml");
const VALIDATION: &str = include_str!("../../../../helm/kubeopencode/templates/validation.yaml");
const SCHEMA: &str = include_str!("../../../../helm/kubeopencode/values.schema.json");

/// The least that is left to any certificate while it is renewed daily, each run being a minute earlier than a day after the
/// first, so that a certificate is just not due. On the day on which all are due the authority is lost.
fn least_left(validity: i64, renew_before: i64) -> Duration {
    let mut installation = Installation::empty();
    installation.settings.validity = Duration::days(validity);
    installation.settings.renew_before = Duration::days(renew_before);
    installation.renew();
    installation.now -= Duration::MINUTE;
    let mut least = Duration::days(validity);
    for day in 1..=validity + 10 {
        installation.now += Duration::DAY;
        if day == validity - renew_before + 1 {
            installation.secrets.remove(AUTHORITY_SECRET);
        }
        for member in MEMBERS {
            let secret = &installation.secrets[member.secret];
            let shown = Shown::read(secret, &member, installation.now).unwrap();
            least = least.min(shown.until() - installation.now);
        }
        installation.renew();
    }
    least
}

#[test]
fn no_certificate_that_is_renewed_daily_comes_to_the_alert() {
    let shortest = LEAST_RENEW_BEFORE.whole_days();
    for (validity, renew_before) in
        [(VALIDITY_DAYS, RENEW_BEFORE_DAYS), (30, shortest), (shortest + 1, shortest)]
    {
        let least = least_left(validity, renew_before);
        // Two days early: one run that came too soon, and one that waited.
        assert!(least >= Duration::days(renew_before - 2), "{validity}, {renew_before}: {least}");
        // A pod reads what is renewed a minute or two later.
        assert!(least >= OVERDUE + Duration::DAY, "{validity}, {renew_before}: {least}");
    }
}

#[test]
fn the_alert_fires_for_what_is_overdue() {
    let rule = "kubeopencode_certificate_end_time_seconds - time() < ";
    let (_, rest) = RULES.split_once(rule).unwrap();
    let numbers = rest.lines().next().unwrap().split(" * ");
    let seconds: i64 = numbers.map(|number| number.parse::<i64>().unwrap()).product();
    assert_eq!(Duration::seconds(seconds), OVERDUE);
}

/// What `values.yaml` says beside a null is what `kubeoc` does without a flag; and less than the least is refused.
#[test]
fn the_values_of_the_chart_are_these_numbers() {
    for (key, days) in [("validityDays", VALIDITY_DAYS), ("renewBeforeDays", RENEW_BEFORE_DAYS)] {
        let (_, rest) = VALUES.split_once(&format!("{key}: null")).unwrap();
        let said = rest.lines().next().unwrap().trim_start().trim_start_matches("# ");
        assert_eq!(said, days.to_string(), "{key}");
        assert!(VALIDATION.contains(&format!("(default {days} .{key})")), "{key}");
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let job = &schema["properties"]["certificates"]["properties"]["job"]["properties"];
    let least = LEAST_RENEW_BEFORE.whole_days();
    assert_eq!(job["renewBeforeDays"]["minimum"], least);
    assert_eq!(job["validityDays"]["minimum"], least + 1);
    let hours = LEAST_RENEW_BEFORE.whole_hours();
    assert!(VALIDATION.contains(&format!("(lt $hours {hours})")), "cert-manager's renewBefore");
}
