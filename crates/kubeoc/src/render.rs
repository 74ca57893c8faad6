//! How a link is printed, and what all output has in common. Pure.

use std::fmt::Write as _;

use anyhow::Context as _;
use api_types::{Access, Agent, LinkName, ShareToken, names};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use qrcode::{QrCode, render::unicode};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    cli::Format,
    progress::{explanation, is_active, share_reason, url_of},
    terminal,
};

/// A link as scripts read it: always these fields, `null` where one is unset.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Link {
    pub(crate) agent: String,
    pub(crate) namespace: String,
    /// `None` is the default link.
    #[serde(rename = "link")]
    pub(crate) name: Option<String>,
    pub(crate) access: Access,
    pub(crate) active: bool,
    pub(crate) token: String,
    pub(crate) path: String,
    pub(crate) url: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) expires_at: Option<OffsetDateTime>,
    #[serde(rename = "allowedIPs")]
    pub(crate) allowed_ips: Vec<String>,
    /// The reason of the condition `ShareReady`, which is the default link's.
    pub(crate) reason: Option<String>,
    /// Why the link works or does not.
    pub(crate) message: Option<String>,
}

impl Link {
    /// A link of `agent`, whose `secret` holds the token; `server_url` is the server's external
    /// URL, if the user gave one.
    pub(crate) fn of(
        agent: &Agent,
        secret: &Secret,
        link: Option<&LinkName>,
        token: &ShareToken,
        server_url: Option<&str>,
    ) -> Self {
        let spec = agent.spec.share.clone().unwrap_or_default();
        let named = link.and_then(|name| spec.links.iter().find(|one| one.name == name.as_str()));
        let named = named.cloned();
        let (access, expires_at, allowed_ips) = match named {
            None => (Access::Interact, spec.expires_at, spec.allowed_ips),
            Some(link) => (link.access, link.expires_at, link.allowed_ips),
        };
        let path = names::share_path(token);
        let url = server_url.map(|server| format!("{server}{path}"));
        Self {
            agent: agent.name_any(),
            namespace: agent.namespace().unwrap_or_default(),
            name: link.map(ToString::to_string),
            access,
            active: is_active(agent, link, token),
            token: token.expose().to_owned(),
            url: url.or_else(|| url_of(secret, link, &path)),
            path,
            expires_at,
            allowed_ips,
            reason: share_reason(agent).filter(|_| link.is_none()),
            message: explanation(agent, Some(secret), link),
        }
    }
}

/// The headline above a link that was just enabled.
pub(crate) fn enabled(link: &Link) -> String {
    let name = link.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("Share link{name} enabled for agent {}/{}\n\n", link.namespace, link.agent)
}

/// The link for humans.
pub(crate) fn text(link: &Link) -> String {
    let place = format!("{}/{}", link.namespace, link.agent);
    let networks = (!link.allowed_ips.is_empty()).then(|| link.allowed_ips.join(", "));
    let rows = [
        ("Agent:", Some(place)),
        ("Link:", link.name.clone()),
        ("Access:", link.name.as_ref().map(|_| link.access.as_str().to_owned())),
        ("Active:", Some(link.active.to_string())),
        ("Token:", Some(link.token.clone())),
        ("Path:", Some(link.path.clone())),
        ("URL:", link.url.clone()),
        ("Expires:", link.expires_at.map(rfc3339)),
        ("Allowed:", networks),
        ("Message:", link.message.clone()),
    ];
    rows.into_iter().fold(String::new(), |mut text, (label, value)| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{label:<8} {}", terminal::line(&value));
        }
        text
    })
}

/// A result as one object.
pub(crate) fn object<T: Serialize>(result: &T, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(result)? + "\n",
        Format::Yaml => serde_yaml_ng::to_string(result)?,
    })
}

/// The URL as a QR code of half blocks, dark on light as scanners expect,
/// with its quiet zone.
pub(crate) fn qr(url: &str) -> anyhow::Result<String> {
    let code = QrCode::new(url).context("the URL is too long for a QR code")?;
    let (dark, light) = (unicode::Dense1x2::Light, unicode::Dense1x2::Dark);
    Ok(code.render::<unicode::Dense1x2>().dark_color(dark).light_color(light).build() + "\n")
}

pub(crate) fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests;
