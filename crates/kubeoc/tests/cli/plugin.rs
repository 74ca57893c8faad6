//! The program as kubectl calls it.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

#[test]
fn as_a_plugin_of_kubectl_its_help_names_kubectl() {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plugin-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let plugin = folder.join("kubectl-koc");
    symlink(env!("CARGO_BIN_EXE_kubeoc"), &plugin).unwrap();
    for (arguments, usage) in [
        (&["--help"][..], "Usage: kubectl koc <COMMAND>"),
        (&["agent", "share", "--help"], "Usage: kubectl koc agent share [OPTIONS] <NAME>"),
    ] {
        let called = |program: &Path| {
            let output = Command::new(program).args(arguments).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert!(called(&plugin).contains(usage), "{}", called(&plugin));
        let own = usage.replace("kubectl koc", "kubeoc");
        assert!(called(Path::new(env!("CARGO_BIN_EXE_kubeoc"))).contains(&own));
    }
    fs::remove_dir_all(&folder).unwrap();
}
