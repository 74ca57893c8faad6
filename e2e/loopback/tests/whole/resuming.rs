//! Any process between a page and the pod dies, and the page goes on where it was.

use std::time::Duration;

use pages::{Door, Work};
use screen_wire::PING_INTERVAL;
use tokio::time::timeout;

use crate::{
    program::Program,
    system::{PATIENCE, TestSystem, token},
    visitor::GOOD,
};

const ROUNDS: usize = 30;
const PAGES: u8 = 6;
const TYPES_EVERY: Duration = Duration::from_millis(4);
/// Typed by each page between two deaths, at least.
const ROUND_BYTES: u64 = 200;
/// From a break that a page notices to the next byte on it.
const AGAIN: Duration = Duration::from_secs(3);

#[tokio::test]
async fn no_byte_is_lost_whichever_process_dies() {
    let mut system = TestSystem::start_shared(Program::numbers()).await;
    let (gateway, token) = (system.gateway.address, token().expose().to_owned());
    let door = Door { gateway, source: Some(GOOD), token, patience: PATIENCE };
    let mut work = Work::new(TYPES_EVERY);
    work.open(0, &door, PAGES).await.unwrap();
    for round in 0..ROUNDS {
        work.go_on(ROUND_BYTES, PATIENCE).await.unwrap();
        match round % 3 {
            0 => {
                system.gateway.kill().await;
                system.start_gateway().await;
            }
            1 => {
                system.broker.kill().await;
                system.start_broker().await;
            }
            _ => system.api.break_execs(),
        }
        work.resumed(round + 1, PATIENCE).await.unwrap();
    }

    // A little credit waits for the terminal's next sign of life.
    let reports = work.end(PING_INTERVAL + PATIENCE).await.unwrap();
    let typed = all_typed(&system, reports.iter().map(|report| report.typed).sum()).await;
    let mut took = vec![];
    for report in reports {
        report.keys.check(&typed, report.typed).unwrap();
        assert_eq!(report.redrawn, 0, "a screen drawn anew is output that was missed");
        assert_eq!(report.resumptions.len(), ROUNDS, "nothing breaks by itself");
        assert!(report.typed >= ROUND_BYTES * ROUNDS as u64, "{report:?}");
        took.extend(report.resumptions);
    }
    took.sort_unstable();
    let slowest = took[took.len() - 1];
    eprintln!("{} resumptions: median {:?}, slowest {slowest:?}", took.len(), took[took.len() / 2]);
    assert!(slowest <= AGAIN, "{slowest:?}");
}

/// What the program has read, once that is so much: its terminal has taken all, and it writes it down in a moment.
async fn all_typed(system: &TestSystem, bytes: u64) -> Vec<u8> {
    let written = async {
        loop {
            let typed = system.program.typed();
            if typed.len() as u64 >= bytes {
                return typed;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, written).await.expect("all that is typed is read")
}
