//! What is to be made anew at a time, and in which order, so that no connection fails. Pure.
//!
//! A new authority signs nothing in place of what works until every bearer of a certificate has trusted it
//! for [`SETTLE`]; and a former one, whose key is gone, is trusted until it ends. So whichever of two peers
//! is renewed first, and however late the other reads its files, each trusts what the other shows.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Secret;
use time::{Duration, OffsetDateTime};

use crate::{
    AUTHORITY_SECRET, Certificate, MEMBERS, Member, SETTLE, Unreadable,
    periods::{AUTHORITY_RENEW_BEFORE, URGENT},
    state::{Leaf, Owner, Root, owner, trust},
};

/// What the user asks for.
#[derive(Clone, Debug)]
pub struct Settings {
    pub namespace: String,
    /// Of certificates, not of the authority; at most a year.
    pub validity: Duration,
    /// What is left to a certificate that is renewed.
    pub renew_before: Duration,
    pub adopt: Adoption,
}

/// Whether Secrets that somebody else made are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    Refused,
    Allowed,
}

/// Why a certificate is made anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("there was none")]
    Missing,
    #[error("it could not be used: {0}")]
    Unusable(Unreadable),
    #[error("it had ended")]
    Ended,
    #[error("it was about to end")]
    Due,
    #[error("it was for other names")]
    Names,
    #[error("a former authority had issued it")]
    FormerAuthority,
}

/// Why a Secret is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("somebody else made it")]
    NotOurs,
    #[error("cert-manager writes it")]
    CertManager,
    #[error("its authority is not the one in {AUTHORITY_SECRET}")]
    UnknownAuthority,
    #[error("another Secret is in the way")]
    Others,
}

/// A certificate of ours that is not valid yet: a clock was or is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Early {
    pub(crate) secret: &'static str,
    pub(crate) not_before: OffsetDateTime,
}

/// What becomes of the authority.
pub(crate) enum RootStep {
    /// Whose Secret is as it should be, or is written anew with what is trusted now.
    Keep(Box<Root>),
    /// In place of the one that there was, if that can be read.
    Make(Reason, Option<Box<Root>>),
    Leave(Why),
}

/// What becomes of a bearer's Secret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing, or only its `ca.crt` and our marks; `waits` is what is made anew later.
    Keep {
        until: OffsetDateTime,
        waits: Option<Reason>,
    },
    Issue(Reason),
    Leave(Why),
}

pub(crate) struct Plan {
    pub(crate) root: RootStep,
    /// Who else is trusted, beside the authority that issues.
    pub(crate) former: Vec<Certificate>,
    pub(crate) steps: Vec<(Member, Step)>,
}

/// What one Secret is, before it is compared with the others.
enum Found {
    None,
    Foreign(Why),
    Unusable(Unreadable),
    Usable(Box<Leaf>),
}

/// Decides for all Secrets at once; `observed` are those that exist.
pub(crate) fn plan(
    observed: &[Secret],
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Plan, Early> {
    let root = root(observed, settings, now)?;
    let known = known(&root, named(observed, AUTHORITY_SECRET));
    let found = MEMBERS.map(|member| {
        let found = leaf(named(observed, member.secret), &member, known.as_deref(), settings, now);
        (member, found)
    });
    if let Some(early) = found.iter().find_map(|(member, found)| early(member, found, now)) {
        return Err(early);
    }
    let foreign = found.iter().any(|(_, found)| matches!(found, Found::Foreign(_)));
    if matches!(root, RootStep::Leave(_)) || foreign && known.is_none() {
        return Ok(untouched(root, &found));
    }
    let issuing = if let RootStep::Keep(root) = &root { Some(&root.certificate) } else { None };
    let former = former(issuing, known.unwrap_or_default(), &found, now);
    let settled = issuing.is_some_and(|issuing| settled(issuing, &found, now));
    let step = |member: &Member, found: &Found| match found {
        Found::None => Step::Issue(Reason::Missing),
        Found::Foreign(why) => Step::Leave(*why),
        Found::Unusable(why) => Step::Issue(Reason::Unusable(why.clone())),
        Found::Usable(leaf) => judge(leaf, member, issuing, settled, settings, now),
    };
    let steps = found.iter().map(|(member, found)| (*member, step(member, found))).collect();
    Ok(Plan { root, former, steps })
}

pub(crate) fn named<'a>(observed: &'a [Secret], name: &str) -> Option<&'a Secret> {
    observed.iter().find(|secret| secret.metadata.name.as_deref() == Some(name))
}

