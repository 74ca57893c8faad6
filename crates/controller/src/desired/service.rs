//! The Service in front of an agent's server. Pure.

use api_types::{ExtraPort, PortProtocol, labels, names};
use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::metadata::metadata;
use crate::resolve::ResolvedAgent;

/// Exists while the agent is suspended too: its address is to stay.
pub(super) fn service(agent: &ResolvedAgent) -> Service {
    let http = ExtraPort {
        name: names::HTTP_PORT_NAME.to_owned(),
        port: agent.port,
        protocol: PortProtocol::Tcp,
    };
    let ports = std::iter::once(&http).chain(&agent.extra_ports).map(service_port).collect();
    Service {
        metadata: metadata(&agent.identity, names::service(&agent.identity.name)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(&agent.identity.name)),
            ports: Some(ports),
            // A pod is not ready while its sidecar reports, and its server answers all the same.
            publish_not_ready_addresses: agent
                .checkouts
                .iter()
                .any(|one| one.sync.is_some())
                .then_some(true),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn service_port(port: &ExtraPort) -> ServicePort {
    ServicePort {
        name: Some(port.name.clone()),
        port: port.port.into(),
        protocol: Some(port.protocol.as_str().to_owned()),
        target_port: Some(IntOrString::String(port.name.clone())),
        ..ServicePort::default()
    }
}
