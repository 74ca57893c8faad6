//! Whether the certificates of an installation are there, fit each other, and have time left. Pure.

use pki::{MEMBERS, Member, OVERDUE, Shown, Usage};
use time::{Duration, OffsetDateTime};

use super::{
    facts::Facts,
    finding::{Finding, known},
};
use crate::{cluster::Seen, render::rfc3339};
use k8s_openapi::api::core::v1::Secret;

pub(super) fn judge(facts: &Facts, now: OffsetDateTime) -> Vec<Finding> {
    let fix = format!("kubeoc certificates renew -n {}", facts.namespace);
    let mut findings = vec![];
    let mut shown = vec![];
    for (member, seen) in MEMBERS.iter().zip(&facts.certificates) {
        match one(member, seen, &fix, now) {
            Ok((finding, usable)) => {
                findings.push(finding);
                shown.push((member, usable));
            }
            Err(finding) => findings.push(finding),
        }
    }
    findings.extend(strangers(&shown, &fix));
    findings
}

fn one(
    member: &Member,
    seen: &Seen<Option<Secret>>,
    fix: &str,
    now: OffsetDateTime,
) -> Result<(Finding, Shown), Finding> {
    let subject = format!("Secret {}", member.secret);
    let Some(secret) = known(seen, &subject)? else {
        return Err(Finding::failed(&subject, "is missing", fix));
    };
    let shown = Shown::read(secret, member, now).map_err(|error| {
        Finding::failed(&subject, format!("cannot be used: {error}"), format!("{fix} --adopt"))
    })?;
    let until = rfc3339(shown.until());
    let finding = match shown.until() - now {
        left if left <= Duration::ZERO => {
            Finding::failed(&subject, format!("its certificate ended at {until}"), fix)
        }
        left if left <= OVERDUE => {
            Finding::warning(&subject, format!("its certificate ends at {until}"), fix)
        }
        _ => Finding::ok(&subject, format!("valid until {until}")),
    };
    Ok((finding, shown))
}

/// The broker and its callers know each other.
fn strangers(shown: &[(&Member, Shown)], fix: &str) -> Vec<Finding> {
    let (brokers, callers): (Vec<_>, Vec<_>) =
        shown.iter().partition(|(member, _)| member.usage == Usage::Server);
    let mut findings = vec![];
    for (broker, at_broker) in brokers {
        for (caller, at_caller) in &callers {
            if !at_broker.trusts(at_caller) || !at_caller.trusts(at_broker) {
                findings.push(Finding::failed(
                    &format!("Secret {}", caller.secret),
                    format!("it and {} do not trust each other's authority", broker.secret),
                    format!("{fix} --adopt"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use pki::{Adoption, Settings, renew};
    use time::macros::datetime;

    use super::*;
    use crate::check::finding::Level;

    const NOW: OffsetDateTime = datetime!(2026-11-27 12:00 UTC);

    fn made() -> Vec<Secret> {
        let settings = Settings {
            namespace: "system".into(),
            validity: Duration::days(90),
            renew_before: Duration::days(30),
            adopt: Adoption::Refused,
        };
        renew(&[], &settings, NOW).unwrap().writes
    }

    fn judged(secrets: &[Secret], now: OffsetDateTime) -> Vec<(Level, String)> {
        let seen = |member: &Member| {
            let named = |secret: &&Secret| secret.metadata.name.as_deref() == Some(member.secret);
            Seen::Known(secrets.iter().find(named).cloned())
        };
        let facts = Facts {
            certificates: MEMBERS.iter().map(seen).collect(),
            ..crate::check::workloads::facts(vec![])
        };
        judge(&facts, now).into_iter().map(|it| (it.level, it.message)).collect()
    }

    #[test]
    fn the_time_that_is_left_is_judged() {
        for (days, level) in
            [(0, Level::Ok), (82, Level::Ok), (83, Level::Warning), (90, Level::Failed)]
        {
            let found = judged(&made(), NOW + Duration::days(days));
            assert!(found.iter().all(|(found, _)| *found == level), "{days}: {found:?}");
        }
    }

    #[test]
    fn a_secret_that_is_missing_half_written_or_of_another_authority_is_told_of() {
        let mut secrets = made();
        // The authority is the first.
        secrets.remove(1);
        assert_eq!(judged(&secrets, NOW)[0], (Level::Failed, "is missing".into()));

        let mut secrets = made();
        secrets[2].data.as_mut().unwrap().remove("tls.key");
        let said = "cannot be used: tls.key is missing";
        assert_eq!(judged(&secrets, NOW)[1], (Level::Failed, said.into()));

        let mut secrets = made();
        secrets[2] = made().swap_remove(2);
        let last = judged(&secrets, NOW).pop().unwrap();
        assert_eq!(last.0, Level::Failed);
        assert!(last.1.contains("do not trust each other's authority"), "{last:?}");
    }

    #[test]
    fn secrets_that_may_not_be_read_are_unknown() {
        let facts = Facts {
            certificates: MEMBERS.map(|_| Seen::Unknown("get secrets".into())).into(),
            ..crate::check::workloads::facts(vec![])
        };
        assert!(judge(&facts, NOW).iter().all(|finding| finding.level == Level::Unknown));
    }
}
