use proptest::prelude::*;
use share::verdict::Readiness;
use time::macros::datetime;

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn networks(list: &[&str]) -> Vec<IpNetwork> {
    list.iter().map(|network| network.parse().unwrap()).collect()
}

fn seen(peer: &str, trusted: &[&str], headers: &[&str]) -> ClientAddress {
    let headers = headers.iter().map(|value| value.as_bytes());
    client_address(peer.parse().unwrap(), &networks(trusted), headers)
}

fn known(ip: &str) -> ClientAddress {
    ClientAddress { ip: ip.parse().unwrap(), certainty: Certainty::Known }
}

fn malformed(ip: &str) -> ClientAddress {
    ClientAddress { certainty: Certainty::Malformed, ..known(ip) }
}

#[test]
fn addresses() {
    type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str], ClientAddress);
    let proxies: &[&str] = &["10.0.0.0/8", "fd00::/8"];
    let cases: &[Case<'_>] = &[
        ("nobody is trusted", "10.0.0.1", &[], &["203.0.113.9"], known("10.0.0.1")),
        ("a stranger's claim", "198.51.100.1", proxies, &["203.0.113.9"], known("198.51.100.1")),
        ("no header", "10.0.0.1", proxies, &[], known("10.0.0.1")),
        ("one proxy", "10.0.0.1", proxies, &["203.0.113.9"], known("203.0.113.9")),
        ("two", "10.0.0.1", proxies, &["203.0.113.9, 10.0.0.2"], known("203.0.113.9")),
        (
            "a forged first hop",
            "10.0.0.1",
            proxies,
            &["8.8.8.8, 203.0.113.9"],
            known("203.0.113.9"),
        ),
        (
            "two headers",
            "10.0.0.1",
            proxies,
            &["8.8.8.8", "203.0.113.9,10.0.0.2"],
            known("203.0.113.9"),
        ),
        ("all trusted", "10.0.0.1", proxies, &["10.0.0.3, 10.0.0.2"], known("10.0.0.3")),
        ("mapped peer", "::ffff:10.0.0.1", proxies, &["203.0.113.9"], known("203.0.113.9")),
        ("mapped hop", "10.0.0.1", proxies, &["::ffff:203.0.113.9"], known("203.0.113.9")),
        ("a port", "10.0.0.1", proxies, &["203.0.113.9:4711"], known("203.0.113.9")),
        ("IPv6 and port", "10.0.0.1", proxies, &["[2001:db8::1]:80"], known("2001:db8::1")),
        ("IPv6 in brackets", "fd00::1", proxies, &["[2001:db8::1]"], known("2001:db8::1")),
        ("a word", "10.0.0.1", proxies, &["unknown"], malformed("10.0.0.1")),
        ("an empty hop", "10.0.0.1", proxies, &["203.0.113.9,,10.0.0.2"], malformed("10.0.0.2")),
        ("an empty header", "10.0.0.1", proxies, &[""], malformed("10.0.0.1")),
        (
            "rubbish left of the client",
            "10.0.0.1",
            proxies,
            &["?, 203.0.113.9"],
            known("203.0.113.9"),
        ),
    ];
    for (name, peer, trusted, headers, expected) in cases {
        assert_eq!(seen(peer, trusted, headers), *expected, "{name}");
    }
}

fn open() -> Share {
    Share { expires_at: None, allowed: Networks::Anywhere, readiness: Readiness::Ready }
}

#[test]
fn whoever_cannot_be_located_is_outside_every_list() {
    let everywhere = Share { allowed: Networks::Only(networks(&["0.0.0.0/0"])), ..open() };
    let lost = malformed("10.0.0.1");

    assert_eq!(judge_visit(Some(&everywhere), lost, NOON), Err(Denial::Network));
    assert!(judge_visit(Some(&everywhere), known("10.0.0.1"), NOON).is_ok());
    assert!(judge_visit(Some(&open()), lost, NOON).is_ok());
    assert_eq!(judge_visit(None, lost, NOON), Err(Denial::Unknown));

    let over = Share { expires_at: Some(NOON), ..everywhere.clone() };
    assert_eq!(judge_visit(Some(&over), lost, NOON), Err(Denial::Expired));

    let starting = Share { readiness: Readiness::NotReady, ..everywhere };
    assert_eq!(judge_visit(Some(&starting), lost, NOON), Err(Denial::Network));
}

proptest! {
    #[test]
    fn a_client_cannot_choose_its_address(forged in "[ -~]{0,40}", client in any::<[u8; 4]>()) {
        let client = IpAddr::from(client);
        let trusted = networks(&["10.0.0.0/8"]);
        prop_assume!(!trusted[0].contains(client));

        let header = format!("{forged},{client}");
        let peer = "10.0.0.1".parse().unwrap();
        let judged = client_address(peer, &trusted, [header.as_bytes()].into_iter());
        prop_assert_eq!(judged, ClientAddress { ip: client, certainty: Certainty::Known });
    }

    #[test]
    fn nobody_trusted_means_the_peer(header in "[ -~]{0,60}", peer in any::<[u8; 4]>()) {
        let peer = IpAddr::from(peer);
        let judged = client_address(peer, &[], [header.as_bytes()].into_iter());
        prop_assert_eq!(judged, ClientAddress { ip: peer, certainty: Certainty::Known });
    }
}
