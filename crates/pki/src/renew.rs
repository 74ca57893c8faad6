//! A plan carried out: the Secrets to write, and what to tell of each. It makes keys, and reads and
//! writes nothing.

use std::collections::BTreeMap;

use api_types::labels;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    AUTHORITY_KEY, AUTHORITY_SECRET, Authority, CERTIFICATE_KEY, Certificate, Member, PRIVATE_KEY,
    Period, Reason, Settings, Subject, TRUST_SINCE, Unreadable, Why,
    authority::CLOCK_SKEW,
    members::AUTHORITY_NAME,
    periods::AUTHORITY_VALIDITY,
    plan::{Plan, RootStep, Step, named, plan},
};

/// Why nothing can be renewed.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error(
        "the certificate in Secret {secret} is valid from {not_before} on, and it is {now} here: \
         set the clock of this machine right; if a machine whose clock was wrong made the \
         certificate, delete the Secret"
    )]
    Clock { secret: &'static str, not_before: OffsetDateTime, now: OffsetDateTime },
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("cannot read a certificate that was just made")]
    Made(#[from] Unreadable),
    #[error("cannot write a time")]
    Time(#[from] time::error::Format),
}

/// What became of one Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// As it was. What it waits for is made anew once all have trusted the new authority.
    Kept {
        waits: Option<Reason>,
    },
    /// Its certificate is the same, and what it trusts is not.
    Trusts {
        waits: Option<Reason>,
    },
    Made(Reason),
    /// Not touched.
    Left(Why),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub secret: &'static str,
    pub done: Done,
    /// The end of its certificate, where it is ours.
    pub until: Option<OffsetDateTime>,
}

/// What to write, in this order, and what it comes to.
#[derive(Debug, Default)]
pub struct Renewal {
    /// To be created, or replaced where it has a resourceVersion. Where one of them conflicts with
    /// another's write, read all anew and call [`renew`] again.
    pub writes: Vec<Secret>,
    pub outcomes: Vec<Outcome>,
}

impl Renewal {
    /// Whether a Secret was left as somebody else made it.
    pub fn is_blocked(&self) -> bool {
        self.outcomes.iter().any(|outcome| matches!(outcome.done, Done::Left(_)))
    }

    fn add(&mut self, old: Option<&Secret>, new: Secret, outcome: Outcome) {
        let changed = old != Some(&new);
        let done = match outcome.done {
            Done::Kept { waits } if changed => Done::Trusts { waits },
            done => done,
        };
        self.outcomes.push(Outcome { done, ..outcome });
        self.writes.extend(changed.then_some(new));
    }
}

/// What is to be written at `now`, where `observed` are the Secrets of [`crate::secret_names`] that exist,
/// read in that order.
pub fn renew(
    observed: &[Secret],
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Renewal, PkiError> {
    let Plan { root, former, steps } = plan(observed, settings, now).map_err(|early| {
        PkiError::Clock { secret: early.secret, not_before: early.not_before, now }
    })?;
    let mut renewal = Renewal::default();
    let (identity, done) = match root {
        RootStep::Keep(root) => (root.identity, Done::Kept { waits: None }),
        RootStep::Make(reason, _) => {
            let period = Period::new(now, AUTHORITY_VALIDITY);
            (Authority::new(AUTHORITY_NAME, period)?.identity, Done::Made(reason))
        }
        RootStep::Leave(why) => return Ok(left(why, steps)),
    };
    let issuer = Issuer {
        trust: joined(&identity.certificate, &former),
        certificate: Certificate::read(identity.certificate.as_bytes(), CERTIFICATE_KEY)?
            .swap_remove(0),
        authority: Authority::load(identity)?,
        settings,
        now,
    };
    let old = named(observed, AUTHORITY_SECRET);
    let outcome =
        Outcome { secret: AUTHORITY_SECRET, done, until: Some(issuer.certificate.not_after) };
    renewal.add(old, issuer.own_secret(old), outcome);
    for (member, step) in steps {
        issuer.carry_out(&mut renewal, named(observed, member.secret), &member, step)?;
    }
    Ok(renewal)
}

fn left(why: Why, steps: Vec<(Member, Step)>) -> Renewal {
    let outcome = |secret, why| Outcome { secret, done: Done::Left(why), until: None };
    let mut outcomes = vec![outcome(AUTHORITY_SECRET, why)];
    outcomes.extend(steps.into_iter().map(|(member, step)| {
        outcome(member.secret, if let Step::Leave(why) = step { why } else { Why::Others })
    }));
    Renewal { writes: vec![], outcomes }
}

/// The authority of now, and what all trust.
struct Issuer<'a> {
    authority: Authority,
    certificate: Certificate,
    /// PEM; the one that issues is the first.
    trust: String,
    settings: &'a Settings,
    now: OffsetDateTime,
}

