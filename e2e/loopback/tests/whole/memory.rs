//! What a viewer costs that takes nothing.

use std::time::Duration;

use tokio::time::{Instant, interval, timeout};

use crate::{
    guest::Guest,
    program::Program,
    system::{PATIENCE, TestSystem},
};

/// All buffers are full by then.
const SETTLED: Duration = Duration::from_secs(2);
/// A viewer that takes no byte for 10 s is cut.
const WATCHED: Duration = Duration::from_secs(9);
const SAMPLED: Duration = Duration::from_millis(100);
const FLAT_KIB: usize = 4 * 1024;
const AT_ONCE: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_flood_that_nobody_reads_costs_no_more_memory_and_hears_ctrl_c_at_once() {
    let system = TestSystem::start_alone(Program::pours_unseen()).await;
    let mut guest = Guest::arrives(&system).await;

    // From here on the guest reads nothing. Nobody waits for anything: the time that passes is what is measured.
    let (start, mut ticks) = (Instant::now(), interval(SAMPLED));
    let (mut least, mut most) = (usize::MAX, 0);
    while ticks.tick().await < start + WATCHED {
        if start.elapsed() >= SETTLED {
            let kib = resident_kib();
            (least, most) = (least.min(kib), most.max(kib));
        }
    }
    let interrupted = system.program.interrupted();
    let pressed = Instant::now();
    guest.interrupts().await;
    timeout(PATIENCE, interrupted).await.expect("the program hears of it");

    let took = pressed.elapsed();
    eprintln!("a flood that nobody reads: {least} to {most} KiB resident, Ctrl-C after {took:?}");
    assert!(most - least < FLAT_KIB, "{least} to {most} KiB");
    assert!(took <= AT_ONCE, "{took:?}");
}

/// Of this process: gateway, broker, and all that is between them and the program.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
