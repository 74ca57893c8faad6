//! What became of each Secret, in a line. Pure.

use pki::{Done, Outcome, Reason, Removal, Renewal, Why};
use time::OffsetDateTime;

use crate::render::rfc3339;

pub(super) fn renewed(renewal: &Renewal) -> String {
    renewal.outcomes.iter().map(line).collect()
}

pub(super) fn removed(secret: &str, removal: Removal, namespace: &str) -> String {
    let why = match removal {
        Removal::Absent => return format!("{secret}: not there\n"),
        Removal::Delete => return format!("{secret}: deleted\n"),
        Removal::Leave(why) => why,
    };
    let own = format!("kubectl delete secret {secret} -n {namespace}");
    let way_out = match why {
        Why::CertManager => format!("delete its Certificate first, and then: {own}"),
        Why::NotOurs | Why::UnknownAuthority | Why::Others => {
            format!("if nobody needs it, delete it with: {own}")
        }
    };
    format!("{secret}: left as it is: {why}; {way_out}\n")
}

fn line(outcome: &Outcome) -> String {
    let Outcome { secret, done, until } = outcome;
    let done = match done {
        Done::Kept { waits: None } => "nothing to do".to_owned(),
        Done::Kept { waits: Some(reason) } => format!("kept for now: {}", later(reason)),
        Done::Trusts { waits: None } => "trusted authorities updated".to_owned(),
        Done::Trusts { waits: Some(reason) } => {
            format!("trusted authorities updated, certificate kept for now: {}", later(reason))
        }
        Done::Made(reason) => format!("made, as {reason}"),
        Done::Left(why) => format!("left as it is: {why}{}", way_out(*why)),
    };
    let until = until.map(|until| format!("; valid until {}", seconds(until)));
    format!("{secret}: {done}{}\n", until.unwrap_or_default())
}

fn later(reason: &Reason) -> String {
    let why = match reason {
        Reason::FormerAuthority => "a former authority issued it",
        Reason::Due => "it is about to end",
        Reason::Names => "it is for other names",
        // None of these waits.
        Reason::Missing | Reason::Unusable(_) | Reason::Ended => "it cannot be used",
    };
    format!("{why}, and it is made anew once all have trusted the new authority for an hour")
}

fn way_out(why: Why) -> &'static str {
    match why {
        Why::NotOurs | Why::UnknownAuthority => "; take it over with --adopt, or delete it",
        Why::CertManager => ", which renews it; delete its Certificate to have it made here",
        Why::Others => "",
    }
}

/// A certificate's times have no fractions.
fn seconds(at: OffsetDateTime) -> String {
    rfc3339(at.replace_nanosecond(0).unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn each_line_says_what_was_done_and_what_to_do() {
        let until = Some(datetime!(2027-02-25 12:00:00.5 UTC));
        let (made, left) = (Done::Made, Done::Left);
        let cases = [
            (Done::Kept { waits: None }, until),
            (Done::Kept { waits: Some(Reason::FormerAuthority) }, until),
            (Done::Trusts { waits: Some(Reason::Due) }, until),
            (made(Reason::Missing), until),
            (made(Reason::Unusable(pki::Unreadable::Missing("tls.key"))), until),
            (left(Why::NotOurs), None),
            (left(Why::CertManager), None),
            (left(Why::Others), None),
        ];
        let outcomes = cases.map(|(done, until)| Outcome { secret: "s", done, until });
        let renewal = Renewal { outcomes: outcomes.into(), ..Renewal::default() };
        insta::assert_snapshot!(renewed(&renewal), @r"
        s: nothing to do; valid until 2027-02-25T12:00:00Z
        s: kept for now: a former authority issued it, and it is made anew once all have trusted the new authority for an hour; valid until 2027-02-25T12:00:00Z
        s: trusted authorities updated, certificate kept for now: it is about to end, and it is made anew once all have trusted the new authority for an hour; valid until 2027-02-25T12:00:00Z
        s: made, as there was none; valid until 2027-02-25T12:00:00Z
        s: made, as it could not be used: tls.key is missing; valid until 2027-02-25T12:00:00Z
        s: left as it is: somebody else made it; take it over with --adopt, or delete it
        s: left as it is: cert-manager writes it, which renews it; delete its Certificate to have it made here
        s: left as it is: another Secret is in the way
        ");
    }
}
