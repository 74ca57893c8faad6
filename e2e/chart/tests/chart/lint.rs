//! `helm lint`, and what a package holds.

use std::fs;

use chart::{chart, helm, value_sets};

#[test]
fn helm_has_no_objection_to_any_set() {
    for (name, path) in value_sets().unwrap() {
        let lint = helm(&["lint", "--strict", "--values"], &[&path, &chart()]).unwrap();
        assert!(lint.succeeded, "{name}: {}{}", lint.output, lint.errors);
    }
}

/// A release is kept in a Secret, of at most 1 MiB: packed, the chart and all that it yields, in base64.
#[test]
fn a_release_fits_into_its_secret() {
    const MOST_BYTES: u64 = 300 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let packed = helm(&["package", "--destination"], &[folder.path(), &chart()]).unwrap();
    assert!(packed.succeeded, "{}", packed.errors);
    let package = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
    let bytes = package.metadata().unwrap().len();
    assert!(bytes < MOST_BYTES, "the package alone has {bytes} bytes");
}

/// It tags the images of a release, which is packed with the release's own version.
#[test]
fn a_packed_release_names_its_own_images() {
    let folder = tempfile::tempdir().unwrap();
    let versions = ["package", "--version=1.2.3", "--app-version=v1.2.3", "--destination"];
    assert!(helm(&versions, &[folder.path(), &chart()]).unwrap().succeeded);
    let package = folder.path().join("kubeopencode-1.2.3.tgz");
    let rendered = helm(&["template", "kubeopencode"], &[&package]).unwrap().output;
    for image in ["controller", "gateway", "terminal-broker", "kubeoc", "agent-tools"] {
        let reference = format!("ghcr.io/kubeopencode/{image}:v1.2.3");
        assert!(rendered.contains(&reference), "{reference}");
    }
    assert!(!rendered.contains(":latest"), "an image of another release");
}
