//! What is applied to a new cluster: DNS, storage, the API server's right to ask kubelets. Pure.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::egress::{Egress, NAME_SERVER};
use super::layout::Layout;

const FILES: [&str; 3] = [
    include_str!("../../manifests/rbac.yaml"),
    include_str!("../../manifests/coredns.yaml"),
    include_str!("../../manifests/local-path.yaml"),
];

/// Every object, as one List for `kubectl apply`.
pub(super) fn list(layout: &Layout, egress: Egress) -> Result<Value> {
    let mut objects = Vec::new();
    for file in FILES {
        for document in serde_yaml_ng::Deserializer::from_str(file) {
            objects.push(Value::deserialize(document)?);
        }
    }
    find(&mut objects, "Service", "kube-dns")?["spec"]["clusterIP"] =
        json!(layout.subnets.dns_service());
    let paths = json!({"nodePathMap": [{
        "node": "DEFAULT_PATH_FOR_NON_LISTED_NODES",
        "paths": [layout.text("volumes")],
    }]});
    find(&mut objects, "ConfigMap", "local-path-config")?["data"]["config.json"] =
        json!(paths.to_string());
    if egress == Egress::Open {
        resolve_outside(&mut objects)?;
    }
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": objects}))
}

/// Names that are not the cluster's are asked of the host's name server; by default they do not exist.
fn resolve_outside(objects: &mut [Value]) -> Result<()> {
    let corefile = &mut find(objects, "ConfigMap", "coredns")?["data"]["Corefile"];
    let closed = corefile.as_str().context("CoreDNS has no Corefile")?;
    let (ours, _) =
        closed.split_once("template ANY ANY").context("CoreDNS answers nothing else")?;
    let open = format!("{ours}forward . {NAME_SERVER}\n}}\n");
    *corefile = json!(open);
    // CoreDNS reads its configuration at its start: another annotation is another pod.
    let template = &mut find(objects, "Deployment", "coredns")?["spec"]["template"];
    template["metadata"]["annotations"] = json!({"kubeopencode.io/egress": "open"});
    Ok(())
}

fn find<'a>(objects: &'a mut [Value], kind: &str, name: &str) -> Result<&'a mut Value> {
    let wanted = |object: &&mut Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter_mut().find(wanted).with_context(|| format!("no {kind} {name} among the manifests"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standalone::images;
    use crate::standalone::layout::demo;

    #[test]
    fn dns_gets_the_address_that_kubelet_tells_pods_and_volumes_lie_in_the_clusters_folder() {
        let mut list = list(&demo(), Egress::Closed).unwrap();
        let objects = list["items"].as_array_mut().unwrap();
        assert_eq!(
            find(objects, "Service", "kube-dns").unwrap()["spec"]["clusterIP"],
            "10.180.128.10"
        );
        let config =
            find(objects, "ConfigMap", "local-path-config").unwrap()["data"]["config.json"].clone();
        assert!(config.as_str().unwrap().contains("/clusters/kubeopencode/volumes"), "{config}");
    }

    #[test]
    fn an_open_cluster_asks_outside_for_names_that_are_not_its_own() {
        let mut list = list(&demo(), Egress::Open).unwrap();
        let objects = list["items"].as_array_mut().unwrap();
        let corefile = find(objects, "ConfigMap", "coredns").unwrap()["data"]["Corefile"].clone();
        let corefile = corefile.as_str().unwrap();
        assert!(
            corefile.contains("forward . 10.0.2.3") && !corefile.contains("NXDOMAIN"),
            "{corefile}"
        );
        assert_eq!(corefile.matches('{').count(), corefile.matches('}').count(), "{corefile}");
    }

    #[test]
    fn every_image_is_one_that_is_built_here_and_nothing_is_pulled() {
        let text = list(&demo(), Egress::Closed).unwrap().to_string();
        let mut named: Vec<_> =
            text.split("\"image\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        named.sort_unstable();
        assert_eq!(named, [images::COREDNS, images::PROVISIONER]);
        // The helper pod is YAML in a ConfigMap.
        assert!(text.contains(&format!("image: {}\\n", images::BUSYBOX)), "{text}");
        assert!(!text.contains("Always"));
    }
}
