//! One run of the executor image's npm. What users wrote is never an option of it.

use std::{
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    str::FromStr,
};

use agent_jobs::Specifier;
use reqwest::Url;
use tempfile::TempDir;
use tokio::process::Command;

use super::failure::{Attempt, NpmFailure};
use crate::{
    job::log,
    roots::{self, RootsError},
};

/// npm's own, where nothing else is said.
const PUBLIC_REGISTRY: &str = "https://registry.npmjs.org/";

/// Options by which nothing but packages of registries is installed, and by which no program is started. Versions of
/// npm that do not know an option ignore it.
const OPTIONS: &[&str] = &[
    "--ignore-scripts",
    // A dependency's repository is cloned by the program that npm takes for git: there is none.
    "--allow-git=none",
    "--git=/git-dependencies-are-not-installed",
    // Of a folder or a file of this pod.
    "--allow-directory=none",
    "--allow-file=none",
    "--install-links",
    // What a user's configuration could say otherwise.
    "--no-global",
    "--no-dry-run",
    // Neither package.json nor package-lock.json is written: the next run is not bound to this one.
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
    "--loglevel=warn",
    // The error, on stdout.
    "--json",
];

#[derive(clap::Args, Debug)]
pub struct NpmArgs {
    /// URL of the registry
    #[arg(long, env = "NPM_CONFIG_REGISTRY")]
    registry: Option<String>,
    #[arg(long, env = "npm_config_registry", hide = true)]
    registry_in_lower_case: Option<String>,
    /// Token for the registry
    #[arg(long, env = "NPM_TOKEN", hide_env_values = true)]
    token: Option<Token>,
    /// File of PEM certificates to trust beside Mozilla's roots
    #[arg(long, env = "CUSTOM_CA_CERT_PATH")]
    custom_ca: Option<OsString>,
    /// File of the only certificates that npm trusts
    #[arg(long, env = "NPM_CONFIG_CAFILE")]
    cafile: Option<OsString>,
}

/// A registry's token; its `Debug` says nothing.
#[derive(Clone)]
struct Token(String);

impl FromStr for Token {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum NpmError {
    #[error("NPM_CONFIG_REGISTRY must be a URL that begins with https:// or http://")]
    Registry,
    #[error("the executor image has no npm: use one with Node.js, or remove the plugins")]
    NoNpm,
    #[error("cannot run npm")]
    Run(#[source] io::Error),
    #[error("cannot write to the folder for temporary files")]
    Scratch(#[source] io::Error),
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error(transparent)]
    Failed(#[from] NpmFailure),
}

/// Installs all packages in one go, so that they share what they depend on.
pub(super) async fn install(
    args: &NpmArgs,
    directory: &Path,
    plugins: &[&Specifier],
) -> Result<(), NpmError> {
    let registry = args.registry()?;
    // npm's cache and logs go with this value.
    let scratch =
        tempfile::Builder::new().prefix("plugin-init-").tempdir().map_err(NpmError::Scratch)?;
    let mut npm = command(directory, &scratch, plugins);
    if let Some(url) = &registry {
        npm.env("npm_config_registry", url.as_str()).env_remove("NPM_CONFIG_REGISTRY");
    }
    let token = args.token.as_ref().map(|token| token.0.as_str()).filter(|t| !t.is_empty());
    if let Some(token) = token {
        let url = registry.as_ref().map_or(PUBLIC_REGISTRY, Url::as_str);
        npm.env(authorization(url), token);
    }
    if let Some(bundle) = args.trust(&scratch)? {
        npm.env("npm_config_cafile", &bundle).env("NODE_EXTRA_CA_CERTS", &bundle);
    }
    let Output { status, stdout, .. } = npm.output().await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => NpmError::NoNpm,
        _ => NpmError::Run(error),
    })?;
    if status.success() {
        return Ok(());
    }
    log(format_args!("npm: {}", String::from_utf8_lossy(&stdout).trim()));
    let registry = registry.as_ref().map(shown);
    let attempt = Attempt { plugins, registry: registry.as_deref(), token };
    Err(attempt.judge(status, &stdout).into())
}

fn command(directory: &Path, scratch: &TempDir, plugins: &[&Specifier]) -> Command {
    let folder = |option: &str, path: &Path| {
        let mut option = OsString::from(option);
        option.push(path);
        option
    };
    let mut npm = Command::new("npm");
    npm.arg("install").args(OPTIONS);
    npm.arg(folder("--prefix=", directory));
    npm.arg(folder("--cache=", &scratch.path().join("cache")));
    npm.arg(folder("--logs-dir=", &scratch.path().join("logs")));
    npm.arg("--").args(plugins.iter().map(ToString::to_string));
    // npm may start itself again, and then takes options from the environment only.
    npm.env("npm_config_ignore_scripts", "true");
    npm.current_dir(scratch.path()).kill_on_drop(true);
    npm.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    npm
}

impl NpmArgs {
    fn registry(&self) -> Result<Option<Url>, NpmError> {
        let written = self.registry.as_ref().or(self.registry_in_lower_case.as_ref());
        let Some(written) = written.filter(|written| !written.is_empty()) else { return Ok(None) };
        let url = Url::parse(written).map_err(|_| NpmError::Registry)?;
        let is_web = matches!(url.scheme(), "https" | "http") && url.has_host();
        if is_web { Ok(Some(url)) } else { Err(NpmError::Registry) }
    }

    /// A file with what npm trusts, unless the user has named one. An image's own `cafile` would hide what Node.js
    /// trusts in addition.
    fn trust(&self, scratch: &TempDir) -> Result<Option<PathBuf>, NpmError> {
        let cafile = roots::named(self.cafile.as_ref());
        let custom = roots::named(self.custom_ca.as_ref()).filter(|_| cafile.is_none());
        let Some(custom) = custom else { return Ok(None) };
        let path = scratch.path().join("ca-bundle.crt");
        fs::write(&path, roots::bundle(custom)?).map_err(NpmError::Scratch)?;
        Ok(Some(path))
    }
}

/// The variable by which npm sends a token to this registry and to no other. It leaves nothing in a file, where the
/// agent's container could find it.
fn authorization(registry: &str) -> String {
    let (_, place) = registry.split_once(':').unwrap_or(("", registry));
    let place = place.split(['?', '#']).next().unwrap_or(place);
    // Of `//user:password@host/path` npm asks for `//host/path`.
    let place = place.rsplit_once('@').map_or(place.to_owned(), |(_, host)| format!("//{host}"));
    format!("npm_config_{}/:_authToken", place.trim_end_matches('/'))
}

/// Without a user, a password or a query.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_its_registry_only() {
        for (registry, expected) in [
            (PUBLIC_REGISTRY, "//registry.npmjs.org"),
            ("https://npm.corp.example.com", "//npm.corp.example.com"),
            ("http://npm.local:4873/", "//npm.local:4873"),
            (
                "https://corp/artifactory/api/npm/npm-virtual/",
                "//corp/artifactory/api/npm/npm-virtual",
            ),
            ("https://corp/npm?x=//other/", "//corp/npm"),
            ("https://user:pass@corp/npm", "//corp/npm"),
        ] {
            assert_eq!(authorization(registry), format!("npm_config_{expected}/:_authToken"));
        }
    }
}
