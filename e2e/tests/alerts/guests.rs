//! Guests who come again and again, whatever they are answered.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use anyhow::{Result, bail};
use e2e::{http, raw_guest::RawGuest};
use futures::future::join_all;
use tokio::time::{interval, sleep, timeout};

/// A guest who was sent away comes back after so long.
const PAUSE: Duration = Duration::from_millis(500);
/// Tokens tried a second.
const TRIES: u32 = 5;

/// Waits for an alert while the guests come.
pub(crate) async fn until(
    alert: impl Future<Output = Result<()>>,
    guests: impl Future<Output = ()>,
) -> Result<()> {
    tokio::select! {
        biased;
        fired = alert => fired,
        () = guests => bail!("the guests have stopped coming"),
    }
}

/// How long a guest waits for a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// Until the gateway gives up, which is after 10 s.
    Endless,
    /// Most of the gateway's attempts are in the first seconds.
    Short,
}

impl Patience {
    fn limit(self) -> Duration {
        match self {
            Self::Endless => Duration::from_mins(1),
            Self::Short => Duration::from_secs(2),
        }
    }
}

/// So many guests want a terminal, the first at once and each other a second after the one before.
pub(crate) async fn want_terminals(gateway: &str, token: &str, count: u32, patience: Patience) {
    let guests = (0..count).map(|number| async move {
        sleep(Duration::from_secs(number.into())).await;
        loop {
            if let Ok(mut guest) = RawGuest::open_at(gateway, token).await {
                // Either the gateway or the guest has had enough.
                let _ = timeout(patience.limit(), guest.stays()).await;
            }
            sleep(PAUSE).await;
        }
    });
    join_all(guests).await;
}

/// One token after the other is tried, each from an address that nobody has locked out.
pub(crate) async fn try_tokens(gateway: &str) {
    let mut pace = interval(Duration::from_secs(1) / TRIES);
    for number in 1_u16.. {
        pace.tick().await;
        let [high, low] = number.to_be_bytes();
        let source = IpAddr::V4(Ipv4Addr::new(127, 9, high, low));
        let path = format!("/s/{number:0>43}/info");
        let tried: Result<_> = http::get_from(source, gateway, &path).await;
        // Whatever it is answered, the next one comes.
        drop(tried);
    }
}
