//! Servers that give no answer, in whatever order servers answer, restart and are deleted.

use std::cell::Cell;

use futures::FutureExt;
use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::standby::Activity;

const START: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const TIMEOUT: Duration = Duration::minutes(2);
/// No two steps are in one second, of which the status tells no more.
const SECONDS_BETWEEN_STEPS: std::ops::Range<i64> = 1..300;
const AGENTS: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The agent is reconciled; asked, its server says this.
    Reconcile(Sessions),
    /// Its pod is another one, which is ready at once.
    Restart,
    /// Somebody asks for it while it sleeps: its pod starts, and is not ready.
    Wake,
    /// It is deleted, and another one of its name is made.
    Replace,
    /// Another controller takes over.
    NewController,
}

fn steps() -> impl Strategy<Value = Vec<(usize, i64, Step)>> {
    let says = proptest::sample::select(vec![
        Sessions::NoAnswer,
        Sessions::NoAnswer,
        Sessions::Idle,
        Sessions::Busy,
        Sessions::Refused,
    ]);
    let step = prop_oneof![
        8 => says.prop_map(Step::Reconcile),
        1 => Just(Step::Restart),
        1 => Just(Step::Wake),
        1 => Just(Step::Replace),
        1 => Just(Step::NewController),
    ];
    proptest::collection::vec((0..AGENTS, SECONDS_BETWEEN_STEPS, step), 1..80)
}

/// One agent that nobody uses, and what may be held against its server.
struct Idle {
    id: AgentId,
    before: Before,
    /// Since when nothing but silence is known of it.
    silent_since: Option<OffsetDateTime>,
}

impl Idle {
    fn new(number: usize, now: OffsetDateTime) -> Self {
        let uid = format!("uid-{number}-{}", now.unix_timestamp());
        let before = Before { idle_since: Some(now), ready_since: Some(now), ..Before::default() };
        Self {
            id: AgentId::new("team-a", format!("demo-{number}"), uid),
            before,
            silent_since: None,
        }
    }

    /// Gives what was decided, and whether the server was asked.
    fn reconcile(&mut self, by: &Answers, says: Sessions, now: OffsetDateTime) -> (Decision, bool) {
        let facts = Facts {
            idle_timeout: Some(TIMEOUT),
            suspend: false,
            before: self.before,
            sign_of_life: None,
            activity: Activity::Closed(None),
            wake: None,
            sessions: Sessions::NotAsked,
            unanswered_since: None,
            busy_at: None,
            now,
        };
        let was_asked = Cell::new(false);
        let answer = async {
            was_asked.set(true);
            says
        };
        let decision = by.decide(&self.id, facts, answer).now_or_never().expect("no wait");
        self.before.idle_since = decision.idle_since;
        if decision.state == State::Asleep {
            self.before.asleep_since = self.before.asleep_since.or(Some(now));
        }
        (decision, was_asked.get())
    }
}

proptest! {
    #[test]
    fn no_agent_sleeps_but_after_an_answer_or_five_minutes_of_silence(steps in steps()) {
        let mut now = START;
        let mut agents: Vec<_> = (0..AGENTS).map(|number| Idle::new(number, now)).collect();
        let mut silences = Answers::default();
        for (number, seconds, step) in steps {
            now += Duration::seconds(seconds);
            let agent = &mut agents[number];
            match step {
                Step::Restart => {
                    agent.before = Before { ready_since: Some(now), idle_since: Some(now), ..Before::default() };
                    agent.silent_since = None;
                }
                Step::Wake if agent.before.asleep_since.is_some() => {
                    agent.before = Before { idle_since: Some(now), ..Before::default() };
                    agent.silent_since = None;
                }
                Step::Wake => {}
                Step::Replace => *agent = Idle::new(number, now),
                Step::NewController => {
                    silences = Answers::default();
                    for agent in &mut agents {
                        agent.silent_since = None;
                    }
                }
                Step::Reconcile(says) => {
                    let before = agent.before;
                    let (decision, was_asked) = agent.reconcile(&silences, says, now);
                    if was_asked {
                        let silent = says == Sessions::NoAnswer;
                        agent.silent_since = agent.silent_since.or(Some(now)).filter(|_| silent);
                        let all = silences.all();
                        prop_assert!(all.values().all(|answer| answer.counts(now)));
                        let is_kept = matches!(says, Sessions::NoAnswer | Sessions::Busy | Sessions::Refused)
                            && decision.state == State::Awake;
                        prop_assert_eq!(all.contains_key(&agent.id), is_kept);
                    }
                    if decision.state == State::Asleep && before.asleep_since.is_none() {
                        let active = before.idle_since.max(before.ready_since);
                        prop_assert!(active.is_some_and(|at| now - at >= TIMEOUT));
                        let silent = agent.silent_since.is_some_and(|at| now - at >= NO_ANSWER_GRACE);
                        prop_assert!(was_asked && (says == Sessions::Idle || silent));
                    }
                }
            }
        }
    }
}

