//! `kubeoc certificates issue`: makes the client certificate of one tool, by the authority that there is. It writes no other
//! Secret.

use pki::{
    AUTHORITY_SECRET, Adoption, Done, RENEW_BEFORE_DAYS, Renewal, Settings, Tool, VALIDITY_DAYS,
};
use time::Duration;

use super::{renew::settle, report};
use crate::{
    cli::IssueOptions,
    cluster::{Cluster, within},
    print,
};

pub(crate) async fn run(options: &IssueOptions) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&options.place).await?;
    let tool = Tool::new(options.name.clone(), options.roles.iter().copied());
    let secret = tool.secret().to_owned();
    let settings = Settings {
        namespace: cluster.namespace.clone(),
        validity: Duration::days(VALIDITY_DAYS),
        renew_before: Duration::days(RENEW_BEFORE_DAYS),
        adopt: Adoption::Refused,
        tools: vec![tool],
    };
    let narrow = |renewal| only(renewal, &secret, &cluster.namespace);
    let work = Box::pin(settle(&cluster, &settings, narrow));
    let renewal = within(options.place.timeout, work, || "the API server".to_owned()).await?;
    print(&report::issued(&renewal))?;
    anyhow::ensure!(!renewal.is_blocked(), "the certificate is not made: see the lines above");
    Ok(())
}

/// What concerns one Secret. Its certificate is signed by an authority that is stored and stays.
fn only(renewal: Renewal, secret: &str, namespace: &str) -> anyhow::Result<Renewal> {
    let Renewal { mut writes, mut outcomes } = renewal;
    let of = |name: &Option<String>, secret: &str| name.as_deref() == Some(secret);
    anyhow::ensure!(
        !writes.iter().any(|write| of(&write.metadata.name, AUTHORITY_SECRET)),
        "the authority in Secret {AUTHORITY_SECRET} is missing or about to change: run `kubeoc \
         certificates renew -n {namespace}` first"
    );
    writes.retain(|write| of(&write.metadata.name, secret));
    outcomes.retain(|outcome| {
        let in_the_way =
            outcome.secret == AUTHORITY_SECRET && matches!(outcome.done, Done::Left(_));
        outcome.secret == secret || in_the_way
    });
    Ok(Renewal { writes, outcomes })
}
