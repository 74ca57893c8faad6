use time::macros::datetime;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const ONE: OffsetDateTime = datetime!(2026-11-21 13:00 UTC);
const HERE: &str = "203.0.113.9";
const MAPPED: &str = "::ffff:203.0.113.9";

fn open() -> Share {
    Share {
        expires_at: None,
        allowed: Networks::Anywhere,
        readiness: Readiness::Ready,
        access: Access::Interact,
        limits: None,
    }
}

fn grant(ends_at: Option<OffsetDateTime>) -> Grant {
    Grant { ends_at, access: Access::Interact, limits: Limits::default() }
}

fn only(networks: &[&str]) -> Share {
    let networks = networks.iter().map(|network| network.parse().unwrap());
    Share { allowed: Networks::Only(networks.collect()), ..open() }
}

fn until(end: OffsetDateTime) -> Share {
    Share { expires_at: Some(end), ..open() }
}

fn now(readiness: Readiness) -> Share {
    Share { readiness, ..open() }
}

fn known(ip: &str) -> ClientAddress {
    ClientAddress::known(ip.parse().unwrap())
}

#[test]
fn verdicts() {
    let v6 = "2001:db8::1";
    let forever = Ok(grant(None));
    let asleep_elsewhere = Share { readiness: Readiness::Suspended, ..only(&["192.0.2.0/24"]) };
    let late_and_elsewhere = Share { expires_at: Some(NOON), ..asleep_elsewhere.clone() };

    let cases = [
        ("an open share", open(), HERE, forever),
        ("still valid", until(ONE), HERE, Ok(grant(Some(ONE)))),
        ("expiring this instant", until(NOON), HERE, Err(Denial::Expired)),
        ("inside the network", only(&["203.0.113.0/24"]), HERE, forever),
        ("inside the second", only(&["192.0.2.1/32", "203.0.113.9/32"]), HERE, forever),
        ("outside it", only(&["192.0.2.0/24"]), HERE, Err(Denial::Network)),
        ("nobody allowed", only(&[]), HERE, Err(Denial::Network)),
        ("IPv6 and an IPv4 list", only(&["0.0.0.0/0"]), v6, Err(Denial::Network)),
        ("IPv6 network", only(&["2001:db8::/32"]), v6, forever),
        ("IPv4 in IPv6 clothes", only(&["203.0.113.0/24"]), MAPPED, forever),
        ("not IPv6, then", only(&["::/0"]), MAPPED, Err(Denial::Network)),
        ("starting", now(Readiness::NotReady(None)), HERE, Err(Denial::NotReady(None))),
        ("suspended", now(Readiness::Suspended), HERE, Err(Denial::Suspended)),
        ("asleep", now(Readiness::Asleep), HERE, Err(Denial::Asleep)),
        ("network before readiness", asleep_elsewhere, HERE, Err(Denial::Network)),
        ("expiry before all", late_and_elsewhere, HERE, Err(Denial::Expired)),
    ];

    for (name, share, client, expected) in cases {
        assert_eq!(judge(&share, known(client), NOON), expected, "{name}");
    }
}

#[test]
fn a_grant_is_what_the_link_allows() {
    let limits =
        Limits { max_viewers: NonZeroU16::new(3), idle_timeout: Some(Duration::from_mins(30)) };
    let share = Share { access: Access::View, limits: Some(Arc::new(limits)), ..until(ONE) };
    let expected = Grant { ends_at: Some(ONE), access: Access::View, limits };
    assert_eq!(judge(&share, known(HERE), NOON), Ok(expected));
    assert_eq!(judge_stay(&share, known(HERE), NOON), Ok(expected));
}

#[test]
fn a_readiness_blip_refuses_new_visits_and_cuts_nobody() {
    let starting = now(Readiness::NotReady(None));
    assert_eq!(judge(&starting, known(HERE), NOON), Err(Denial::NotReady(None)));
    assert_eq!(judge_stay(&starting, known(HERE), NOON), Ok(grant(None)));

    let suspended = now(Readiness::Suspended);
    assert_eq!(judge_stay(&suspended, known(HERE), NOON), Err(Denial::Suspended));
    let asleep = now(Readiness::Asleep);
    assert_eq!(judge_stay(&asleep, known(HERE), NOON), Err(Denial::Asleep));
}

#[test]
fn who_may_visit_may_wake_and_nobody_undoes_what_the_owner_asked_for() {
    let asleep = now(Readiness::Asleep);
    let elsewhere = Share { readiness: Readiness::Asleep, ..only(&["192.0.2.0/24"]) };
    let over = Share { expires_at: Some(NOON), ..asleep.clone() };
    let cases = [
        ("asleep", asleep, Ok(Sleep::Asleep)),
        ("ready", open(), Ok(Sleep::Awake)),
        ("starting", now(Readiness::NotReady(None)), Ok(Sleep::Awake)),
        ("suspended", now(Readiness::Suspended), Err(Denial::Suspended)),
        ("another network", elsewhere, Err(Denial::Network)),
        ("expired", over, Err(Denial::Expired)),
    ];
    for (name, share, expected) in cases {
        assert_eq!(judge_wake(&share, known(HERE), NOON), expected, "{name}");
    }
}

#[test]
fn whoever_cannot_be_located_is_outside_every_list() {
    let everywhere = only(&["0.0.0.0/0"]);
    let lost = ClientAddress::malformed("10.0.0.1".parse().unwrap());
    assert_eq!(judge(&everywhere, lost, NOON), Err(Denial::Network));
    assert!(judge(&everywhere, known("10.0.0.1"), NOON).is_ok());
    assert!(judge(&open(), lost, NOON).is_ok());

    let over = Share { expires_at: Some(NOON), ..everywhere.clone() };
    assert_eq!(judge(&over, lost, NOON), Err(Denial::Expired));
    let starting = Share { readiness: Readiness::NotReady(None), ..everywhere };
    assert_eq!(judge(&starting, lost, NOON), Err(Denial::Network));
}