#[test]
fn a_silent_server_delays_the_sleep_once() {
    let silences = Answers::default();
    let mut agent = Idle::new(0, START);
    let due = START + TIMEOUT;
    let (first, _) = agent.reconcile(&silences, Sessions::NoAnswer, due);
    assert_eq!((first.state, first.next), (State::Awake, Some(due + NO_ANSWER_GRACE)));
    let meanwhile = agent.reconcile(&silences, Sessions::Idle, due + Duration::minutes(4));
    assert_eq!(meanwhile, (first, false), "it is not asked meanwhile");
    let (second, _) = agent.reconcile(&silences, Sessions::NoAnswer, due + NO_ANSWER_GRACE);
    assert_eq!(second.state, State::Asleep);
}

#[test]
fn nothing_is_kept_of_agents_that_are_gone() {
    let silences = Answers::default();
    let ask = |number, at| {
        let mut agent = Idle::new(number, at - TIMEOUT);
        assert!(agent.reconcile(&silences, Sessions::NoAnswer, at).1);
    };
    for number in 0..100 {
        ask(number, START + Duration::seconds(1));
    }
    assert_eq!(silences.all().len(), 100);
    ask(100, START + NO_ANSWER_GRACE * 2 + Duration::seconds(1));
    assert_eq!(silences.all().len(), 1);
}

#[test]
fn the_silence_of_a_server_before_its_restart_does_not_count() {
    let silences = Answers::default();
    let mut agent = Idle::new(0, START);
    let due = START + TIMEOUT;
    agent.reconcile(&silences, Sessions::NoAnswer, due);
    agent.before.ready_since = Some(due + Duration::minutes(1));
    let (next, _) = agent.reconcile(&silences, Sessions::NoAnswer, due + NO_ANSWER_GRACE);
    assert_eq!(next.state, State::Awake);
}

#[test]
fn one_that_was_not_ready_yet_is_asked_as_soon_as_it_is_due() {
    let silences = Answers::default();
    let mut agent = Idle::new(0, START);
    agent.before.ready_since = None;
    let due = START + TIMEOUT;
    agent.reconcile(&silences, Sessions::NoAnswer, due + Duration::milliseconds(300));
    // Of the same second, and written without its fraction.
    agent.before.ready_since = Some(due);
    let (next, was_asked) = agent.reconcile(&silences, Sessions::Idle, due + TIMEOUT);
    assert_eq!((next.state, was_asked), (State::Asleep, true));
}

#[test]
fn one_that_is_silent_after_its_restart_delays_the_sleep_once() {
    let silences = Answers::default();
    let mut agent = Idle::new(0, START);
    let due = START + TIMEOUT;
    agent.reconcile(&silences, Sessions::NoAnswer, due);
    agent.before.ready_since = Some(due + Duration::minutes(1));
    let second = due + NO_ANSWER_GRACE;
    agent.reconcile(&silences, Sessions::NoAnswer, second);
    let (next, _) = agent.reconcile(&silences, Sessions::NoAnswer, second + NO_ANSWER_GRACE);
    assert_eq!(next.state, State::Asleep);
}

#[test]
fn nor_does_that_of_a_server_before_its_agent_slept() {
    let silences = Answers::default();
    let mut agent = Idle::new(0, START);
    let due = START + TIMEOUT;
    agent.reconcile(&silences, Sessions::NoAnswer, due);
    agent.reconcile(&silences, Sessions::NoAnswer, due + NO_ANSWER_GRACE);
    assert!(agent.before.asleep_since.is_some());
    let woken = due + NO_ANSWER_GRACE + Duration::minutes(1);
    agent.before = Before { idle_since: Some(woken), ..Before::default() };
    let (next, _) = agent.reconcile(&silences, Sessions::NoAnswer, woken + TIMEOUT);
    assert_eq!(next.state, State::Awake);
}
