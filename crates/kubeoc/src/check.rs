//! `kubeoc check`: whether an installation is well. It reads what there is, judges it, and says of each
//! fault how to mend it. It changes nothing; only where it is asked to, it makes an agent, and deletes it.

mod certificates;
mod collect;
mod facts;
mod finding;
mod kubernetes;
mod network;
mod rights;
mod scope;
mod scratch;
mod workloads;

use crate::{
    cli::CheckOptions,
    cluster::{Cluster, answer},
    now, print, render,
};
use facts::Facts;
use finding::{Finding, Level};

pub(crate) async fn run(options: &CheckOptions) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&options.place).await?;
    let collected = Box::pin(collect::collect(&cluster, &options.watch_namespaces));
    let facts = answer(options.place.timeout, collected).await?;
    let mut findings = judge(&facts);
    if let Some(namespace) = &options.scratch_agent {
        findings.extend(Box::pin(scratch::check(&cluster, namespace, options)).await?);
    }
    print(&match options.output {
        Some(format) => render::object(&findings, format)?,
        None => finding::text(&findings),
    })?;
    match findings.iter().filter(|finding| finding.level == Level::Failed).count() {
        0 => Ok(()),
        1 => anyhow::bail!("1 check failed"),
        failed => anyhow::bail!("{failed} checks failed"),
    }
}

fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = kubernetes::judge(facts);
    findings.extend(workloads::judge(facts));
    findings.extend(certificates::judge(facts, now()));
    findings.extend(network::judge(facts));
    findings.extend(scope::judge(facts));
    findings.extend(rights::judge(facts));
    findings
}