fn root(observed: &[Secret], settings: &Settings, now: OffsetDateTime) -> Result<RootStep, Early> {
    let Some(secret) = named(observed, AUTHORITY_SECRET) else {
        return Ok(RootStep::Make(Reason::Missing, None));
    };
    match owner(secret) {
        Owner::CertManager => return Ok(RootStep::Leave(Why::CertManager)),
        Owner::Somebody if settings.adopt == Adoption::Refused => {
            return Ok(RootStep::Leave(Why::NotOurs));
        }
        Owner::Ours | Owner::Somebody => {}
    }
    let root = match Root::read(secret) {
        Ok(root) => Box::new(root),
        Err(why) => return Ok(RootStep::Make(Reason::Unusable(why), None)),
    };
    let not_before = root.certificate.not_before;
    if not_before > now {
        return Err(Early { secret: AUTHORITY_SECRET, not_before });
    }
    let left = root.certificate.not_after - now;
    Ok(match left {
        left if left <= Duration::ZERO => RootStep::Make(Reason::Ended, Some(root)),
        left if left <= AUTHORITY_RENEW_BEFORE => RootStep::Make(Reason::Due, Some(root)),
        _ => RootStep::Keep(root),
    })
}

/// The authorities that are ours, of now and of before; none where that was lost.
fn known(root: &RootStep, secret: Option<&Secret>) -> Option<Vec<Certificate>> {
    match root {
        RootStep::Keep(root) | RootStep::Make(_, Some(root)) => {
            let issuing = [root.certificate.clone()].into_iter();
            Some(issuing.chain(root.trust.iter().cloned()).collect())
        }
        RootStep::Make(_, None) => secret.and_then(|secret| trust(secret).ok()),
        RootStep::Leave(_) => None,
    }
}

fn leaf(
    secret: Option<&Secret>,
    member: &Member,
    known: Option<&[Certificate]>,
    settings: &Settings,
    now: OffsetDateTime,
) -> Found {
    let Some(secret) = secret else { return Found::None };
    let adopt = settings.adopt == Adoption::Allowed;
    match owner(secret) {
        Owner::CertManager => return Found::Foreign(Why::CertManager),
        Owner::Somebody if !adopt => return Found::Foreign(Why::NotOurs),
        Owner::Ours | Owner::Somebody => {}
    }
    let leaf = match Leaf::read(secret, member, now) {
        Ok(leaf) => leaf,
        Err(why) => return Found::Unusable(why),
    };
    // Where the authority is lost, whatever our Secrets trust is carried over.
    if known.is_none_or(|known| known.contains(&leaf.issuer)) || adopt {
        Found::Usable(Box::new(leaf))
    } else {
        Found::Foreign(Why::UnknownAuthority)
    }
}

fn early(member: &Member, found: &Found, now: OffsetDateTime) -> Option<Early> {
    let Found::Usable(leaf) = found else { return None };
    let not_before = leaf.certificate.not_before;
    (not_before > now).then_some(Early { secret: member.secret, not_before })
}

/// Nothing is written: half of a set with two authorities would not connect.
fn untouched(root: RootStep, found: &[(Member, Found)]) -> Plan {
    let why = |found: &Found| if let Found::Foreign(why) = found { *why } else { Why::Others };
    let steps = found.iter().map(|(member, found)| (*member, Step::Leave(why(found))));
    let root = match root {
        RootStep::Make(..) => RootStep::Leave(Why::Others),
        root => root,
    };
    Plan { root, former: vec![], steps: steps.collect() }
}

/// All that were trusted and have not ended, but the authority that issues.
fn former(
    issuing: Option<&Certificate>,
    known: Vec<Certificate>,
    found: &[(Member, Found)],
    now: OffsetDateTime,
) -> Vec<Certificate> {
    let mut all = known;
    for (_, found) in found {
        if let Found::Usable(leaf) = found {
            let lost = issuing.is_none();
            all.extend([leaf.issuer.clone()]);
            all.extend(leaf.trust.iter().filter(|_| lost).cloned());
        }
    }
    let mut former: Vec<Certificate> = vec![];
    for certificate in all.into_iter().filter(|certificate| !certificate.has_ended(now)) {
        if issuing != Some(&certificate) && !former.contains(&certificate) {
            former.push(certificate);
        }
    }
    former
}

/// Whether every bearer has trusted the authority for long enough.
fn settled(issuing: &Certificate, found: &[(Member, Found)], now: OffsetDateTime) -> bool {
    found.iter().all(|(_, found)| match found {
        Found::None | Found::Foreign(_) => true,
        Found::Unusable(_) => false,
        Found::Usable(leaf) => {
            let since = leaf.trust_since.is_some_and(|since| since <= now - SETTLE);
            since && leaf.trust.contains(issuing)
        }
    })
}

fn judge(
    leaf: &Leaf,
    member: &Member,
    issuing: Option<&Certificate>,
    settled: bool,
    settings: &Settings,
    now: OffsetDateTime,
) -> Step {
    let until = leaf.certificate.not_after;
    let left = until - now;
    let names: BTreeSet<_> = member.dns(&settings.namespace).into_iter().collect();
    let reason = match () {
        () if left <= Duration::ZERO => return Step::Issue(Reason::Ended),
        () if issuing != Some(&leaf.issuer) => Reason::FormerAuthority,
        () if names != leaf.certificate.dns => Reason::Names,
        () if left <= settings.renew_before => Reason::Due,
        () => return Step::Keep { until, waits: None },
    };
    if settled || left <= URGENT {
        Step::Issue(reason)
    } else {
        Step::Keep { until, waits: Some(reason) }
    }
}
