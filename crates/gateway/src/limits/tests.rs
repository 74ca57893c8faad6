use super::*;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 10));

fn demo() -> Limits {
    Limits::new(&RequestLimits {
        per_minute: NonZeroU32::new(60).unwrap(),
        burst: NonZeroU32::new(5).unwrap(),
        wrong_tokens: NonZeroU32::new(3).unwrap(),
        lockout: Duration::from_mins(2),
    })
}

fn admitted(limits: &Limits, client: IpAddr, tries: usize) -> usize {
    (0..tries).filter(|_| limits.admit(client).is_ok()).count()
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_and_then_the_rate_holds() {
    let limits = demo();
    assert_eq!(admitted(&limits, HERE, 10), 5);

    let refused = limits.admit(HERE).unwrap_err();
    assert_eq!(refused.limit, Limit::Requests);
    assert!(refused.retry_after <= Duration::from_secs(1), "{refused:?}");

    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(admitted(&limits, HERE, 10), 2);
}

#[tokio::test(start_paused = true)]
async fn one_client_does_not_use_up_anothers_share() {
    let limits = demo();
    admitted(&limits, HERE, 10);
    assert_eq!(admitted(&limits, THERE, 10), 5);
}

#[tokio::test(start_paused = true)]
async fn the_addresses_of_one_ipv6_network_are_one_client() {
    let limits = demo();
    let spent: usize = (0..10u8)
        .map(|host| admitted(&limits, format!("2001:db8::{host:x}").parse().unwrap(), 1))
        .sum();
    assert_eq!(spent, 5);
    assert_eq!(admitted(&limits, "2001:db8:0:1::1".parse().unwrap(), 1), 1);
}

#[tokio::test(start_paused = true)]
async fn too_many_wrong_tokens_lock_a_client_out_for_a_while() {
    let limits = demo();
    for _ in 0..3 {
        limits.wrong_token(HERE).unwrap();
    }
    let locked = Refused { limit: Limit::WrongTokens, retry_after: Duration::from_mins(2) };
    assert_eq!(limits.wrong_token(HERE), Err(locked));
    assert_eq!(limits.admit(HERE), Err(locked));
    assert_eq!(limits.admit(THERE), Ok(()));

    tokio::time::advance(Duration::from_mins(2)).await;
    assert_eq!(limits.admit(HERE), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn clients_of_the_past_are_forgotten() {
    let limits = demo();
    for host in 0..1000u32 {
        let client = IpAddr::from(host.to_be_bytes());
        limits.admit(client).unwrap();
        for _ in 0..4 {
            let _ = limits.wrong_token(client);
        }
    }
    tokio::time::advance(Duration::from_mins(10)).await;
    admitted(&limits, HERE, REQUESTS_BETWEEN_CLEANUPS as usize + 1);

    assert_eq!(limits.requests.len(), 1);
    assert_eq!(limits.wrong_tokens.len(), 0);
    assert_eq!(limits.locks(|locks| locks.len()), 0);
}
