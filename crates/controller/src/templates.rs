//! Writes the status of each AgentTemplate. It must not concern itself with the Agents that use it.

use std::{sync::Arc, time::Duration};

use api_types::AgentTemplate;
use daemon::clock;
use kube::{
    Api, Client, Resource,
    runtime::{reflector::Store, watcher::DefaultBackoff},
};
use tokio::{sync::Notify, time::sleep};

use crate::{
    error::ControllerError, guard::Guarded, metrics::Metrics, publish::patch_status,
    status::template_status,
};

/// The wait after a failure where the back-off has none to offer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Publishes whenever `changed` is notified, for ever. However many templates changed, they are gone
/// through once: what is up to date costs no request.
pub async fn publish_statuses(
    client: Client,
    templates: Store<Guarded<AgentTemplate>>,
    changed: Arc<Notify>,
    metrics: Metrics,
) {
    loop {
        changed.notified().await;
        let mut waits = DefaultBackoff::default();
        while let Err(error) = publish_all(&client, &templates).await {
            metrics.failed(error.category());
            let wait = waits.next().unwrap_or(LONGEST_WAIT);
            tracing::warn!(%error, ?wait, "cannot write the status of a template; retrying");
            sleep(wait).await;
        }
    }
}

/// One that fails does not hold up the others; the first failure is returned.
async fn publish_all(
    client: &Client,
    templates: &Store<Guarded<AgentTemplate>>,
) -> Result<(), ControllerError> {
    let mut failure = Ok(());
    for template in templates.state() {
        let metadata = template.meta();
        if metadata.deletion_timestamp.is_some() {
            continue;
        }
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let api: Api<Guarded<AgentTemplate>> = Api::namespaced(client.clone(), namespace);
        let written = patch_status(&api, metadata, template_status(&template, clock::now())).await;
        match written {
            // Until the template changes, which is noticed, it would be refused again.
            Err(error) if error.is_refusal() => {
                tracing::warn!(%error, "a template's status was refused");
            }
            written => failure = failure.and(written.map(drop)),
        }
    }
    failure
}
