//! What npm's failure means for who wrote the agent. Pure.

use std::{fmt::Write, process::ExitStatus};

use agent_jobs::Specifier;
use serde::Deserialize;

/// One sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NpmFailure(String);

/// What npm was asked for.
pub(super) struct Attempt<'a> {
    pub(super) plugins: &'a [&'a Specifier],
    /// `None` is the one that npm chooses.
    pub(super) registry: Option<&'a str>,
    /// Must not be part of a sentence.
    pub(super) token: Option<&'a str>,
}

/// What `npm --json` prints when it fails.
#[derive(Default, Deserialize)]
struct Printed {
    #[serde(default)]
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    code: String,
    summary: String,
    detail: String,
}

/// Exit code of a shell, and of env(1), for a program that is not there.
const NOT_FOUND: i32 = 127;

const NETWORK: [&str; 10] = [
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "EIDLETIMEOUT",
    "ENETUNREACH",
    "ENOTFOUND",
    "EPROTO",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
];

const CERTIFICATE: [&str; 7] = [
    "CERT_HAS_EXPIRED",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

impl Attempt<'_> {
    pub(super) fn judge(&self, status: ExitStatus, stdout: &[u8]) -> NpmFailure {
        let sentence = match serde_json::from_slice::<Printed>(stdout) {
            Ok(Printed { error }) if !error.code.is_empty() => self.sentence(&error),
            _ if status.code() == Some(NOT_FOUND) => {
                "the executor image has npm but no node: use one with Node.js".to_owned()
            }
            _ => format!("npm ended with {status}: see the log of this container"),
        };
        NpmFailure(self.redacted(&sentence))
    }

    fn sentence(&self, reason: &Reason) -> String {
        let registry = match self.registry {
            Some(url) => format!("the registry {url}"),
            None => "npm's registry".to_owned(),
        };
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = match reason.code.as_str() {
            "E404" => write!(
                out,
                "there is no package {} in {registry}, or it is private: check the name, NPM_CONFIG_REGISTRY and \
                 NPM_TOKEN",
                self.package(reason)
            ),
            "ETARGET" | "ENOVERSIONS" => write!(
                out,
                "{registry} has no such version of {}: check what follows '@'",
                self.package(reason)
            ),
            "E401" | "E403" | "ENEEDAUTH" => write!(
                out,
                "{registry} refuses the credentials ({}): check NPM_TOKEN in \
                 podSpec.systemContainers.pluginInit.extraEnv",
                reason.code
            ),
            code if NETWORK.contains(&code) => write!(
                out,
                "{registry} cannot be reached ({code}): check NPM_CONFIG_REGISTRY and spec.proxy"
            ),
            code if CERTIFICATE.contains(&code) => write!(
                out,
                "the certificate of {registry} is not trusted ({code}): put its CA into spec.caBundle"
            ),
            "ERESOLVE" => write!(
                out,
                "the plugins need versions of one package that exclude each other: {}",
                first_line(&reason.summary)
            ),
            "EALLOWGIT" | "EALLOWFILE" | "EALLOWDIRECTORY" => write!(
                out,
                "a plugin depends on something that is not a package of a registry, which is not installed: {}",
                first_line(&reason.summary)
            ),
            code => write!(out, "npm failed ({code}): {}", first_line(&reason.summary)),
        };
        out
    }

    /// The plugin that npm speaks of; otherwise it is one that they depend on.
    fn package(&self, reason: &Reason) -> String {
        let named = format!("{} {}", reason.summary, reason.detail).replace("%2f", "/");
        let is_named = |plugin: &&&Specifier| {
            let package = plugin.package();
            named
                .split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '(' | ')' | ','))
                .any(|word| {
                    let word = word.strip_prefix("http").map_or(word, |_| path(word));
                    word == package
                        || word.strip_prefix(package).is_some_and(|rest| rest.starts_with('@'))
                })
        };
        match self.plugins.iter().find(is_named) {
            Some(plugin) => plugin.to_string(),
            None => format!("that a plugin depends on ({})", first_line(&reason.summary)),
        }
    }

    fn redacted(&self, sentence: &str) -> String {
        match self.token {
            Some(token) => sentence.replace(token, "***"),
            None => sentence.to_owned(),
        }
    }
}

/// The package that a registry's URL ends with.
fn path(url: &str) -> &str {
    let last = url.rfind('/').unwrap_or(0);
    let scope = url.rfind("/@").filter(|scope| !url[scope + 1..last.max(scope + 1)].contains('/'));
    &url[scope.unwrap_or(last) + 1..]
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn judged(code: &str, summary: &str, detail: &str) -> String {
        let plugins = ["a@1.0.0", "@corp/b"].map(|written| Specifier::parse(written).unwrap());
        let plugins: Vec<_> = plugins.iter().collect();
        let registry = Some("https://npm.corp/");
        let attempt = Attempt { plugins: &plugins, registry, token: Some("t0ken") };
        let printed =
            serde_json::json!({"error": {"code": code, "summary": summary, "detail": detail}});
        attempt.judge(ExitStatus::from_raw(256), printed.to_string().as_bytes()).to_string()
    }

    #[test]
    fn a_failure_names_the_plugin_and_the_way_out() {
        let missing = |package: &str| {
            format!(
                "there is no package {package} in the registry https://npm.corp/, or it is private: check the \
                 name, NPM_CONFIG_REGISTRY and NPM_TOKEN"
            )
        };
        let get = "Not Found - GET https://npm.corp/@corp%2fb - not found";
        assert_eq!(judged("E404", get, ""), missing("@corp/b"));
        assert_eq!(
            judged("E404", "x", "The requested resource 'a@1.0.0' could not"),
            missing("a@1.0.0")
        );
        let other = judged("E404", "Not Found - GET https://npm.corp/aa - t0ken", "");
        let shown = "that a plugin depends on (Not Found - GET https://npm.corp/aa - ***)";
        assert_eq!(other, missing(shown));
        assert_eq!(
            judged("ETARGET", "No matching version found for @corp/b@latest.", ""),
            "the registry https://npm.corp/ has no such version of @corp/b: check what follows '@'"
        );
    }

    #[test]
    fn a_failure_without_words_is_told_by_how_npm_ended() {
        let attempt = Attempt { plugins: &[], registry: None, token: None };
        let judge = |raw, stdout: &str| {
            attempt.judge(ExitStatus::from_raw(raw), stdout.as_bytes()).to_string()
        };
        assert_eq!(
            judge(127 << 8, ""),
            "the executor image has npm but no node: use one with Node.js"
        );
        assert_eq!(
            judge(256, "{}"),
            "npm ended with exit status: 1: see the log of this container"
        );
        assert!(judge(9, "half of {").starts_with("npm ended with signal: 9 (SIGKILL)"));
        let printed = "{\"error\":{\"code\":\"EODD\",\"summary\":\"one\\ntwo\"}}";
        assert_eq!(judge(256, printed), "npm failed (EODD): one");
    }
}
