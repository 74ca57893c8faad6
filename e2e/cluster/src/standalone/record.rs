//! What is known of a cluster between runs. It is written before the first thing is made and removed after the last one is gone,
//! so that what it names is ours, and what it does not name is not.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ipnetwork::Ipv4Network;
use serde::{Deserialize, Serialize};

use super::layout::{self, Layout};
use super::releases::{self, Release};
use super::{cgroups, subnets};
use crate::name::ClusterName;
use crate::version::{Minor, Wanted};
use task::shell::Cmd;

const FILE: &str = "cluster.json";

#[derive(Serialize, Deserialize)]
struct Record {
    number: u8,
    /// Clusters from before there was a choice do not say.
    #[serde(default = "only_minor")]
    kubernetes: Minor,
}

fn only_minor() -> Minor {
    Minor(34)
}

/// Keeps a second `up` or `down` out until it is dropped.
pub(super) struct Lock(#[expect(dead_code, reason = "held open for its lock")] File);

pub(super) fn lock() -> Result<Lock> {
    let clusters = layout::clusters()?;
    fs::create_dir_all(&clusters).with_context(|| clusters.display().to_string())?;
    let folder = File::open(&clusters)?;
    folder.lock()?;
    Ok(Lock(folder))
}

/// The cluster, if there is one by that name, whole or not.
pub(super) fn find(name: &ClusterName) -> Result<Option<Layout>> {
    let clusters = layout::clusters()?;
    let Some(record) = read(&clusters.join(name.as_str()))? else { return Ok(None) };
    Layout::new(&clusters, name, record.kubernetes, record.number).map(Some)
}

/// The cluster by that name, with the release that it runs; a new one gets addresses that are free.
pub(super) fn find_or_create(
    name: &ClusterName,
    wanted: Option<Wanted>,
) -> Result<(Layout, Release)> {
    if let Some(layout) = find(name)? {
        let release = present(&layout, wanted)?;
        return Ok((layout, release));
    }
    let release = releases::choose(wanted)?;
    let kubernetes = release.version.minor;
    let clusters = layout::clusters()?;
    let taken = taken(&clusters)?;
    let number = subnets::first_free(&host_routes()?, &taken)
        .context("every network of 10.180.0.0/12 is in use")?;
    let layout = Layout::new(&clusters, name, kubernetes, number)?;
    refuse_strangers(&layout)?;
    write(&layout, &Record { number, kubernetes })?;
    Ok((layout, release))
}

/// What a cluster that is there runs. Another patch is started in place; what one minor has written, another
/// may not read.
fn present(layout: &Layout, wanted: Option<Wanted>) -> Result<Release> {
    let Layout { name, kubernetes, .. } = layout;
    if let Some(wanted) = wanted.filter(|wanted| wanted.minor != *kubernetes) {
        bail!(
            "cluster {name} is Kubernetes {kubernetes}, not {wanted}: take it down first, or choose another --name"
        );
    }
    releases::choose(Some(wanted.unwrap_or(Wanted { minor: *kubernetes, patch: None })))
}

/// The last thing to go.
pub(super) fn remove(layout: &Layout) -> Result<()> {
    fs::remove_file(layout.path(FILE))?;
    fs::remove_dir(layout.folder())?;
    // The other clusters' folders keep it.
    let _ = fs::remove_dir(layout::clusters()?);
    Ok(())
}

/// Whether a path of the cluster's folder is the record itself.
pub(super) fn is_record(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FILE)
}

fn read(folder: &Path) -> Result<Option<Record>> {
    match fs::read(folder.join(FILE)) {
        Ok(bytes) => Ok(Some(
            serde_json::from_slice(&bytes)
                .with_context(|| folder.join(FILE).display().to_string())?,
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| folder.display().to_string()),
    }
}

fn write(layout: &Layout, record: &Record) -> Result<()> {
    fs::create_dir_all(layout.folder())?;
    super::files::write(&layout.path(FILE), &serde_json::to_vec(record)?)
}

fn taken(clusters: &Path) -> Result<Vec<u8>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(clusters)? {
        numbers.extend(read(&entry?.path())?.map(|record| record.number));
    }
    Ok(numbers)
}

fn host_routes() -> Result<Vec<Ipv4Network>> {
    #[derive(Deserialize)]
    struct Route {
        dst: String,
    }
    let routes: Vec<Route> =
        serde_json::from_str(&Cmd::new("ip").args(["-4", "-json", "route"]).read()?)?;
    Ok(routes.iter().filter_map(|route| route.dst.parse().ok()).collect())
}

/// Things by our names that no record speaks of belong to somebody else.
fn refuse_strangers(layout: &Layout) -> Result<()> {
    if Path::new("/sys/class/net").join(layout.host_link()).exists() {
        bail!("a network link {} is there already, and not by this tool", layout.host_link());
    }
    if let Some(path) = cgroups::existing(&layout.name)?.first() {
        bail!(
            "the cgroup {} is there already, and not by this tool: choose another --name",
            path.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standalone::layout::demo;

    #[test]
    fn a_cluster_keeps_the_minor_that_it_was_made_with() {
        let mut old = demo();
        old.kubernetes = Minor(34);
        let release = |wanted: Option<&str>| present(&old, wanted.map(|it| it.parse().unwrap()));
        assert_eq!(release(None).unwrap().version.minor, Minor(34));
        assert_eq!(release(Some("1.34")).unwrap().version.minor, Minor(34));
        let refusal = release(Some("1.37")).unwrap_err().to_string();
        assert!(refusal.contains("is Kubernetes 1.34, not 1.37"), "{refusal}");
    }

    #[test]
    fn a_record_without_a_kubernetes_is_of_the_first_that_could_be_built() {
        let record: Record = serde_json::from_str(r#"{"number": 3}"#).unwrap();
        assert_eq!((record.number, record.kubernetes), (3, Minor(34)));
    }
}
