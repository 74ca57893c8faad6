//! The two images an agent's pod is made of: OpenCode itself, and the box that the agent works in.

use std::fs;

use anyhow::Result;

use super::{Image, Parts};
use crate::{
    apt::{self, Needed},
    paths,
    shell::Cmd,
};

/// The release of Debian that the devbox is made of.
const DEBIAN: &str = "bookworm";

/// What an agent finds in the devbox, beside Debian's essential packages.
const DEVBOX_PACKAGES: &str = "bash,ca-certificates,curl,git,less,openssh-client,procps,ripgrep";

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
ENV LANG=C.UTF-8
USER 1000:1000
WORKDIR /workspace
CMD ["/bin/bash"]
"#;

/// OpenCode's binary from its npm package; the lock file pins its version and its integrity hash.
pub(super) fn opencode() -> Result<Image> {
    let pin = paths::repository().join("e2e/images/agent-opencode");
    let mut parts = Parts::new("agent-opencode", AGENT_CONTAINERFILE);
    parts.key = parts.key.path(&pin.join("package-lock.json"))?;
    parts.image("image agent-opencode", |context| {
        apt::ensure(&[Needed { program: "/bin/busybox", package: "busybox-static" }])?;
        fs::copy("/bin/busybox", context.join("busybox"))?;
        let install = context.join("npm");
        fs::create_dir(&install)?;
        for file in ["package.json", "package-lock.json", ".npmrc"] {
            fs::copy(pin.join(file), install.join(file))?;
        }
        Cmd::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&install)
            .run()?;
        fs::rename(
            install.join("node_modules/opencode-linux-x64/bin/opencode"),
            context.join("opencode"),
        )?;
        Ok(fs::remove_dir_all(install)?)
    })
}

/// A Debian of a few packages, from the machine's own package sources.
pub(super) fn devbox() -> Result<Image> {
    let mut parts = Parts::new("agent-devbox", DEVBOX_CONTAINERFILE);
    parts.key = parts.key.bytes(DEBIAN).bytes(DEVBOX_PACKAGES);
    parts.image("image agent-devbox", |context| {
        apt::ensure(&[Needed { program: "mmdebstrap", package: "mmdebstrap" }])?;
        let options = context.join("apt.conf");
        fs::write(&options, acquire_options()?)?;
        Cmd::new("mmdebstrap")
            .args(["--quiet", "--variant=essential", &format!("--include={DEVBOX_PACKAGES}")])
            .arg(format!("--aptopt={}", options.display()))
            .arg("--customize-hook=chroot \"$1\" useradd --uid 1000 --create-home --shell /bin/bash agent")
            .arg("--customize-hook=install -d -o 1000 -g 1000 \"$1/workspace\"")
            .arg(DEBIAN)
            .arg(context.join("root.tar"))
            .run()?;
        Ok(fs::remove_file(options)?)
    })
}

/// How this machine reaches its package sources: proxies, and what it checks.
fn acquire_options() -> Result<String> {
    let all = Cmd::new("apt-config").arg("dump").read()?;
    let keys = ["Acquire::http", "Acquire::https", "Acquire::Check-"];
    let lines = all.lines().filter(|line| keys.iter().any(|key| line.starts_with(key)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
