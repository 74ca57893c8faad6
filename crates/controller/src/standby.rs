//! Whether an agent with `spec.standby` sleeps, and since when nobody uses it. Pure: the status is
//! the state, so that a controller that starts anew decides as the one before it.

use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// How long nobody is connected before that counts: a viewer who reloads the page, or whose broker
/// is replaced, causes no write.
pub const RECONNECT_GRACE: Duration = Duration::seconds(10);
/// How long an agent stays awake whose server does not say whether it is busy.
pub const NO_ANSWER_GRACE: Duration = Duration::minutes(5);
/// Clients that no broker sees tell of themselves once a minute. With less than two minutes, one
/// that was missed puts the agent to sleep under its user.
pub const SHORTEST_SAFE_TIMEOUT: Duration = Duration::minutes(2);
/// No requeue is due sooner, however short a time-out is.
const SHORTEST_WAIT: Duration = Duration::seconds(1);

/// What is decided from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// Of `spec.standby`, if there is one.
    pub idle_timeout: Option<Duration>,
    /// `spec.suspend`.
    pub suspend: bool,
    pub before: Before,
    /// The annotation `kubeopencode.io/last-connection-active`, as it is.
    pub sign_of_life: Option<&'a str>,
    pub activity: Activity,
    /// When a visitor last asked for the agent.
    pub wake: Option<OffsetDateTime>,
    pub sessions: Sessions,
    /// Since when the agent's server has not answered.
    pub unanswered_since: Option<OffsetDateTime>,
    /// When it last said that it works, or refused to say.
    pub busy_at: Option<OffsetDateTime>,
    pub now: OffsetDateTime,
}

/// What the status says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    pub idle_since: Option<OffsetDateTime>,
    /// Since when it sleeps in standby.
    pub asleep_since: Option<OffsetDateTime>,
    /// Its owner had suspended it.
    pub by_request: bool,
    /// Since when its server is ready: a start must not use up the time-out.
    pub ready_since: Option<OffsetDateTime>,
}

/// What all brokers together know of the agent's terminals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A broker has not said it.
    Unknown,
    Open,
    /// None is open. The last one was closed then, if there was one lately.
    Closed(Option<OffsetDateTime>),
}

/// Whether the agent's server works on anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    NotAsked,
    Idle,
    Busy,
    /// It does not tell us, and so may work: a password that is not the agent's, a rule of a service mesh.
    Refused,
    NoAnswer,
}

/// Whether the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Awake,
    Asleep,
    /// Its owner suspended it, which nothing here undoes.
    Suspended,
}

/// Why standby does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Less than [`SHORTEST_SAFE_TIMEOUT`].
    TooShort,
    /// Nobody tells the controller of terminals.
    CannotHear,
    /// The agent's server gave no answer when it was asked last.
    NotAnswering,
    /// It refused to answer.
    Refusing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    pub state: State,
    pub idle_since: Option<OffsetDateTime>,
    /// Whether it would sleep now, and its server has to be asked before.
    pub ask: bool,
    /// When to decide again though nothing is reported.
    pub next: Option<OffsetDateTime>,
}

/// Decides. Where the decision is to `ask`, decide again with the answer.
pub fn decide(facts: &Facts<'_>) -> Decision {
    if facts.suspend {
        return rest(State::Suspended);
    }
    let Some(timeout) = facts.idle_timeout else { return rest(State::Awake) };
    match facts.before.asleep_since {
        Some(since) if facts.activity != Activity::Open && !facts.is_called_since(since) => {
            let idle_since = facts.before.idle_since;
            Decision { idle_since, ..rest(State::Asleep) }
        }
        Some(_) => facts.awake(Some(facts.now), timeout),
        None if facts.before.by_request => facts.awake(Some(facts.now), timeout),
        None => facts.awake(facts.before.idle_since, timeout),
    }
}

/// Whether a time-out is too short to be told from a missed sign of life.
pub fn is_too_short(timeout: Duration) -> bool {
    timeout < SHORTEST_SAFE_TIMEOUT
}

