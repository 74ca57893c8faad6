use std::net::IpAddr;

use api_types::ShareToken;

use super::{table::KEYS_MAX, *};

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn rate(per_minute: u32, burst: u32) -> Rate {
    Rate { per_minute: number(per_minute), burst: number(burst) }
}

fn demo() -> Limits {
    Limits::new(&RequestLimits {
        client: rate(60, 5),
        wrong_tokens: number(3),
        lockout: Duration::from_mins(2),
        link: rate(60, 10),
        openings: rate(30, 4),
    })
}

fn client(ip: &str) -> ClientKey {
    ip.parse::<IpAddr>().unwrap().into()
}

fn here() -> ClientKey {
    client("203.0.113.9")
}

fn there() -> ClientKey {
    client("203.0.113.10")
}

fn link() -> TokenLookup {
    ShareToken::from_bytes(&[1; 32]).lookup()
}

/// How many of `tries` pass.
fn passed(tries: usize, step: impl Fn() -> Result<(), Refused>) -> usize {
    (0..tries).filter(|_| step().is_ok()).count()
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_and_then_the_rate_holds() {
    let limits = demo();
    assert_eq!(passed(10, || limits.failed(here())), 5);

    let refused = limits.failed(here()).unwrap_err();
    assert_eq!(refused.limit, Limit::FailedRequests);
    assert!(refused.retry_after <= Duration::from_secs(1), "{refused:?}");

    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(passed(10, || limits.failed(here())), 2);
}

#[tokio::test(start_paused = true)]
async fn one_client_does_not_use_up_anothers_share() {
    let limits = demo();
    passed(10, || limits.failed(here()));
    assert_eq!(passed(10, || limits.failed(there())), 5);
}

#[tokio::test(start_paused = true)]
async fn the_addresses_of_one_ipv6_network_are_one_client() {
    let limits = demo();
    let asked: usize = (0..10u8)
        .map(|host| passed(1, || limits.failed(client(&format!("2001:db8::{host:x}")))))
        .sum();
    assert_eq!(asked, 5);
    assert_eq!(passed(1, || limits.failed(client("2001:db8:0:1::1"))), 1);
}

#[tokio::test(start_paused = true)]
async fn too_many_wrong_tokens_lock_a_client_out_for_a_while() {
    let limits = demo();
    for _ in 0..3 {
        assert_eq!(limits.wrong_token(here()), WrongToken::Counted);
    }
    let refused = Refused { limit: Limit::WrongTokens, retry_after: Duration::from_mins(2) };
    assert_eq!(limits.wrong_token(here()), WrongToken::LocksOut(refused));
    assert_eq!(limits.wrong_token(here()), WrongToken::LockedOut(refused));
    assert_eq!(limits.wrong_token(there()), WrongToken::Counted);

    tokio::time::advance(Duration::from_mins(2)).await;
    assert_eq!(limits.wrong_token(here()), WrongToken::Counted);
}

#[tokio::test(start_paused = true)]
async fn wrong_tokens_and_failures_leave_the_same_clients_files_and_link_alone() {
    let limits = demo();
    for _ in 0..20_000 {
        limits.wrong_token(here());
        let _ = limits.failed(here());
    }
    assert_eq!(passed(10, || limits.asset(here())), 5);
    assert_eq!(passed(20, || limits.link_request(link())), 10);
    assert_eq!(passed(20, || limits.link_opening(link())), 4);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_whatever_comes() {
    let limits = demo();
    let stranger = |host: usize| IpAddr::from(u32::try_from(host).unwrap().to_be_bytes()).into();
    for host in 0..KEYS_MAX {
        limits.wrong_token(stranger(host));
    }
    assert_eq!(limits.clients.len(), KEYS_MAX);

    // All of them are recent, so all are forgotten; later on only the quiet ones are.
    limits.wrong_token(stranger(KEYS_MAX));
    assert_eq!(limits.clients.len(), 1);

    for host in 1..KEYS_MAX {
        limits.wrong_token(stranger(host));
    }
    tokio::time::advance(Duration::from_mins(3)).await;
    for _ in 0..4 {
        limits.wrong_token(stranger(7));
    }
    limits.wrong_token(stranger(KEYS_MAX + 1));
    assert_eq!(limits.clients.len(), 2);
    assert!(matches!(limits.wrong_token(stranger(7)), WrongToken::LockedOut(_)));
}
