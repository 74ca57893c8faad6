//! An interpreter that has what the example in `examples/grpc/python` imports: packages pinned by their digests, and the modules
//! that are made of the .proto file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    apt::{self, Needed},
    cache::{self, Key},
    paths,
    shell::{Cmd, which},
    step,
};

const REQUIREMENTS: &str = "examples/grpc/python/requirements.txt";
const PROTO: &str = "kubeopencode/terminal/v1/terminal.proto";

/// On Debian the interpreter comes without what fills a virtual environment. The package's programs are in folders that are
/// named by Python's version; its list of files is not.
const DEBIAN: [Needed; 2] = [
    Needed { program: "python3", package: "python3" },
    Needed { program: "/var/lib/dpkg/info/python3-venv.list", package: "python3-venv" },
];

/// The path of the interpreter.
pub(crate) fn ensure() -> Result<PathBuf> {
    step::run("Python for the example", |step| {
        if !makes_environments() {
            apt::ensure(&DEBIAN)?;
        }
        let python =
            which("python3").context("python3 is missing: install Python 3.10 or later")?;
        let version = Cmd::new(&python).args(["--version"]).read()?;
        let key = Key::new()
            .bytes(python.as_os_str().as_encoded_bytes())
            .bytes(version)
            .path(&paths::repository().join(REQUIREMENTS))?
            .path(&paths::repository().join("proto").join(PROTO))?;
        let built = cache::get_or_build("python", key, |folder| fill(&python, folder))?;
        step.note(built.origin.note());
        Ok(interpreter(&built.path))
    })
}

fn makes_environments() -> bool {
    Cmd::new("python3").args(["-c", "import ensurepip, venv"]).succeeds()
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

/// Nothing of it remembers the folder's name but scripts that nobody runs: the folder gets another name in the end.
fn fill(python: &Path, folder: &Path) -> Result<()> {
    let root = paths::repository();
    Cmd::new(python).args(["-m", "venv"]).arg(folder).run()?;
    let python = interpreter(folder);
    Cmd::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
        .arg(root.join(REQUIREMENTS))
        .run()?;
    let site = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let site = Cmd::new(&python).args(["-c", site]).read()?;
    let site = site.trim();
    Cmd::new(&python)
        .args(["-m", "grpc_tools.protoc", "--proto_path=."])
        .args([format!("--python_out={site}"), format!("--grpc_python_out={site}")])
        .arg(PROTO)
        .current_dir(root.join("proto"))
        .run()
}
