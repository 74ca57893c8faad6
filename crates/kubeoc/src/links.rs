//! `kubeoc agent links`: an agent's share links, one row each.

use api_types::{Agent, DEFAULT_LINK, LinkName, ShareLink, names};
use k8s_openapi::api::core::v1::Secret;
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    cli::LinksOptions,
    cluster::{Cluster, answer},
    print,
    progress::{belongs_to, token_of, url_of},
    render::{self, rfc3339},
    table::{Column, NONE, Shown, View, table},
};

/// A link as scripts read it: always these fields, `null` where one is unset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    access: &'static str,
    active: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    #[serde(rename = "allowedIPs")]
    allowed_ips: Vec<String>,
    max_viewers: Option<u16>,
    idle_timeout: Option<String>,
    /// Where it was asked for.
    url: Option<String>,
}

const COLUMNS: &[Column<Row>] = &[
    Column { heading: "NAME", shown: Shown::Always, cell: |row| row.name.clone() },
    Column { heading: "ACCESS", shown: Shown::Always, cell: |row| row.access.to_owned() },
    Column { heading: "ACTIVE", shown: Shown::Always, cell: |row| row.active.to_string() },
    Column {
        heading: "EXPIRES",
        shown: Shown::Always,
        cell: |row| row.expires_at.map_or_else(|| NONE.to_owned(), rfc3339),
    },
    Column {
        heading: "VIEWERS",
        shown: Shown::Always,
        cell: |row| row.max_viewers.map_or_else(|| NONE.to_owned(), |most| most.to_string()),
    },
    Column {
        heading: "IDLE",
        shown: Shown::Always,
        cell: |row| row.idle_timeout.clone().unwrap_or_default(),
    },
    // With --urls.
    Column { heading: "URL", shown: Shown::Wide, cell: |row| row.url.clone().unwrap_or_default() },
];

pub(crate) async fn run(options: &LinksOptions) -> anyhow::Result<()> {
    let place = &options.target.place;
    let cluster = Cluster::connect(place).await?;
    let name = options.target.name.as_str();
    let read = Box::pin(async {
        let agent = cluster.get::<Agent>(name).await?.object;
        // Without the flag no Secret is read.
        let secret = if options.urls { cluster.secret(name).await? } else { None };
        Ok((agent, secret))
    });
    let (agent, secret) = answer(place.timeout, read).await?;
    let secret = secret.filter(|secret| belongs_to(secret, &agent));
    let rows = rows(&agent, secret.as_ref(), options.server_url.as_deref());
    if let Some(format) = options.output {
        return print(&render::object(&rows, format)?);
    }
    let view = View { wide: options.urls, no_headers: options.no_headers, ..View::default() };
    print(&table(COLUMNS, view, &rows))
}

/// The default link and those with names; none of an agent that is not shared.
fn rows(agent: &Agent, secret: Option<&Secret>, server_url: Option<&str>) -> Vec<Row> {
    let Some(share) = agent.spec.share.as_ref().filter(|share| share.enabled) else {
        return vec![];
    };
    let state = agent.status.as_ref().and_then(|status| status.share.clone()).unwrap_or_default();
    let url = |link: Option<&LinkName>| {
        let path = names::share_path(&token_of(secret?, link)?);
        let given = server_url.map(|server| format!("{server}{path}"));
        given.or_else(|| url_of(secret?, link, &path)).or(Some(path))
    };
    let default = ShareLink {
        name: DEFAULT_LINK.to_owned(),
        expires_at: share.expires_at,
        allowed_ips: share.allowed_ips.clone(),
        ..ShareLink::default()
    };
    let named = share.links.iter().map(|link| {
        let active = state.links.iter().any(|one| one.name == link.name && one.active);
        let name = LinkName::parse(&link.name).ok();
        row(link, active, name.and_then(|name| url(Some(&name))))
    });
    [row(&default, state.active, url(None))].into_iter().chain(named).collect()
}

fn row(link: &ShareLink, active: bool, url: Option<String>) -> Row {
    Row {
        name: link.name.clone(),
        access: link.access.as_str(),
        active,
        expires_at: link.expires_at,
        allowed_ips: link.allowed_ips.clone(),
        max_viewers: link.max_viewers,
        idle_timeout: link.idle_timeout.as_ref().map(ToString::to_string),
        url,
    }
}
