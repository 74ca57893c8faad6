//! The two images an agent's pod is made of: OpenCode itself, and the box that the agent works in.

use std::{fs, path::Path};

use anyhow::Result;

use super::{Image, reference};
use crate::{
    apt::{self, Needed},
    buildah,
    cache::{self, Key, Origin},
    paths,
    shell::Cmd,
    step,
};

/// Part of every key: a change of how images are made makes new ones.
const RECIPE: &str = "1";

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
    let key =
        Key::new().bytes(RECIPE).bytes(AGENT_CONTAINERFILE).path(&pin.join("package-lock.json"))?;
    image("agent-opencode", key, |context| {
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
        fs::remove_dir_all(install)?;
        Ok(AGENT_CONTAINERFILE)
    })
}

/// A Debian of a few packages, from the machine's own package sources.
pub(super) fn devbox() -> Result<Image> {
    let key =
        Key::new().bytes(RECIPE).bytes(DEBIAN).bytes(DEVBOX_PACKAGES).bytes(DEVBOX_CONTAINERFILE);
    image("agent-devbox", key, |context| {
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
        fs::remove_file(options)?;
        Ok(DEVBOX_CONTAINERFILE)
    })
}

/// How this machine reaches its package sources: proxies, and what it checks.
fn acquire_options() -> Result<String> {
    let all = Cmd::new("apt-config").arg("dump").read()?;
    let keys = ["Acquire::http", "Acquire::https", "Acquire::Check-"];
    let lines = all.lines().filter(|line| keys.iter().any(|key| line.starts_with(key)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// `fill` puts the files into a folder and returns the Containerfile.
fn image(
    name: &'static str,
    key: Key,
    fill: impl FnOnce(&Path) -> Result<&'static str>,
) -> Result<Image> {
    let tag = key.clone().finish();
    step::run(&format!("image {name}"), |step| {
        let built = cache::get_or_build(&format!("image-{name}"), key, |folder| {
            let context = folder.join("context");
            fs::create_dir(&context)?;
            let containerfile = fill(&context)?;
            buildah::archive(
                &context,
                containerfile,
                &reference(name, &tag),
                &folder.join("image.tar"),
            )?;
            Ok(fs::remove_dir_all(context)?)
        })?;
        if built.origin == Origin::Cache {
            step.note("from cache");
        }
        Ok(Image::new(name, &tag, built.path.join("image.tar")))
    })
}
