//! A kubeconfig with everything in it: one cluster, one user, one context. Pure.
//! Shape: <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use pki::Identity;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Kubeconfig<'a> {
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    kind: &'a str,
    clusters: [Named<'a, Cluster<'a>>; 1],
    users: [Named<'a, User>; 1],
    contexts: [Named<'a, Context<'a>>; 1],
    current_context: &'a str,
}

/// An entry of a list: a name, and the value under a key of its kind.
#[derive(Serialize)]
struct Named<'a, T> {
    name: &'a str,
    #[serde(flatten)]
    value: T,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Cluster<'a> {
    #[serde(rename_all = "kebab-case")]
    Cluster { server: &'a str, certificate_authority_data: String },
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum User {
    #[serde(rename_all = "kebab-case")]
    User { client_certificate_data: String, client_key_data: String },
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Context<'a> {
    Context { cluster: &'a str, user: &'a str },
}

/// `cluster` is the name that cluster and context go by; `authority` is the API server's, PEM.
pub(super) fn render(
    cluster: &str,
    server: &str,
    authority: &str,
    user: &str,
    identity: &Identity,
) -> anyhow::Result<String> {
    let connection =
        Cluster::Cluster { server, certificate_authority_data: STANDARD.encode(authority) };
    let credentials = User::User {
        client_certificate_data: STANDARD.encode(&identity.certificate),
        client_key_data: STANDARD.encode(&identity.key),
    };
    let kubeconfig = Kubeconfig {
        api_version: "v1",
        kind: "Config",
        clusters: [Named { name: cluster, value: connection }],
        users: [Named { name: user, value: credentials }],
        contexts: [Named { name: cluster, value: Context::Context { cluster, user } }],
        current_context: cluster,
    };
    Ok(serde_json::to_string_pretty(&kubeconfig)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_kubeconfig_is_whole_and_refers_to_its_own_entries() {
        let identity = Identity { certificate: "C".to_owned(), key: "K".to_owned() };
        let text = render("demo", "https://10.0.0.1:6443", "A", "admin", &identity).unwrap();
        let expected = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "demo", "cluster": {"server": "https://10.0.0.1:6443", "certificate-authority-data": "QQ=="}}],
            "users": [{"name": "admin", "user": {"client-certificate-data": "Qw==", "client-key-data": "Sw=="}}],
            "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "admin"}}],
            "current-context": "demo",
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}
