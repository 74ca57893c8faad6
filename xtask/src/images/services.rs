//! What a company has around its agents, for the end-to-end tests: web and git servers over TLS, ssh, a forward proxy
//! and an npm registry, each a program that others run too.

use anyhow::Result;

use super::{Image, Parts, Platform, agent, debian, npm};

const PACKAGES: &str =
    "git,lighttpd,lighttpd-mod-openssl,libstdc++6,lsb-base,openssh-server,tinyproxy-bin";

/// sshd wants its user to be known, and takes no user whose account is locked.
const HOOKS: [&str; 1] =
    ["chroot \"$1\" useradd --uid 1000 --create-home --shell /bin/sh --password x git"];

/// Each container of a test's pod names the program that it runs.
const CONTAINERFILE: &str = r"FROM scratch
ADD root.tar /
COPY local /usr/local
COPY registry /opt/registry
USER 1000:1000
";

pub(super) fn services() -> Result<Image> {
    let platform = Platform::host();
    let mut parts = Parts::new("services", platform, CONTAINERFILE);
    parts.key = debian::key(npm::locked(parts.key, "services")?, PACKAGES, &HOOKS);
    parts.key = npm::locked(parts.key, "agent-devbox")?;
    parts.image("image services", |context| {
        debian::bootstrap(context, platform, PACKAGES, &HOOKS)?;
        agent::node(platform, &context.join("local"))?;
        npm::install("services", platform, &context.join("registry"))
    })
}
