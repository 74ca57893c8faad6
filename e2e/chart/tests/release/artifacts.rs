//! What `cargo xtask release --dry-run` leaves.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, sync::LazyLock};

use chart::{Outcome, helm, program, root, run};
use serde_json::Value;

/// The folder, filled once.
pub(crate) static ARTIFACTS: LazyLock<PathBuf> = LazyLock::new(|| {
    let Outcome { succeeded, errors, .. } = release(&[]);
    assert!(succeeded, "{errors}");
    root().join("target/release-artifacts")
});

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn release(further: &[&str]) -> Outcome {
    let mut xtask = Command::new(program("XTASK").unwrap());
    xtask.args(["release", "--dry-run"]).args(further);
    run(xtask, "").unwrap()
}

fn text(name: &str) -> String {
    fs::read_to_string(ARTIFACTS.join(name)).unwrap()
}

#[test]
fn every_file_has_its_checksum() {
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(&*ARTIFACTS);
    let checked = run(check, "").unwrap();
    assert!(checked.succeeded, "{}{}", checked.output, checked.errors);
    let listed: BTreeSet<_> =
        text("SHA256SUMS").lines().map(|line| line[66..].to_owned()).collect();
    let mut there: BTreeSet<_> = fs::read_dir(&*ARTIFACTS)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(there.remove("SHA256SUMS"));
    assert_eq!(listed, there);
    for name in
        ["kubeopencode-crds.yaml", "images.txt", "kubeoc.cdx.json", "provenance.intoto.json"]
    {
        assert!(there.contains(name), "{name}: {there:?}");
    }
}

#[test]
fn the_packaged_chart_has_the_version_and_its_images_as_well() {
    let chart = ARTIFACTS.join(format!("kubeopencode-{VERSION}.tgz"));
    let rendered = helm(&["template", "kubeopencode"], &[&chart]).unwrap();
    assert!(rendered.succeeded, "{}", rendered.errors);
    for name in ["controller", "gateway", "terminal-broker", "kubeoc"] {
        let image = format!("ghcr.io/kubeopencode/{name}:{VERSION}");
        assert!(rendered.output.contains(&image), "{image}");
    }
    let list = text("images.txt");
    assert!(list.contains(&format!("ghcr.io/kubeopencode/gateway:{VERSION}@sha256:")), "{list}");
}

#[test]
fn kubeoc_runs_out_of_its_archive() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = fs::read_dir(&*ARTIFACTS).unwrap().map(|entry| entry.unwrap().path());
    let archive = names.find(|path| path.to_string_lossy().ends_with(".tar.gz")).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(archive).arg("--directory").arg(folder.path());
    assert!(run(tar, "").unwrap().succeeded);
    let mut kubeoc = Command::new(folder.path().join("kubeoc"));
    kubeoc.arg("--version");
    assert!(run(kubeoc, "").unwrap().output.contains(VERSION));
    assert!(folder.path().join("LICENSE").exists());
}

#[test]
fn the_provenance_names_every_file_that_was_made_before_it_and_this_commit() {
    let provenance: Value = serde_json::from_str(&text("provenance.intoto.json")).unwrap();
    let subjects: BTreeSet<_> = provenance["subject"]
        .as_array()
        .unwrap()
        .iter()
        .map(|subject| {
            format!(
                "{}  {}",
                subject["digest"]["sha256"].as_str().unwrap(),
                subject["name"].as_str().unwrap()
            )
        })
        .collect();
    for line in text("SHA256SUMS").lines().filter(|line| !line.ends_with("provenance.intoto.json"))
    {
        assert!(subjects.contains(line), "{line}: {subjects:?}");
    }
    assert!(subjects.iter().any(|subject| subject.ends_with("kubeopencode/gateway")));
}

#[test]
fn a_version_that_is_not_the_workspaces_is_refused() {
    let refused = release(&["--version", "99.0.0"]);
    assert!(!refused.succeeded);
    assert!(
        refused.errors.contains(VERSION) && refused.errors.contains("99.0.0"),
        "{}",
        refused.errors
    );
}
