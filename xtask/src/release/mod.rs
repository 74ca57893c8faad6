//! `cargo xtask release`: everything that a release is made of, under `target/release-artifacts`; without `--dry-run` also
//! images and chart in a registry. Signing is the workflow's, which has an identity.

mod end_to_end;
mod provenance;
mod sbom;
mod test;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use ring::digest;

pub(crate) use end_to_end::end_to_end;
pub(crate) use test::workflows;

use crate::{
    cluster, deny,
    images::{self, Destination, Layout, Platform, Pushing, RegistryAddress, Transport},
    interrupt, paths,
    shell::Cmd,
    step,
};

/// The one source of the version; programs say it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

const SUMS: &str = "SHA256SUMS";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Version of the release; it must be the workspace's.
    #[arg(long, default_value = VERSION)]
    version: String,
    /// Where images and chart go, such as `ghcr.io`.
    #[arg(long, value_name = "REGISTRY", required_unless_present_any = ["dry_run", "test"])]
    registry: Option<RegistryAddress>,
    #[command(flatten)]
    pushing: Pushing,
    /// Run each program once, by QEMU where it is for another machine.
    #[arg(long)]
    smoke: bool,
    /// Push nothing, and check no advisories.
    #[arg(long)]
    dry_run: bool,
    /// Make no release, but run tests of one.
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["dry_run", "registry", "smoke"])]
    test: Option<Tested>,
    /// With `--test artifacts`: what the test runner is told, such as a part of a test's name.
    #[arg(last = true, value_name = "ARGUMENTS", requires = "test")]
    runner: Vec<String>,
    #[command(flatten)]
    cluster: cluster::Choice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Tested {
    /// What a release is made of, and images in a registry.
    Artifacts,
    /// The packed chart and images of a registry, in a cluster of their own.
    Cluster,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    interrupt::listen()?;
    match arguments.test {
        Some(Tested::Artifacts) => {
            return test::run(&arguments.runner);
        }
        Some(Tested::Cluster) => return end_to_end(&arguments.cluster),
        None => {}
    }
    let version = &arguments.version;
    ensure!(
        version == VERSION,
        "this is version {VERSION}, not {version}: set it in Cargo.toml first"
    );
    if !arguments.dry_run {
        deny::advisories()?;
    }
    let platforms = &arguments.pushing.platform;
    let layouts = images::layouts(&images::build_all(platforms)?)?;
    if arguments.smoke {
        platforms.iter().try_for_each(|platform| images::smoke(*platform))?;
    }
    let folder = paths::repository().join("target/release-artifacts");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let chart = artifacts(&folder, platforms, &layouts, arguments.registry.as_ref())?;
    if let Some(registry) = arguments.registry.as_ref().filter(|_| !arguments.dry_run) {
        let destination = arguments.pushing.to(registry);
        images::push(&layouts, destination)?;
        push_chart(&chart, destination)?;
    }
    print!("{}", fs::read_to_string(folder.join(SUMS))?);
    Ok(())
}

/// The tests of what a release is made of.
pub(crate) fn test() -> Result<()> {
    test::run(&[])
}

/// Fills `folder`, and returns the packaged chart.
fn artifacts(
    folder: &Path,
    platforms: &[Platform],
    layouts: &[Layout],
    registry: Option<&RegistryAddress>,
) -> Result<PathBuf> {
    let chart = step::run("chart", |_| package_chart(folder))?;
    step::run("definitions", |_| definitions(folder))?;
    step::run("kubeoc", |_| platforms.iter().try_for_each(|platform| archive(*platform, folder)))?;
    fs::write(folder.join("images.txt"), list(layouts, registry))?;
    sbom::write(folder)?;
    let subjects = sums(folder)?;
    step::run("provenance", |_| provenance::write(folder, &subjects, layouts))?;
    let lines = sums(folder)?.into_iter().map(|(name, hash)| format!("{hash}  {name}\n"));
    fs::write(folder.join(SUMS), lines.collect::<String>())?;
    Ok(chart)
}

