//! The Secrets made for an agent: that of its share links, and its server's
//! password. Pure; the random parts are inputs.

use std::collections::BTreeMap;

use api_types::{AgentId, labels, names};
use k8s_openapi::{ByteString, api::core::v1::Secret};

use super::metadata::metadata;
use crate::secret::{Password, Tokens};

/// `external_url` is where people reach this installation, without a slash at its end.
pub fn share_secret(agent: &AgentId, tokens: &Tokens, external_url: Option<&str>) -> Secret {
    let mut data = BTreeMap::new();
    for (link, token) in tokens.iter() {
        data.extend([entry(&names::link_token_key(link), token.expose())]);
        if let Some(base) = external_url {
            let url = format!("{base}{}", names::share_path(token));
            data.extend([entry(&names::link_url_key(link), &url)]);
        }
    }
    let mut secret = secret(agent, names::share_secret(&agent.name), data);
    let labels = secret.metadata.labels.get_or_insert_default();
    labels.insert(labels::SHARE_TOKEN.to_owned(), "true".to_owned());
    secret.metadata.annotations = Some(BTreeMap::from([
        (labels::SHARE_AGENT_NAME.to_owned(), agent.name.clone()),
        (labels::SHARE_AGENT_NAMESPACE.to_owned(), agent.namespace.clone()),
    ]));
    secret
}

pub(super) fn server_secret(agent: &AgentId, password: &Password) -> Secret {
    let data = BTreeMap::from([entry(names::SERVER_PASSWORD_KEY, password.expose())]);
    secret(agent, names::server_secret(&agent.name), data)
}

fn secret(agent: &AgentId, name: String, data: BTreeMap<String, ByteString>) -> Secret {
    Secret {
        metadata: metadata(agent, name),
        type_: Some("Opaque".to_owned()),
        data: Some(data),
        ..Secret::default()
    }
}

fn entry(key: &str, value: &str) -> (String, ByteString) {
    (key.to_owned(), ByteString(value.as_bytes().to_vec()))
}
