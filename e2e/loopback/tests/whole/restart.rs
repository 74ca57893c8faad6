//! A gateway that comes back while strangers crowd its broker.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    guest::{Guest, connect},
    program::Program,
    system::TestSystem,
    visitor::{STRANGER, allow_open_files},
};

const IDLE_CONNECTIONS: usize = 3000;
/// From the death of one gateway to a key that came back through the next: 1 s, and as much for a busy machine.
const AGAIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_restarted_gateway_opens_a_terminal_though_a_stranger_holds_3000_connections_at_the_broker()
 {
    allow_open_files();
    let mut system = TestSystem::start_alone(Program::echoes()).await;
    let mut idle = Vec::new();
    for _ in 0..IDLE_CONNECTIONS {
        idle.push(connect(system.broker.address, STRANGER).await);
    }

    system.gateway.kill().await;
    let killed = Instant::now();
    system.start_gateway().await;
    let mut guest = Guest::arrives(&system).await;
    guest.types(b"k").await;
    guest.sees(b"k").await;

    let took = killed.elapsed();
    eprintln!("a terminal through a restarted gateway: {took:?}");
    assert!(took <= AGAIN, "{took:?}");
    drop(idle);
}
