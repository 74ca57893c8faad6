//! `kubeoc certificates remove`: deletes the Secrets that `renew` made, and no other. The chart runs it
//! once all else of an installation is gone.

use pki::{Removal, removal, secret_names};

use super::report;
use crate::{
    cli::RemoveOptions,
    cluster::{Cluster, Written, within},
    print,
};

pub(crate) async fn run(options: &RemoveOptions) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&options.place).await?;
    let work = Box::pin(remove(&cluster));
    let lines = within(options.place.timeout, work, || "the API server".to_owned()).await?;
    print(&lines)
}

async fn remove(cluster: &Cluster) -> anyhow::Result<String> {
    let mut lines = String::new();
    for name in secret_names() {
        lines += &report::removed(name, one(cluster, name).await?, &cluster.namespace);
    }
    Ok(lines)
}

/// Judges the Secret as it is when it is deleted: who writes it meanwhile may have made it another's.
async fn one(cluster: &Cluster, name: &str) -> anyhow::Result<Removal> {
    loop {
        let secret = cluster.get_secret(name).await?;
        let removal = removal(secret.as_ref());
        let Some(secret) = secret.filter(|_| removal == Removal::Delete) else {
            return Ok(removal);
        };
        if cluster.delete_secret(&secret).await? == Written::Stored {
            return Ok(removal);
        }
    }
}
