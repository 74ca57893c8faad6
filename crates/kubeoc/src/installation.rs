//! What an installation consists of, and of which version its parts are. Pure.

use api_types::{NamespaceError, Namespaces, labels, names};
use k8s_openapi::api::apps::v1::Deployment;

/// The version of this program, and of the installation that it fits.
pub(crate) const OWN_VERSION: &str = env!("CARGO_PKG_VERSION");

/// One of the programs that run all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) title: &'static str,
    /// The name of its Deployment, and of its Service if it has one.
    pub(crate) name: &'static str,
    pub(crate) has_service: bool,
}

pub(crate) const COMPONENTS: [Component; 3] = [
    Component { title: "Controller", name: names::CONTROLLER_DEPLOYMENT, has_service: false },
    Component { title: "Gateway", name: names::SERVER_SERVICE, has_service: true },
    Component { title: "Terminal broker", name: names::BROKER_SERVICE, has_service: true },
];

/// The image of a Deployment's program.
pub(crate) fn image_of(deployment: &Deployment) -> Option<&str> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    pod.containers.first()?.image.as_deref()
}

/// The variable that tells each program which namespaces it watches.
const WATCH_NAMESPACES: &str = "WATCH_NAMESPACES";

/// The namespaces that a Deployment's program watches.
pub(crate) fn watched_by(deployment: &Deployment) -> Result<Namespaces, NamespaceError> {
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let container = pod.and_then(|pod| pod.containers.first());
    let mut env = container.iter().flat_map(|container| container.env.iter().flatten());
    let told = env.find(|variable| variable.name == WATCH_NAMESPACES);
    told.and_then(|variable| variable.value.as_deref()).unwrap_or_default().parse()
}

/// As the Deployment's label says it, or the tag of its image where that is a version.
pub(crate) fn version_of(deployment: &Deployment) -> Option<String> {
    let label = deployment.metadata.labels.as_ref().and_then(|map| map.get(labels::VERSION));
    let version = match label {
        Some(label) => label.as_str(),
        None => tag(image_of(deployment)?)?,
    };
    let version = version.trim_start_matches('v');
    let is_version = version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.');
    is_version.then(|| version.to_owned())
}

fn tag(image: &str) -> Option<&str> {
    let name = image.split_once('@').map_or(image, |(name, _digest)| name);
    // A colon before a slash is that of a registry's port.
    name.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_program_watches_what_its_variable_says() {
        let env =
            |value: &str| json!([{ "name": "A" }, { "name": WATCH_NAMESPACES, "value": value }]);
        let some = Namespaces::Only(["a".to_owned(), "b".to_owned()].into());
        let cases = [
            (json!([]), Ok(Namespaces::All)),
            (env(""), Ok(Namespaces::All)),
            (env("b,a"), Ok(some)),
            (env("A"), "A".parse()),
        ];
        for (env, expected) in cases {
            let container = json!({ "name": "main", "env": env });
            let spec =
                json!({ "selector": {}, "template": { "spec": { "containers": [container] } } });
            let deployment = serde_json::from_value(json!({ "spec": spec })).unwrap();
            assert_eq!(watched_by(&deployment), expected, "{env}");
        }
    }

    #[test]
    fn a_version_is_the_labels_or_the_images() {
        let cases = [
            (json!({ labels::VERSION: "1.2.3" }), "x:9.9.9", Some("1.2.3")),
            (json!({}), "ghcr.io/kubeopencode/gateway:0.2.0", Some("0.2.0")),
            (json!({}), "registry:5000/gateway:v0.2.0-rc.1@sha256:ab", Some("0.2.0-rc.1")),
            (json!({}), "ghcr.io/kubeopencode/gateway:latest", None),
            (json!({}), "registry:5000/gateway", None),
            (json!({}), "gateway@sha256:0a1b.2", None),
        ];
        for (labels, image, expected) in cases {
            let deployment = serde_json::from_value(json!({
                "metadata": { "labels": labels },
                "spec": {
                    "selector": {},
                    "template": { "spec": { "containers": [{ "name": "main", "image": image }] } },
                },
            }));
            assert_eq!(version_of(&deployment.unwrap()).as_deref(), expected, "{image}");
        }
    }
}