impl Issuer<'_> {
    fn carry_out(
        &self,
        renewal: &mut Renewal,
        old: Option<&Secret>,
        member: &Member,
        step: Step,
    ) -> Result<(), PkiError> {
        let secret = member.secret;
        let (new, done, until) = match step {
            Step::Leave(why) => {
                renewal.outcomes.push(Outcome { secret, done: Done::Left(why), until: None });
                return Ok(());
            }
            Step::Keep { until, waits } => {
                (self.trusting(old, secret)?, Done::Kept { waits }, until)
            }
            Step::Issue(reason) => {
                let until = self.certificate.not_after.min(self.now + self.settings.validity);
                (self.issued(old, member, until)?, Done::Made(reason), until)
            }
        };
        renewal.add(old, new, Outcome { secret, done, until: Some(until) });
        Ok(())
    }

    fn own_secret(&self, old: Option<&Secret>) -> Secret {
        let mut secret = base(old, AUTHORITY_SECRET, &self.settings.namespace);
        let identity = &self.authority.identity;
        set(&mut secret, CERTIFICATE_KEY, &identity.certificate);
        set(&mut secret, PRIVATE_KEY, &identity.key);
        set(&mut secret, AUTHORITY_KEY, &self.trust);
        secret
    }

    fn issued(
        &self,
        old: Option<&Secret>,
        member: &Member,
        until: OffsetDateTime,
    ) -> Result<Secret, PkiError> {
        let mut secret = self.trusting(old, member.secret)?;
        let dns = member.dns(&self.settings.namespace);
        let dns: Vec<_> = dns.iter().map(String::as_str).collect();
        let subject = Subject { name: member.name, dns: &dns, ..Subject::default() };
        let period = Period { now: self.now, until };
        let identity = self.authority.issue(&subject, member.usage, period)?;
        set(&mut secret, CERTIFICATE_KEY, &identity.certificate);
        set(&mut secret, PRIVATE_KEY, &identity.key);
        Ok(secret)
    }

    /// The Secret with our marks and what all trust, and since when.
    fn trusting(&self, old: Option<&Secret>, name: &str) -> Result<Secret, PkiError> {
        let mut secret = base(old, name, &self.settings.namespace);
        let same = old.is_some_and(|old| text(old, AUTHORITY_KEY) == Some(self.trust.as_bytes()));
        let annotations = secret.metadata.annotations.get_or_insert_default();
        let since = annotations.get(TRUST_SINCE);
        let since = since.and_then(|since| OffsetDateTime::parse(since, &Rfc3339).ok());
        // A time to come says nothing about how long it has been so.
        if !(same && since.is_some_and(|since| since <= self.now + CLOCK_SKEW)) {
            annotations.insert(TRUST_SINCE.to_owned(), self.now.format(&Rfc3339)?);
        }
        set(&mut secret, AUTHORITY_KEY, &self.trust);
        Ok(secret)
    }
}

fn joined(issuing: &str, former: &[Certificate]) -> String {
    let issuing = if issuing.ends_with('\n') { issuing.to_owned() } else { format!("{issuing}\n") };
    former.iter().fold(issuing, |all, certificate| all + &certificate.pem())
}

/// The old Secret, or a new one, with our labels.
fn base(old: Option<&Secret>, name: &str, namespace: &str) -> Secret {
    let mut secret = old.cloned().unwrap_or_else(|| {
        let mut new = Secret { type_: Some("kubernetes.io/tls".to_owned()), ..Secret::default() };
        new.metadata.name = Some(name.to_owned());
        new.metadata.namespace = Some(namespace.to_owned());
        new
    });
    let ours =
        [(labels::MANAGED_BY, labels::CERTIFICATES_MANAGER), (labels::PART_OF, labels::PRODUCT)];
    let ours = ours.map(|(key, value)| (key.to_owned(), value.to_owned()));
    secret.metadata.labels.get_or_insert_with(BTreeMap::new).extend(ours);
    secret
}

fn text<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    secret.data.as_ref()?.get(key).map(|bytes| bytes.0.as_slice())
}

fn set(secret: &mut Secret, key: &str, value: &str) {
    let data = secret.data.get_or_insert_with(BTreeMap::new);
    data.insert(key.to_owned(), ByteString(value.as_bytes().to_vec()));
}
