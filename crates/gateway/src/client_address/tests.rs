use proptest::prelude::*;

use super::*;

fn proxies(list: &[&str]) -> TrustedProxies {
    TrustedProxies::new(list.iter().map(|network| network.parse().unwrap()).collect())
}

fn seen(peer: &str, trusted: &[&str], headers: &[&str]) -> ClientAddress {
    let headers = headers.iter().map(|value| value.as_bytes());
    proxies(trusted).client(peer.parse().unwrap(), headers)
}

fn known(ip: &str) -> ClientAddress {
    ClientAddress::known(ip.parse().unwrap())
}

fn malformed(ip: &str) -> ClientAddress {
    ClientAddress::malformed(ip.parse().unwrap())
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

proptest! {
    #[test]
    fn a_client_cannot_choose_its_address(forged in "[ -~]{0,40}", client in any::<[u8; 4]>()) {
        let client = IpAddr::from(client);
        let trusted = proxies(&["10.0.0.0/8"]);
        prop_assume!(!trusted.contain(client));

        let header = format!("{forged},{client}");
        let peer = "10.0.0.1".parse().unwrap();
        let judged = trusted.client(peer, [header.as_bytes()].into_iter());
        prop_assert_eq!(judged, ClientAddress::known(client));
    }

    #[test]
    fn nobody_trusted_means_the_peer(header in "[ -~]{0,60}", peer in any::<[u8; 4]>()) {
        let peer = IpAddr::from(peer);
        let judged = proxies(&[]).client(peer, [header.as_bytes()].into_iter());
        prop_assert_eq!(judged, ClientAddress::known(peer));
    }
}
