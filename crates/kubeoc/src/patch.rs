//! The change of an Agent that a command asks for, as a JSON merge patch
//! (RFC 7386). Pure.

use anyhow::Context as _;
use api_types::{Access, Agent, LinkName, ShareLink, labels, names};
use k8s_openapi::api::core::v1::Secret;
use kube::core::ObjectMeta;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    cli::{Allowed, Expiry, LinkOptions, ShareOptions, Viewers},
    exit::Failure,
};

/// Turns the link on, and sets what the flags name; everything else stays.
pub(crate) fn enable(options: &ShareOptions, now: OffsetDateTime) -> anyhow::Result<Value> {
    let mut share = Map::from_iter([("enabled".to_owned(), Value::Bool(true))]);
    if let Some(expiry) = options.expires_in {
        let end = expires_at(expiry, now)?;
        let end = end.map(|end| end.format(&Rfc3339)).transpose()?;
        share.insert("expiresAt".to_owned(), end.into());
    }
    if let Some(allowed) = &options.allowed_ips {
        share.insert("allowedIPs".to_owned(), allowed_ips(allowed)?.into());
    }
    Ok(json!({ "spec": { "share": share } }))
}

/// Creates or changes the link `name` of `agent`, and turns its links on. A list is replaced as a whole,
/// so the change is refused unless the Agent still is as it was read.
pub(crate) fn link(
    agent: &Agent,
    name: &LinkName,
    options: &ShareOptions,
    now: OffsetDateTime,
) -> anyhow::Result<Value> {
    let mut links = links_of(agent);
    let known = links.iter().position(|link| link.name == name.as_str());
    let at = known.unwrap_or_else(|| {
        links.push(ShareLink { name: name.to_string(), ..ShareLink::default() });
        links.len() - 1
    });
    let link = links.get_mut(at).context("the list has no such place")?;
    let LinkOptions { view, interact, max_viewers, idle_timeout, .. } = options.link;
    if view || interact {
        link.access = if view { Access::View } else { Access::Interact };
    }
    if let Some(expiry) = options.expires_in {
        link.expires_at = expires_at(expiry, now)?;
    }
    if let Some(allowed) = &options.allowed_ips {
        link.allowed_ips = allowed_ips(allowed)?.unwrap_or_default();
    }
    if let Some(viewers) = max_viewers {
        link.max_viewers = match viewers {
            Viewers::Any => None,
            Viewers::AtMost(count) => Some(count),
        };
    }
    if let Some(idle) = idle_timeout {
        link.idle_timeout = idle_after(idle)?;
    }
    let mut change = with_links(agent, &links);
    change["spec"]["share"]["enabled"] = true.into();
    Ok(change)
}

/// Removes the link `name` of `agent`, under the same condition.
pub(crate) fn without_link(agent: &Agent, name: &LinkName) -> Value {
    let mut links = links_of(agent);
    links.retain(|link| link.name != name.as_str());
    with_links(agent, &links)
}

fn links_of(agent: &Agent) -> Vec<ShareLink> {
    agent.spec.share.as_ref().map(|share| share.links.clone()).unwrap_or_default()
}

fn with_links(agent: &Agent, links: &[ShareLink]) -> Value {
    json!({
        "metadata": { "resourceVersion": agent.metadata.resource_version },
        "spec": { "share": { "links": links } },
    })
}

/// Takes a link's keys out of the share Secret as it was read: the controller makes new ones.
pub(crate) fn rotate(secret: &Secret, link: Option<&LinkName>) -> Value {
    let ObjectMeta { uid, resource_version, .. } = &secret.metadata;
    json!({
        "metadata": { "uid": uid, "resourceVersion": resource_version },
        "data": { names::link_token_key(link): null, names::link_url_key(link): null },
    })
}

/// Turns the link off; its other settings stay for the next time.
pub(crate) fn disable() -> Value {
    json!({ "spec": { "share": { "enabled": false } } })
}

/// Stops the agent's pod.
pub(crate) fn suspend() -> Value {
    json!({ "spec": { "suspend": true } })
}

/// Starts an agent that was suspended by request.
pub(crate) fn resume() -> Value {
    json!({ "spec": { "suspend": false } })
}

/// Starts an agent that sleeps because nobody was connected: says that somebody is, and later than
/// it fell asleep. The controller's clock said when that was, and the one of `now` may be behind.
pub(crate) fn wake(now: OffsetDateTime, asleep_since: OffsetDateTime) -> anyhow::Result<Value> {
    let active = now.max(asleep_since.saturating_add(Duration::SECOND));
    let active = active.replace_nanosecond(0)?.format(&Rfc3339)?;
    Ok(json!({ "metadata": { "annotations": { labels::LAST_CONNECTION_ACTIVE: active } } }))
}

/// In whole seconds, as Kubernetes writes times.
fn expires_at(expiry: Expiry, now: OffsetDateTime) -> anyhow::Result<Option<OffsetDateTime>> {
    let Expiry::After(duration) = expiry else { return Ok(None) };
    let end = Duration::try_from(duration).ok().and_then(|after| now.checked_add(after));
    // RFC 3339 ends with the year 9999.
    let end = end
        .and_then(|end| end.replace_nanosecond(0).ok())
        .filter(|end| end.format(&Rfc3339).is_ok())
        .context(Failure::Usage("--expires-in is too far in the future".to_owned()))?;
    Ok(Some(end))
}

