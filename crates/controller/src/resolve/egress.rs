//! How an agent's containers reach the outside: trusted certificates and proxies. Pure.

use api_types::{AgentSpec, CaBundle, Proxy};

use super::Invalid;

/// Where the user's CA certificates are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaSource {
    ConfigMap { name: String, key: String },
    Secret { name: String, key: String },
}

/// Names of the cluster's own and of the pod itself, which no proxy can reach.
const NEVER_PROXIED: [&str; 5] = [".svc", ".cluster.local", "localhost", "127.0.0.1", "::1"];

pub(super) fn ca_source(spec: &AgentSpec) -> Result<Option<CaSource>, Invalid> {
    let Some(CaBundle { config_map_ref, secret_ref }) = spec.ca_bundle.clone() else {
        return Ok(None);
    };
    match (config_map_ref, secret_ref) {
        (Some(from), None) => Ok(Some(CaSource::ConfigMap { name: from.name, key: from.key })),
        (None, Some(from)) => Ok(Some(CaSource::Secret { name: from.name, key: from.key })),
        (None, None) | (Some(_), Some(_)) => {
            let message = "it needs exactly one of configMapRef and secretRef";
            Err(Invalid::spec("spec.caBundle", message))
        }
    }
}

/// None where neither proxy is set; else `no_proxy` names the cluster's own too.
pub(super) fn proxy(spec: &AgentSpec) -> Option<Proxy> {
    let set = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let written = spec.proxy.as_ref()?;
    let (plain, secure) = (set(&written.http_proxy), set(&written.https_proxy));
    if plain.is_none() && secure.is_none() && set(&written.no_proxy).is_none() {
        return None;
    }
    let written = written.no_proxy.iter().flat_map(|hosts| hosts.split(','));
    let mut hosts: Vec<&str> = written.map(str::trim).filter(|host| !host.is_empty()).collect();
    hosts.extend(NEVER_PROXIED.iter().filter(|own| !hosts.contains(own)).collect::<Vec<_>>());
    Some(Proxy { http_proxy: plain, https_proxy: secure, no_proxy: Some(hosts.join(",")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(http: &str, no_proxy: &str) -> Option<Proxy> {
        let written = Proxy {
            http_proxy: Some(http.into()),
            https_proxy: Some(String::new()),
            no_proxy: Some(no_proxy.into()),
        };
        proxy(&AgentSpec { proxy: Some(written), ..AgentSpec::default() })
    }

    #[test]
    fn the_clusters_own_names_are_never_proxied() {
        let resolved = proxied("http://proxy:3128", "corp.example, .svc,").unwrap();
        assert_eq!(
            resolved.no_proxy.unwrap(),
            "corp.example,.svc,.cluster.local,localhost,127.0.0.1,::1"
        );
        assert_eq!(
            (resolved.http_proxy.as_deref(), resolved.https_proxy),
            (Some("http://proxy:3128"), None)
        );
    }

    #[test]
    fn a_proxy_without_values_is_none() {
        assert_eq!(proxied("", ""), None);
        assert_eq!(proxy(&AgentSpec::default()), None);
    }
}
