//! `kubeoc certificates renew`: makes the certificates of an installation, and renews those that are about
//! to end. What is due is decided by `pki`; programs read the files anew by themselves.

use pki::{Adoption, Renewal, Settings, renew, secret_names};
use time::Duration;

use super::report;
use crate::{
    cli::RenewOptions,
    cluster::{Cluster, Written, within},
    exit::Failure,
    now, print,
};

pub(crate) async fn run(options: &RenewOptions) -> anyhow::Result<()> {
    if options.renew_before >= options.validity {
        return Err(Failure::Usage(format!(
            "--renew-before ({} days) has to be shorter than --validity ({} days)",
            options.renew_before, options.validity
        ))
        .into());
    }
    let cluster = Cluster::connect(&options.place).await?;
    let settings = Settings {
        namespace: cluster.namespace.clone(),
        validity: Duration::days(options.validity),
        renew_before: Duration::days(options.renew_before),
        adopt: if options.adopt { Adoption::Allowed } else { Adoption::Refused },
    };
    // A run that hangs must not write much later what it decided now.
    let work = Box::pin(settle(&cluster, &settings));
    let renewal = within(options.place.timeout, work, || "the API server".to_owned()).await?;
    print(&report::renewed(&renewal))?;
    if renewal.is_blocked() {
        anyhow::bail!("not all certificates are renewed: see the lines above");
    }
    Ok(())
}

/// Reads and writes until nobody else writes in between.
async fn settle(cluster: &Cluster, settings: &Settings) -> anyhow::Result<Renewal> {
    loop {
        let mut observed = vec![];
        for name in secret_names() {
            observed.extend(cluster.get_secret(name).await?);
        }
        let renewal = renew(&observed, settings, now())?;
        if write(cluster, &renewal).await? == Written::Stored {
            return Ok(renewal);
        }
    }
}

/// The authority comes first: nobody else's certificate is signed by one that is not stored.
async fn write(cluster: &Cluster, renewal: &Renewal) -> anyhow::Result<Written> {
    for secret in &renewal.writes {
        if cluster.put_secret(secret).await? == Written::Conflict {
            return Ok(Written::Conflict);
        }
    }
    Ok(Written::Stored)
}
