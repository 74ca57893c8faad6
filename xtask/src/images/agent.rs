//! The two images an agent's pod is made of: OpenCode itself, and the box that the agent works in.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context, Result};

use super::{Image, Parts, Platform, debian, npm};
use crate::apt::{self, Needed};

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
pub(super) fn opencode(platform: Platform) -> Result<Image> {
    let mut parts = Parts::new("agent-opencode", platform, AGENT_CONTAINERFILE);
    parts.key = npm::locked(parts.key, "agent-opencode")?;
    parts.image("image agent-opencode", |context| {
        busybox(platform, &context.join("busybox"))?;
        let package = context.join("npm");
        npm::unpack("agent-opencode", &format!("opencode-linux-{}", platform.node()), &package)?;
        fs::rename(package.join("bin/opencode"), context.join("opencode"))?;
        Ok(fs::remove_dir_all(package)?)
    })
}

/// Debian's, which is static: this machine's, or that of another platform's package.
fn busybox(platform: Platform, program: &Path) -> Result<()> {
    if platform == Platform::host() {
        apt::ensure(&[Needed { program: "/bin/busybox", package: "busybox-static" }])?;
        fs::copy("/bin/busybox", program)?;
        return Ok(());
    }
    let root = program.with_added_extension("root");
    debian::extract(platform, "busybox-static", &root)?;
    fs::copy(root.join("bin/busybox"), program)?;
    Ok(fs::remove_dir_all(root)?)
}

/// A Debian of a few packages, from the machine's own package sources, with Node.js, whose npm installs plugins.
pub(super) fn devbox(platform: Platform) -> Result<Image> {
    let mut parts = Parts::new("agent-devbox", platform, DEVBOX_CONTAINERFILE);
    parts.key =
        debian::key(npm::locked(parts.key, "agent-devbox")?, DEVBOX_PACKAGES, &DEVBOX_HOOKS);
    parts.image("image agent-devbox", |context| {
        debian::bootstrap(context, platform, DEVBOX_PACKAGES, &DEVBOX_HOOKS)?;
        node(platform, &context.join("local"))
    })
}

/// Node.js and its npm from their npm packages, into `folder`, such as `/usr/local`: Debian's are old, and its npm brings
/// hundreds of packages.
pub(super) fn node(platform: Platform, folder: &Path) -> Result<()> {
    let (bin, modules) = (folder.join("bin"), folder.join("lib/node_modules"));
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(&modules)?;
    let install = folder.join("npm");
    npm::install("agent-devbox", platform, &install)?;
    let packages = install.join("node_modules");
    let package = format!("node-linux-{}", platform.node());
    fs::rename(packages.join(&package).join("bin/node"), bin.join("node"))
        .with_context(|| format!("npm has no {package}, which the lock file pins"))?;
    fs::rename(packages.join("npm"), modules.join("npm"))?;
    for program in ["npm", "npx"] {
        let script = format!("../lib/node_modules/npm/bin/{program}-cli.js");
        symlink(script, bin.join(program))?;
    }
    Ok(fs::remove_dir_all(install)?)
}
