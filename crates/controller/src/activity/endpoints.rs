//! Where the brokers are: the URL of their Service, and the addresses in its `EndpointSlice`s. Pure.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use api_types::names;
use http::Uri;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};

/// The name of the brokers' port.
const PORT_NAME: &str = "grpc";

/// The Service of the brokers, as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerUrl {
    pub service: String,
    /// Where the URL says it.
    pub namespace: Option<String>,
    pub port: u16,
    pub security: Security,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing is encrypted.
    None,
    MutualTls,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be http:// or https:// with the name of a Service, and no path")]
pub struct BrokerUrlError;

impl FromStr for BrokerUrl {
    type Err = BrokerUrlError;

    fn from_str(text: &str) -> Result<Self, BrokerUrlError> {
        let url: Uri = text.parse().map_err(|_| BrokerUrlError)?;
        let security = match url.scheme_str() {
            Some("https") => Security::MutualTls,
            Some("http") => Security::None,
            _ => return Err(BrokerUrlError),
        };
        let host = url.host().ok_or(BrokerUrlError)?;
        let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let mut labels = host.split('.');
        let service = labels.next().unwrap_or_default();
        if is_address || service.is_empty() || url.path() != "/" || url.query().is_some() {
            return Err(BrokerUrlError);
        }
        Ok(Self {
            service: service.to_owned(),
            namespace: labels.next().map(ToOwned::to_owned),
            port: url.port_u16().unwrap_or(names::BROKER_PORT),
            security,
        })
    }
}

/// Whether a replica may have terminals, as its Service sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It serves, perhaps its last ones.
    Serving,
    /// It starts, or is gone, or nobody knows.
    NotServing,
}

/// The replicas in `slices`; `port` is that of a slice that names none.
pub(super) fn endpoints(
    slices: &[Arc<EndpointSlice>],
    port: u16,
) -> BTreeMap<SocketAddr, Condition> {
    let mut found = BTreeMap::new();
    for slice in slices {
        let port = port_of(slice).unwrap_or(port);
        for endpoint in &slice.endpoints {
            let condition = condition(endpoint);
            let addresses = endpoint.addresses.iter().filter_map(|one| one.parse::<IpAddr>().ok());
            for address in addresses {
                let entry = found.entry(SocketAddr::new(address, port)).or_insert(condition);
                // An endpoint may be in two slices for a while.
                if condition == Condition::Serving {
                    *entry = condition;
                }
            }
        }
    }
    found
}

fn port_of(slice: &EndpointSlice) -> Option<u16> {
    let ports = slice.ports.as_deref()?;
    let named = ports.iter().find(|port| port.name.as_deref() == Some(PORT_NAME));
    u16::try_from(named.or(ports.first())?.port?).ok()
}

fn condition(endpoint: &Endpoint) -> Condition {
    let conditions = endpoint.conditions.as_ref();
    let ready = conditions.and_then(|one| one.ready);
    // A pod that is ending is never ready, and serves what it has.
    match conditions.and_then(|one| one.serving).or(ready) {
        Some(false) => Condition::NotServing,
        Some(true) | None => Condition::Serving,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        Condition::{NotServing, Serving},
        *,
    };

    #[test]
    fn a_url_names_a_service() {
        let url = |text: &str| text.parse::<BrokerUrl>();
        let expected = BrokerUrl {
            service: "broker".into(),
            namespace: None,
            port: 50051,
            security: Security::MutualTls,
        };
        assert_eq!(url("https://broker:50051"), Ok(expected.clone()));
        assert_eq!(url("https://broker"), Ok(expected.clone()));
        let other = BrokerUrl { namespace: Some("other".into()), port: 8080, ..expected };
        assert_eq!(url("https://broker.other.svc:8080"), Ok(other.clone()));
        let plain = BrokerUrl { security: Security::None, ..other };
        assert_eq!(url("http://broker.other.svc.cluster.local:8080"), Ok(plain));
        for refused in [
            "broker:50051",
            "ftp://broker",
            "https://10.0.0.1",
            "https://[::1]:1",
            "https://broker/a",
            "",
        ] {
            assert_eq!(url(refused), Err(BrokerUrlError), "{refused}");
        }
    }

    #[test]
    fn a_replica_that_drains_still_serves_and_one_that_starts_does_not() {
        let slice = |endpoints| {
            let slice = json!({
                "addressType": "IPv4", "metadata": {}, "endpoints": endpoints,
                "ports": [{ "name": "metrics", "port": 9090 }, { "name": "grpc", "port": 7000 }],
            });
            Arc::new(serde_json::from_value::<EndpointSlice>(slice).unwrap())
        };
        let at = |n: u8| SocketAddr::from(([10, 0, 0, n], 7000));
        let first = slice(json!([
            { "addresses": ["10.0.0.1"], "conditions": { "ready": true, "serving": true } },
            { "addresses": ["10.0.0.2"], "conditions": { "ready": false, "serving": true, "terminating": true } },
            { "addresses": ["10.0.0.3"], "conditions": { "ready": false, "serving": false } },
            { "addresses": ["10.0.0.4"], "conditions": { "ready": false } },
            { "addresses": ["10.0.0.5", "not an address"] },
        ]));
        let second = slice(json!([{ "addresses": ["10.0.0.3"], "conditions": { "ready": true } }]));
        let expected = [
            (at(1), Serving),
            (at(2), Serving),
            (at(3), Serving),
            (at(4), NotServing),
            (at(5), Serving),
        ];
        assert_eq!(endpoints(&[first, second], 1), BTreeMap::from(expected));
    }
}