fn package_chart(folder: &Path) -> Result<PathBuf> {
    Cmd::new(cluster::ensure_helm()?)
        .args(["package", "--version", VERSION, "--app-version", VERSION, "--destination"])
        .arg(folder)
        .arg(paths::repository().join("helm/kubeopencode"))
        .run()?;
    Ok(folder.join(format!("kubeopencode-{VERSION}.tgz")))
}

/// For those who apply them without the chart.
fn definitions(folder: &Path) -> Result<()> {
    let source = paths::repository().join("manifests/crds");
    let mut files =
        fs::read_dir(source)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    let texts = files.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<_> = texts.iter().map(|text| text.trim_start_matches("---\n")).collect();
    Ok(fs::write(folder.join("kubeopencode-crds.yaml"), texts.join("---\n"))?)
}

/// The command line for a platform. Made again of the same program it is the same file.
fn archive(platform: Platform, folder: &Path) -> Result<()> {
    let name = format!("kubeoc-{VERSION}-linux-{}.tar.gz", platform.architecture());
    let program = images::program_for("kubeoc", platform)?;
    Cmd::new("tar")
        .args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--use-compress-program=gzip --no-name", "--create", "--file"])
        .arg(folder.join(name))
        .arg("--directory")
        .arg(program.parent().context("a program lies in a folder")?)
        .arg("kubeoc")
        .arg("--directory")
        .arg(paths::repository())
        .arg("LICENSE")
        .run()
}

/// One line for each image, with its digest.
fn list(layouts: &[Layout], registry: Option<&RegistryAddress>) -> String {
    let host = registry.map_or("ghcr.io", RegistryAddress::as_str);
    let line = |Layout { name, digest, .. }: &Layout| {
        format!("{host}/{}:{VERSION}@{digest}\n", images::repository(name))
    };
    layouts.iter().map(line).collect()
}

/// The chart beside the images: `oci://ghcr.io/kubeopencode/charts/kubeopencode`.
fn push_chart(
    chart: &Path,
    Destination { registry, transport, .. }: Destination<'_>,
) -> Result<()> {
    let target = format!("oci://{}/kubeopencode/charts", registry.as_str());
    step::run(&format!("push chart to {target}"), |_| {
        let mut helm = Cmd::new(cluster::ensure_helm()?).arg("push").arg(chart).arg(&target);
        if transport == Transport::Plain {
            helm = helm.arg("--plain-http");
        }
        // Helm has a file of its own, and looks at this one by itself only where nothing names another.
        if let Some(folder) = paths::variable("DOCKER_CONFIG") {
            helm = helm.arg("--registry-config").arg(Path::new(&folder).join("config.json"));
        }
        helm.run()
    })
}

/// Names and SHA-256 of all files, sorted.
fn sums(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut sums = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hash = digest::digest(&digest::SHA256, &fs::read(entry.path())?);
        sums.push((entry.file_name().to_string_lossy().into_owned(), hex::encode(hash)));
    }
    sums.sort();
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_one_stream_of_documents() {
        let folder = tempfile::tempdir().unwrap();
        definitions(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join("kubeopencode-crds.yaml")).unwrap();
        let names: Vec<_> = serde_yaml_ng::Deserializer::from_str(&text)
            .map(|document| {
                let object: serde_json::Value = serde::Deserialize::deserialize(document).unwrap();
                assert_eq!(object["kind"], "CustomResourceDefinition");
                object["metadata"]["name"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(names, ["agents.kubeopencode.io", "agenttemplates.kubeopencode.io"]);
    }

    #[test]
    fn checksums_are_those_that_sha256sum_checks() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "text\n").unwrap();
        let hash = "b9e68e1bea3e5b19ca6b2f98b73a54b73daafaa250484902e09982e07a12e733";
        assert_eq!(sums(folder.path()).unwrap(), [("file".to_owned(), hash.to_owned())]);
    }

    #[test]
    fn the_list_of_images_names_each_by_version_and_digest() {
        let layout = Layout {
            name: "agent-devbox",
            folder: PathBuf::new(),
            digest: "sha256:0123".to_owned(),
        };
        let line =
            format!("ghcr.io/kubeopencode/kubeopencode-agent-devbox:{VERSION}@sha256:0123\n");
        assert_eq!(list(&[layout], None), line);
    }
}
