//! A visitor's wish that a sleeping agent wakes, from the call to its answer. It writes nothing to
//! the cluster: controllers are told, and what they did is seen in the link.

use std::time::Duration;

use api_types::ShareToken;
use daemon::clock;
use share::{ClientAddress, Denial, Sleep, Wake};
use terminal_proto::v1::WakeRequest;
use tokio::time::timeout;

use super::broker::{ADMISSION_PATIENCE, Broker};
use crate::{
    activity::{NotAsked, Seen},
    closing::Violation,
};

/// How long controllers may take to wake an agent.
const WAKE_DEADLINE: Duration = Duration::from_secs(10);

/// What a call found or brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// There was nothing to do.
    Awake,
    Woken,
}

/// Why an agent was not woken. `Display` is what a stranger may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WakeRefusal {
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("no controller listens to this broker; try again in a moment")]
    NoController,
    #[error("the controller did not wake the agent within 10 s; try again")]
    Late,
    #[error("too many calls wait for agents to wake; try again in a moment")]
    Full,
    #[error("this broker is going away; try again")]
    Draining,
}

impl WakeRefusal {
    /// A stable word for metrics and logs.
    pub(crate) fn category(self) -> &'static str {
        match self {
            Self::Violation(_) => "violation",
            Self::Denied(denial) => denial.category(),
            Self::NoController => "no_controller",
            Self::Late => "late",
            Self::Full => "full",
            Self::Draining => "draining",
        }
    }
}

impl From<NotAsked> for WakeRefusal {
    fn from(not_asked: NotAsked) -> Self {
        match not_asked {
            NotAsked::NoController => Self::NoController,
            NotAsked::TooManyCalls => Self::Full,
        }
    }
}

impl Broker {
    /// Wakes the agent that `request` asks for, and waits until it is seen to be awake or waking.
    pub(crate) async fn wake(&self, request: WakeRequest) -> Result<(), WakeRefusal> {
        let outcome = self.shutdown.run_until_cancelled(self.try_wake(request)).await;
        let outcome = outcome.unwrap_or(Err(WakeRefusal::Draining));
        self.metrics.wake(match outcome {
            Ok(Outcome::Awake) => "awake",
            Ok(Outcome::Woken) => "woken",
            Err(refusal) => refusal.category(),
        });
        outcome.map(|_| ())
    }

    async fn try_wake(&self, request: WakeRequest) -> Result<Outcome, WakeRefusal> {
        let client = request.client_address.parse().map_err(|_| Violation::ClientAddress)?;
        let client = ClientAddress::known(client);
        // A text that cannot be a token is answered like a token that nobody has.
        let token = ShareToken::parse(&request.token).ok_or(Denial::Unknown)?;
        let admit = || Wake::admit(&self.links, &token, client, self.stale_grace, clock::now);
        let mut wake = self.links.admit_within(ADMISSION_PATIENCE, admit).await?;
        if wake.sleep() == Sleep::Awake {
            return Ok(Outcome::Awake);
        }
        let asking = self.sessions.activity().ask(&wake.visitor().agent)?;
        timeout(WAKE_DEADLINE, wake.awake(clock::now)).await.map_err(|_| WakeRefusal::Late)??;
        if asking.woke() == Seen::First {
            self.sessions.audit().woken(wake.visitor());
        }
        Ok(Outcome::Woken)
    }
}
