//! A thousand clients of one address that do each of the things that hold a connection, and the good visitors
//! beside them.

use std::{net::SocketAddr, time::Duration};

use futures::future::join_all;
use http::StatusCode;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, interval, timeout},
};

use crate::{
    guest::socket,
    measure::Times,
    program::Program,
    system::{PATIENCE, TestSystem, token},
    visitor::{GOOD, STRANGER, Visitor, allow_open_files, read_to_end},
};

const OF_EACH_KIND: usize = 250;
const VISITS: usize = 200;
/// The smallest receive buffer there is, in bytes: the kernel makes it a little more.
const LITTLE_BYTES: u32 = 2048;
/// What a machine that others share may add to a visit, whoever else is there.
const STARVED: Duration = Duration::from_millis(250);
/// Between two looks at how many connections the gateway has.
const SAMPLED: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Silent,
    HalfARequest,
    /// Asks for a large file and reads nothing of it.
    TakesNothing,
    /// Asks for nothing more once it is answered.
    KeptAlive,
}

impl Kind {
    async fn connects(self, gateway: SocketAddr, asset: &str) -> TcpStream {
        let socket = socket(STRANGER);
        if let Self::TakesNothing = self {
            socket.set_recv_buffer_size(LITTLE_BYTES).unwrap();
        }
        let mut stream = socket.connect(gateway).await.unwrap();
        let request = match self {
            Self::Silent => String::new(),
            Self::HalfARequest => "GET /s/abc HTTP/1.1\r\nHost: ga".to_owned(),
            Self::TakesNothing => format!("GET {asset} HTTP/1.1\r\nHost: gateway.test\r\n\r\n"),
            Self::KeptAlive => format!("HEAD {asset} HTTP/1.1\r\nHost: gateway.test\r\n\r\n"),
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

#[tokio::test]
async fn a_thousand_bad_clients_are_reaped_within_ten_seconds_and_no_good_one_notices() {
    allow_open_files();
    let system = TestSystem::start_alone(Program::echoes()).await;
    let gateway = system.gateway.address;
    let mut visitor = Visitor::new(gateway, GOOD).await;
    let asset = visitor.largest_asset().await;
    let asset_bytes = visitor.get(&asset).await.unwrap().1.len();
    drop(visitor);
    let without = visits(gateway, Duration::from_millis(5)).await;

    let start = Instant::now();
    let (mut told, mut stalled) = (Vec::new(), Vec::new());
    for _ in 0..OF_EACH_KIND {
        for kind in [Kind::Silent, Kind::HalfARequest, Kind::TakesNothing, Kind::KeptAlive] {
            let stream = kind.connects(gateway, &asset).await;
            match kind {
                Kind::TakesNothing => stalled.push(stream),
                _ => told.push(closed(stream)),
            }
        }
    }
    let crowded = start.elapsed();
    // The crowd is there all the time that the visits take, and begins to be reaped towards their end.
    let visits = visits(gateway, Duration::from_millis(45));
    // Who is not reaped must not hold the test up.
    let told = timeout(2 * PATIENCE, join_all(told));
    let (told, with) = tokio::join!(told, visits);
    let told = told.expect("those who read are reaped");
    let all_gone = async {
        let (open, mut ticks) =
            (system.gateway.daemon.metrics.listener("share").open, interval(SAMPLED));
        while open.get() > 0 {
            ticks.tick().await;
        }
        start.elapsed()
    };
    let gone = timeout(PATIENCE, all_gone).await.expect("all are reaped");

    let told = Times::new(told.into_iter().map(|(_, lasted)| lasted).collect());
    eprintln!(
        "{} bad clients came within {crowded:?} and were gone after {gone:?}",
        4 * OF_EACH_KIND
    );
    eprintln!("those who read were closed after {told}");
    eprintln!("visits with them {with}; without {without}");
    // A little more than ten seconds after the last of them came: the machine is a busy one.
    assert!(gone <= crowded + PATIENCE + PATIENCE / 5, "{gone:?}");
    let (with, bound) = (with.percentile(99), 2 * without.percentile(99) + STARVED);
    assert!(with <= bound, "a visit took {with:?} instead of {bound:?}");
    // What lay in the kernel still comes; it is not the file.
    for (bytes, _) in join_all(stalled.into_iter().map(closed)).await {
        assert!(bytes < asset_bytes, "{bytes} of {asset_bytes} bytes came");
    }
}

/// Visits at that pace: each on a connection of its own, and each answered.
async fn visits(gateway: SocketAddr, pace: Duration) -> Times {
    let (mut ticks, mut times) = (interval(pace), Vec::new());
    for visit in 0..VISITS {
        ticks.tick().await;
        let start = Instant::now();
        let status = Visitor::new(gateway, GOOD).await.info(&token()).await;
        times.push(start.elapsed());
        assert_eq!(status, Some(StatusCode::OK), "visit {visit}");
    }
    Times::new(times)
}

/// How many bytes came before the end, and after what time that was.
async fn closed(mut stream: TcpStream) -> (usize, Duration) {
    let start = Instant::now();
    (read_to_end(&mut stream).await, start.elapsed())
}
