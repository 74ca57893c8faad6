//! `kubeoc version`: of this program, and of what is installed in the cluster.

use std::fmt::Write as _;

use anyhow::Context as _;
use k8s_openapi::api::apps::v1::Deployment;
use serde::Serialize;

use crate::{
    cli::VersionOptions,
    cluster::{Cluster, Seen, answer},
    exit::Failure,
    installation::{COMPONENTS, Component, OWN_VERSION, image_of, version_of},
    print, render, terminal,
};

/// As scripts read it: always these fields.
#[derive(Serialize)]
struct Report {
    client: Client,
    /// `null` where it is not asked for, or cannot be told.
    server: Option<Server>,
}

#[derive(Serialize)]
struct Client {
    version: &'static str,
}

#[derive(Serialize)]
struct Server {
    namespace: String,
    components: Vec<Installed>,
}

#[derive(Serialize)]
struct Installed {
    name: &'static str,
    /// `null` where it is not installed, or neither label nor image tell it.
    version: Option<String>,
    image: Option<String>,
    #[serde(skip)]
    title: &'static str,
}

pub(crate) async fn run(options: &VersionOptions) -> anyhow::Result<()> {
    let (server, failure) = if options.client {
        (None, None)
    } else {
        match answer(options.place.timeout, server(options)).await {
            Ok(server) => (Some(server), None),
            Err(error) => (None, Some(error)),
        }
    };
    let report = Report { client: Client { version: OWN_VERSION }, server };
    print(&match options.output {
        Some(format) => render::object(&report, format)?,
        None => text(&report),
    })?;
    // What is known is printed first; the code says that it is not all.
    match failure {
        Some(error) => {
            Err(error).context("cannot tell the server's version (--client asks for none)")
        }
        None => Ok(()),
    }
}

async fn server(options: &VersionOptions) -> anyhow::Result<Server> {
    let cluster = Cluster::connect(&options.place).await?;
    let mut components = vec![];
    for component in COMPONENTS {
        let deployment = match cluster.see::<Deployment>(component.name).await? {
            Seen::Known(deployment) => deployment,
            Seen::Unknown(right) => {
                let namespace = &cluster.namespace;
                let text = format!("you are not allowed to {right} in namespace \"{namespace}\"");
                return Err(Failure::Forbidden(text).into());
            }
        };
        components.push(installed(component, deployment.as_ref()));
    }
    if components.iter().all(|component| component.image.is_none()) {
        return Err(Failure::NotFound(format!(
            "KubeOpenCode is not installed in namespace \"{}\"; give its namespace with -n",
            cluster.namespace
        ))
        .into());
    }
    Ok(Server { namespace: cluster.namespace, components })
}

fn installed(component: Component, deployment: Option<&Deployment>) -> Installed {
    Installed {
        name: component.name,
        title: component.title,
        version: deployment.and_then(version_of),
        image: deployment.and_then(image_of).map(str::to_owned),
    }
}

fn text(report: &Report) -> String {
    let mut text = format!("Client:           {}\n", report.client.version);
    for component in report.server.iter().flat_map(|server| &server.components) {
        let version = match (&component.version, &component.image) {
            (Some(version), _) => version.clone(),
            (None, Some(image)) => format!("unknown (image {image})"),
            (None, None) => "not installed".to_owned(),
        };
        let title = format!("{}:", component.title);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{title:<17} {}", terminal::line(&version));
    }
    text
}
