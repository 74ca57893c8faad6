//! The change of an Agent that a command asks for, as a JSON merge patch
//! (RFC 7386). Pure.

use anyhow::Context as _;
use api_types::labels;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    cli::{Allowed, Expiry, ShareOptions},
    exit::Failure,
};

/// Turns the link on, and sets what the flags name; everything else stays.
pub(crate) fn enable(options: &ShareOptions, now: OffsetDateTime) -> anyhow::Result<Value> {
    let mut share = Map::from_iter([("enabled".to_owned(), Value::Bool(true))]);
    if let Some(expiry) = options.expires_in {
        share.insert("expiresAt".to_owned(), expires_at(expiry, now)?);
    }
    if let Some(allowed) = &options.allowed_ips {
        share.insert("allowedIPs".to_owned(), allowed_ips(allowed)?);
    }
    Ok(json!({ "spec": { "share": share } }))
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
fn expires_at(expiry: Expiry, now: OffsetDateTime) -> anyhow::Result<Value> {
    let Expiry::After(duration) = expiry else { return Ok(Value::Null) };
    let end = Duration::try_from(duration).ok().and_then(|after| now.checked_add(after));
    // RFC 3339 ends with the year 9999.
    let text = end
        .and_then(|end| end.replace_nanosecond(0).ok())
        .and_then(|end| end.format(&Rfc3339).ok())
        .context(Failure::Usage("--expires-in is too far in the future".to_owned()))?;
    Ok(Value::String(text))
}

fn allowed_ips(allowed: &[Allowed]) -> anyhow::Result<Value> {
    let network = |entry: &Allowed| match entry {
        Allowed::Any => None,
        Allowed::Network(network) => Some(network.clone()),
    };
    match allowed {
        [Allowed::Any] => Ok(Value::Null),
        entries => entries
            .iter()
            .map(network)
            .collect::<Option<Vec<_>>>()
            .map(Value::from)
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
