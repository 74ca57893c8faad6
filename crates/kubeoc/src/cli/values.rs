//! Values of flags, as people write them.

use std::time::Duration;

use api_types::{
    LinkMistake, LinkName,
    network::{IpNetwork, NetworkError, parse_allowed},
};
use clap::ValueEnum;

/// How one result is printed for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Json,
    Yaml,
}

/// How objects are printed, other than as a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    Json,
    Yaml,
    /// A table with more columns
    Wide,
    /// Only kind and name
    Name,
}

/// What `--expires-in` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    After(Duration),
}

/// One value of `--allowed-ips`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    Any,
    /// As the user wrote it; it names a network.
    Network(String),
}

/// What `--max-viewers` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewers {
    Any,
    AtMost(u16),
}

/// As the definition of Agents has it.
const MOST_VIEWERS: u16 = 1000;

pub(super) fn viewers(text: &str) -> Result<Viewers, String> {
    match text.parse() {
        _ if text == "any" => Ok(Viewers::Any),
        Ok(count @ 1..=MOST_VIEWERS) => Ok(Viewers::AtMost(count)),
        _ => Err(format!("use a number from 1 to {MOST_VIEWERS}, or any")),
    }
}

pub(super) fn link(text: &str) -> Result<LinkName, LinkMistake> {
    LinkName::parse(text)
}

pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than zero".into()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; use a duration such as 90s, 24h or 1h 30m")),
    }
}

pub(super) fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" { Ok(Expiry::Never) } else { positive_duration(text).map(Expiry::After) }
}

pub(super) fn allowed(text: &str) -> Result<Allowed, NetworkError> {
    if text == "any" {
        return Ok(Allowed::Any);
    }
    let _network: IpNetwork = parse_allowed(text)?;
    Ok(Allowed::Network(text.to_owned()))
}

/// The base of a link's address, without a slash at its end.
///
/// # Errors
/// If `text` is not the address of a server, in a sentence.
pub fn base_url(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let is_odd = |c: char| matches!(c, '?' | '#' | ' ') || c.is_control();
    if !matches!(scheme, "http" | "https") || rest.is_empty() || rest.contains(is_odd) {
        return Err("use a URL such as https://agents.example.com".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}
