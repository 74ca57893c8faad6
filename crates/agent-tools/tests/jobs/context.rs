//! context-init: files, folders and the document of contexts.

use std::{fs, os::unix::fs::PermissionsExt};

use agent_jobs::{ContextJob, Item, RelativePath, Source, Target};

use super::Pod;

pub(crate) fn target(pod: &Pod, path: &str) -> Target {
    Target { root: pod.text("workspace"), path: RelativePath::parse(path).unwrap() }
}

pub(crate) fn file(pod: &Pod, path: &str) -> Item {
    Item {
        label: "spec.contexts[0] \"guide\"".into(),
        source: Source::File { path: pod.text("volume/guide.md"), optional: false },
        target: target(pod, path),
        mode: 0o644,
    }
}

fn mode(pod: &Pod, relative: &str) -> u32 {
    fs::metadata(pod.path(relative)).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_file_is_written_with_its_mode_and_the_folders_above_it() {
    let pod = Pod::new();
    pod.put("volume/guide.md", "be kind\n");
    let job = ContextJob {
        items: vec![Item { mode: 0o750, ..file(&pod, "docs/deep/guide.md") }],
        document: None,
    };

    pod.run(&mut pod.command("context-init", &job)).succeeded();

    assert_eq!(pod.read("workspace/docs/deep/guide.md"), "be kind\n");
    assert_eq!(mode(&pod, "workspace/docs/deep/guide.md"), 0o750);
    assert_eq!(mode(&pod, "workspace/docs/deep"), 0o755);
}
