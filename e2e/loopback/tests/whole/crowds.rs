//! Many strangers at one address, and the good guests beside them.

use std::{net::SocketAddr, time::Duration};

use api_types::ShareToken;
use futures::{StreamExt, stream};
use http::StatusCode;
use tokio::{
    io::AsyncWriteExt,
    task::JoinSet,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    guest::{Guest, connect},
    program::Program,
    system::{LEFT_ALONE, PATIENCE, TestSystem, token},
    visitor::{GOOD, STRANGER, Visitor, allow_open_files, read_to_end},
};

const GUESTS: usize = 1000;
/// Between two keys of one who types fast.
const TYPED: Duration = Duration::from_millis(50);

#[tokio::test]
async fn connections_that_one_stranger_keeps_keep_nobody_else_out() {
    allow_open_files();
    let system = TestSystem::start(Program::echoes()).await;
    let gateway = system.gateway.address;
    let mut kept = Vec::new();
    for _ in 0..4400 {
        let mut visitor = Visitor::new(gateway, STRANGER).await;
        // Answered by 404, and soon by 429.
        visitor.info(&ShareToken::from_bytes(&[9; 32])).await;
        kept.push(visitor);
    }

    for visit in 0..84 {
        let status = Visitor::new(gateway, GOOD).await.info(&token()).await;
        assert_eq!(status, Some(StatusCode::OK), "visit {visit}");
    }
    drop(kept);
}

/// As many terminals as a gateway and a broker hold by default.
#[tokio::test]
async fn a_thousand_guests_are_there_at_once_and_each_is_served() {
    allow_open_files();
    let system = TestSystem::start_alone(Program::echoes()).await;
    let (all_are_there, mut guests) = (CancellationToken::new(), JoinSet::new());
    let mut arriving = stream::iter(0..GUESTS).map(|_| Guest::arrives(&system)).buffer_unordered(8);
    while let Some(guest) = arriving.next().await {
        guests.spawn(stays_and_types(guest, all_are_there.clone()));
    }
    assert_eq!(guests.len(), GUESTS);
    all_are_there.cancel();
    // Nobody leaves before the last one was served.
    let served = guests.join_all().await;
    assert_eq!(served.len(), GUESTS);
}

async fn stays_and_types(mut guest: Guest, all_are_there: CancellationToken) -> Guest {
    let closed = all_are_there.run_until_cancelled(guest.stays()).await;
    assert_eq!(closed, None, "while others arrive");
    guest.types(b"k").await;
    guest.sees(b"k").await;
    guest
}

#[tokio::test]
async fn wrong_tokens_never_lock_out_a_good_guest_of_the_same_address_and_cost_no_request() {
    let system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::connects(system.gateway.address, STRANGER).await;
    guest.sees(crate::program::READY.as_bytes()).await;
    let before = system.api.requests();
    tokio::select! {
        biased;
        () = tries_wrong_tokens(system.gateway.address) => {}
        () = keeps_typing(guest) => {}
    }
    assert_eq!(system.api.requests(), before, "requests to the API server");
}

async fn tries_wrong_tokens(gateway: SocketAddr) {
    let mut stranger = Visitor::new(gateway, STRANGER).await;
    for number in 0_u32..20_000 {
        let mut bytes = [9; 32];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        let status = stranger.info(&ShareToken::from_bytes(&bytes)).await;
        assert!(
            matches!(status, None | Some(StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS)),
            "{status:?}"
        );
        // A connection is closed after a 429.
        if stranger.is_closed() || status.is_none() {
            stranger = Visitor::new(gateway, STRANGER).await;
        }
        if number % 1000 == 0 {
            let status = Visitor::new(gateway, STRANGER).await.info(&token()).await;
            assert_eq!(status, Some(StatusCode::OK), "after {number} wrong tokens");
        }
    }
}

/// As one at work, for as long as it is polled. It reads all the while: a page does, and who falls silent is closed.
async fn keeps_typing(mut guest: Guest) {
    let mut ticks = interval(TYPED);
    loop {
        ticks.tick().await;
        guest.types(b"k").await;
        guest.sees(b"k").await;
    }
}

#[tokio::test]
async fn connections_that_say_too_little_are_closed_within_ten_seconds() {
    let system = TestSystem::start(Program::echoes()).await;
    let mut strangers = Vec::new();
    for index in 0..300 {
        let mut stream = connect(system.gateway.address, STRANGER).await;
        match index % 2 {
            0 => {}
            _ => stream.write_all(b"GET /s/abc HTTP/1.1\r\nHost: ga").await.unwrap(),
        }
        strangers.push(stream);
    }
    let all_closed = async {
        for stream in &mut strangers {
            read_to_end(stream).await;
        }
    };
    // A little more than ten seconds, as the first of them was there before the last.
    timeout(PATIENCE + PATIENCE / 5, all_closed).await.expect("reaped within 10 s");
    let mut guest = Guest::arrives(&system).await;
    guest.types(b"k").await;
    guest.sees(b"k").await;
}

#[tokio::test]
async fn half_open_guests_are_reaped_while_others_type() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        // Never read again: no ping is answered.
        silent.push((Guest::arrives(&system).await, system.api.exec().await));
    }
    let mut good = Guest::connects(system.gateway.address, GOOD).await;
    good.sees(crate::program::READY.as_bytes()).await;

    let all_gone = async {
        for (_, exec) in &mut silent {
            exec.ended(LEFT_ALONE).await;
        }
    };
    tokio::select! {
        biased;
        () = all_gone => {}
        () = keeps_typing(good) => {}
    }
}
