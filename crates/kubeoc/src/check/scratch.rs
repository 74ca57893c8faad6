//! An agent that is made to be looked at: whether it gets ready, and whether its link opens. It is deleted
//! whatever happens meanwhile, Ctrl-C included.

mod agent;
mod interrupt;
mod verdict;
mod visit;

use std::{cell::RefCell, time::Duration};

use api_types::{Agent, ShareToken};
use backon::{ConstantBuilder, Retryable};
use tokio::time::Instant;
use uuid::Uuid;

use super::finding::Finding;
use crate::{
    cli::CheckOptions,
    cluster::{Cluster, Created, answer, within},
    exit::report,
    now, report_wait,
    share::until_active,
    state::State,
};
use interrupt::Interrupt;
use verdict::{Verdict, judge};
use visit::Way;

/// How long the deletion may take.
const DELETION: Duration = Duration::from_secs(15);

/// A gateway learns of a link within a second; one that begins to serve, later.
const LOOKS: usize = 40;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The agent, and what it is looked at for.
struct Scratch<'a> {
    /// Its namespace.
    space: Cluster,
    /// The installation's.
    system: &'a Cluster,
    name: String,
    way: Way<'a>,
    options: &'a CheckOptions,
    waiting_for: RefCell<String>,
}

/// Makes the agent in `space` and looks at it.
pub(super) async fn check(
    system: &Cluster,
    space: &str,
    options: &CheckOptions,
) -> anyhow::Result<Vec<Finding>> {
    let scratch = Scratch {
        space: system.of_namespace(space),
        system,
        name: agent::name(&Uuid::new_v4()),
        way: Way::choose(system, options.external_url.as_deref())?,
        options,
        waiting_for: RefCell::new("the API server".to_owned()),
    };
    // Before there is something to delete.
    let mut interrupt = Interrupt::listen()?;
    let made = tokio::select! {
        biased;
        () = interrupt.heard() => None,
        made = scratch.make() => Some(made),
    };
    let findings = match made {
        Some(Err(refused)) => return Ok(vec![*refused]),
        Some(Ok(agent)) => tokio::select! {
            biased;
            () = interrupt.heard() => None,
            findings = Box::pin(scratch.look(agent)) => Some(findings),
        },
        None => None,
    };
    let deleted = scratch.delete().await;
    match findings {
        Some(findings) => Ok(findings.into_iter().chain([deleted]).collect()),
        None => anyhow::bail!("interrupted; {}: {}", deleted.subject, deleted.message),
    }
}

impl Scratch<'_> {
    fn subject(&self) -> String {
        format!("Agent {}/{}", self.space.namespace, self.name)
    }

    /// The finding says why there is no agent, and nothing to delete.
    async fn make(&self) -> Result<Option<Agent>, Box<Finding>> {
        let agent = agent::manifest(&self.name, now() + self.options.scratch_timeout);
        let place = &self.options.place;
        match answer(place.timeout, self.space.create_agent(&agent)).await {
            Ok(Created::Stored(agent)) => Ok(Some(*agent)),
            Ok(Created::Refused(why)) => {
                let fix = agent::mend_creation(&self.space.namespace);
                Err(Box::new(Finding::failed(&self.subject(), report(&why), fix)))
            }
            // Whether it is there is not known: it is looked for, and deleted.
            Err(error) => {
                report_wait(&self.waiting_for, format!("the agent: {}", report(&error)));
                Ok(None)
            }
        }
    }

    async fn look(&self, created: Option<Agent>) -> Vec<Finding> {
        let subject = self.subject();
        let Some(created) = created else {
            let fix = "try again once the API server answers";
            return vec![Finding::failed(
                &subject,
                "the API server did not say whether it is made",
                fix,
            )];
        };
        let began = Instant::now();
        let limit = self.options.scratch_timeout;
        let active =
            Box::pin(until_active(&self.space, &created.metadata, None, None, &self.waiting_for));
        match within(limit, active, || self.waiting_for.borrow().clone()).await {
            Ok(held) => {
                let took = Duration::from_secs(began.elapsed().as_secs());
                let ready = format!("is ready after {}", humantime::format_duration(took));
                vec![Finding::ok(&subject, ready), self.visit(&held.token).await]
            }
            Err(error) => {
                let fix = self.mend().await;
                vec![Finding::failed(&subject, format!("is not ready: {}", report(&error)), fix)]
            }
        }
    }

    /// By what the agent is at last.
    async fn mend(&self) -> String {
        let place = &self.options.place;
        let last = answer(place.timeout, self.space.get::<Agent>(&self.name)).await.ok();
        let state = last.map(|last| State::of(&last.object, last.unreadable.as_deref()));
        let word = state.map(|state| state.word).unwrap_or_default();
        agent::mend(&word, &self.name, &self.space.namespace, &self.system.namespace)
    }

    /// Opens the link, until it is open or will not be.
    async fn visit(&self, token: &ShareToken) -> Finding {
        let timeout = self.options.place.timeout;
        let once = || async {
            let opened = answer(timeout, self.way.open(token)).await;
            judge(self.way.via(), opened, &self.name, &self.space.namespace)
        };
        let pace = ConstantBuilder::default().with_delay(BETWEEN_LOOKS).with_max_times(LOOKS);
        let pause = |_: &Verdict, _| {
            report_wait(&self.waiting_for, "the gateway to open the link".to_owned());
        };
        let looked = once.retry(pace).when(Verdict::may_pass).notify(pause).await;
        looked.unwrap_or_else(Verdict::finding)
    }

    async fn delete(&self) -> Finding {
        let subject = self.subject();
        match answer(DELETION, self.space.delete_agent(&self.name)).await {
            Ok(()) => Finding::ok(&subject, "is deleted"),
            Err(error) => {
                let fix = format!("kubectl delete agent {} -n {}", self.name, self.space.namespace);
                Finding::failed(&subject, format!("is not deleted: {}", report(&error)), fix)
            }
        }
    }
}
