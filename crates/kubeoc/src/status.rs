//! `kubeoc agent status`: what an agent is, what it waits for, and what to do about it.

mod report;

use api_types::Agent;

use crate::{
    cli::StatusOptions,
    cluster::{Cluster, answer},
    now, print, render,
};
use report::Report;

pub(crate) async fn run(options: &StatusOptions) -> anyhow::Result<()> {
    let place = &options.target.place;
    let cluster = Cluster::connect(place).await?;
    let stored = answer(place.timeout, cluster.get::<Agent>(&options.target.name)).await?;
    let report = Report::of(&stored);
    match options.output {
        Some(format) => print(&render::object(&report, format)?),
        None => print(&report::text(&report, now())),
    }
}