/// In the notation of Agents: whole seconds, and the longest is a year.
fn idle_after(idle: Expiry) -> anyhow::Result<Option<api_types::Duration>> {
    let Expiry::After(idle) = idle else { return Ok(None) };
    let (seconds, hour) = (idle.as_secs(), 3600);
    if seconds == 0 || seconds > 8760 * hour {
        let message = "--idle-timeout must be at least a second and at most a year (8760h)";
        return Err(Failure::Usage(message.to_owned()).into());
    }
    let parts = [(seconds / hour, 'h'), (seconds % hour / 60, 'm'), (seconds % 60, 's')];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts.map(|(count, unit)| format!("{count}{unit}")).collect();
    Ok(Some(parts.concat().parse()?))
}

/// `None` is anywhere.
fn allowed_ips(allowed: &[Allowed]) -> anyhow::Result<Option<Vec<String>>> {
    let network = |entry: &Allowed| match entry {
        Allowed::Any => None,
        Allowed::Network(network) => Some(network.clone()),
    };
    match allowed {
        [Allowed::Any] => Ok(None),
        entries => entries
            .iter()
            .map(network)
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .context(Failure::Usage("--allowed-ips takes \"any\" or networks, not both".into())),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use time::macros::datetime;

    use super::*;
    use crate::cli::{AgentCommand, Arguments, Command};

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00:00.75 UTC);

    fn patch(flags: &[&str]) -> anyhow::Result<Value> {
        let arguments = ["kubeoc", "agent", "share", "demo"].iter().chain(flags);
        match Arguments::parse_from(arguments).command {
            Command::Agent(AgentCommand::Share(options)) => enable(&options, NOON),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_a_flag_names_is_changed() {
        let cases = [
            (vec![], json!({ "enabled": true })),
            (
                vec!["--expires-in", "24h"],
                json!({ "enabled": true, "expiresAt": "2026-11-22T12:00:00Z" }),
            ),
            (
                vec!["--allowed-ips", "10.0.0.0/8,192.0.2.7"],
                json!({ "enabled": true, "allowedIPs": ["10.0.0.0/8", "192.0.2.7"] }),
            ),
            (
                vec!["--expires-in", "never", "--allowed-ips", "any"],
                json!({ "enabled": true, "expiresAt": null, "allowedIPs": null }),
            ),
        ];
        for (flags, expected) in cases {
            let patch = patch(&flags).unwrap();
            assert_eq!(patch, json!({ "spec": { "share": expected } }), "{flags:?}");
        }
    }

    /// What becomes of the links of an agent that has `qa`.
    fn links(flags: &[&str]) -> anyhow::Result<Value> {
        let arguments = ["kubeoc", "agent", "share", "demo"].iter().chain(flags);
        let Command::Agent(AgentCommand::Share(options)) = Arguments::parse_from(arguments).command
        else {
            panic!("another command")
        };
        let mut agent = fixtures::linked(2, |_| ());
        agent.metadata.resource_version = Some("7".into());
        let name = options.link.link.clone().unwrap();
        let mut change = link(&agent, &name, &options, NOON)?;
        assert_eq!(change["metadata"], json!({ "resourceVersion": "7" }), "only as it was read");
        assert_eq!(change["spec"]["share"]["enabled"], true);
        Ok(change["spec"]["share"]["links"].take())
    }

    #[test]
    fn a_link_is_made_or_changed_and_the_others_stay() {
        let plain = json!({ "name": "qa", "access": "Interact" });
        let new = json!([plain, { "name": "ci", "access": "View" }]);
        assert_eq!(links(&["--link", "ci", "--view"]).unwrap(), new);
        let flags = [
            "--link",
            "qa",
            "--view",
            "--expires-in",
            "24h",
            "--allowed-ips",
            "10.0.0.0/8",
            "--max-viewers",
            "20",
            "--idle-timeout",
            "90m",
        ];
        let changed = json!([{
            "name": "qa", "access": "View", "expiresAt": "2026-11-22T12:00:00Z",
            "allowedIPs": ["10.0.0.0/8"], "maxViewers": 20, "idleTimeout": "1h30m",
        }]);
        assert_eq!(links(&flags).unwrap(), changed);
        let lifted =
            ["--link", "qa", "--interact", "--max-viewers", "any", "--idle-timeout", "never"];
        assert_eq!(links(&lifted).unwrap(), json!([plain]));
        let error = links(&["--link", "qa", "--idle-timeout", "9ms"]).unwrap_err();
        assert!(error.to_string().starts_with("--idle-timeout must be at least"), "{error}");

        let qa = LinkName::parse("qa").unwrap();
        let rest = without_link(&fixtures::linked(2, |_| ()), &qa);
        assert_eq!(rest["spec"], json!({ "share": { "links": [] } }));
    }

    #[test]
    fn an_agent_that_sleeps_is_woken_by_a_sign_of_life() {
        let cases = [
            (datetime!(2026-11-21 11:00 UTC), "2026-11-21T12:00:00Z"),
            // By a clock that is ahead of ours.
            (datetime!(2026-11-21 12:00 UTC), "2026-11-21T12:00:01Z"),
            (datetime!(2026-11-21 12:10 UTC), "2026-11-21T12:10:01Z"),
        ];
        for (asleep_since, active) in cases {
            let annotation = "kubeopencode.io/last-connection-active";
            let expected = json!({ "metadata": { "annotations": { annotation: active } } });
            assert_eq!(wake(NOON, asleep_since).unwrap(), expected);
        }
    }

    #[test]
    fn an_impossible_value_names_its_flag() {
        let cases = [
            (["--expires-in", "9000y"], "--expires-in is too far"),
            (["--allowed-ips", "any,10.0.0.0/8"], "--allowed-ips takes"),
        ];
        for (flags, expected) in cases {
            let error = patch(&flags).unwrap_err();
            assert!(matches!(error.downcast_ref(), Some(Failure::Usage(_))), "{flags:?}");
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