/// What the owner is to know of the server's answers: one that is not asked says what it said, so that the
/// status is written when that changes, and not for each question.
pub fn heard(before: Option<Warning>, said: Sessions) -> Option<Warning> {
    match said {
        Sessions::NotAsked => before,
        Sessions::Idle | Sessions::Busy => None,
        Sessions::Refused => Some(Warning::Refusing),
        Sessions::NoAnswer => Some(Warning::NotAnswering),
    }
}

fn rest(state: State) -> Decision {
    Decision { state, idle_since: None, ask: false, next: None }
}

impl Facts<'_> {
    /// The annotation's time. What is no time says nothing; one of the future is now.
    fn sign_of_life(&self) -> Option<OffsetDateTime> {
        let at = OffsetDateTime::parse(self.sign_of_life?, &Rfc3339).ok()?;
        Some(at.min(self.now))
    }

    /// A server that has become ready since then is another one, or answers again. The status has whole seconds, so
    /// a silence of the same second may be from before.
    pub fn silent_since(&self) -> Option<OffsetDateTime> {
        let is_newer = |since| self.before.ready_since.is_none_or(|at| whole_seconds(since) > at);
        self.unanswered_since.filter(|since| is_newer(*since))
    }

    /// The status has whole seconds, so one that came in the same second counts.
    fn is_called_since(&self, asleep_since: OffsetDateTime) -> bool {
        let calls = [self.sign_of_life(), self.wake].into_iter().flatten();
        calls.into_iter().any(|at| at >= asleep_since)
    }

    fn awake(&self, idle_since: Option<OffsetDateTime>, timeout: Duration) -> Decision {
        let awake = |idle_since: Option<OffsetDateTime>, next| Decision {
            state: State::Awake,
            idle_since: idle_since.map(whole_seconds),
            ask: false,
            next,
        };
        let closed_at = match self.activity {
            Activity::Unknown => return awake(idle_since, None),
            Activity::Open => return awake(None, None),
            Activity::Closed(at) => at.map(|at| at.min(self.now)),
        };
        // Nothing is written before it is sure that nobody comes back.
        if let Some(at) =
            closed_at.filter(|at| idle_since.is_none_or(|idle| idle < whole_seconds(*at)))
        {
            let settled = at.saturating_add(RECONNECT_GRACE);
            if settled > self.now {
                return awake(idle_since, Some(settled));
            }
            return self.idle(at, timeout);
        }
        self.idle(idle_since.unwrap_or(self.now), timeout)
    }

    /// Nobody is connected since `idle_since`.
    fn idle(&self, idle_since: OffsetDateTime, timeout: Duration) -> Decision {
        let others = [self.sign_of_life(), self.wake, self.before.ready_since, self.busy_at];
        let active = others.into_iter().flatten().fold(idle_since, OffsetDateTime::max);
        let due = active.saturating_add(timeout);
        let awake = |idle_since: OffsetDateTime, next: OffsetDateTime| Decision {
            state: State::Awake,
            idle_since: Some(whole_seconds(idle_since)),
            ask: false,
            next: Some(next.max(self.now.saturating_add(SHORTEST_WAIT))),
        };
        if due > self.now {
            return awake(idle_since, due);
        }
        let asked_again = self.silent_since().map(|since| since.saturating_add(NO_ANSWER_GRACE));
        match self.sessions {
            // It is asked no more than once in the meantime.
            Sessions::NotAsked if asked_again.is_some_and(|at| at > self.now) => {
                awake(idle_since, asked_again.unwrap_or(self.now))
            }
            Sessions::NotAsked => Decision { ask: true, ..awake(idle_since, due) },
            // Nobody is connected all the same, and the status goes on to say since when.
            Sessions::Busy | Sessions::Refused => {
                awake(idle_since, self.now.saturating_add(timeout))
            }
            Sessions::NoAnswer if asked_again.is_none_or(|at| at > self.now) => {
                awake(idle_since, self.now.saturating_add(NO_ANSWER_GRACE))
            }
            Sessions::NoAnswer | Sessions::Idle => {
                let idle_since = Some(whole_seconds(idle_since));
                Decision { idle_since, ..rest(State::Asleep) }
            }
        }
    }
}

/// As Kubernetes writes times.
fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.truncate_to_second()
}

#[cfg(test)]
mod tests;
