//! `kubeoc get`: agents and templates, as tables or as they are stored.

mod agents;
mod manifests;
mod templates;
mod watch;

use api_types::{Agent, AgentTemplate};

use crate::{
    cli::{GetAgentsOptions, GetOptions, ListFormat},
    cluster::{Cluster, Scope, answer},
    exit::Failure,
    now, print,
    stored::{Kind, Stored},
    table::{View, table},
};
use agents::AgentRow;
use templates::{TemplateRow, Usage};

pub(crate) async fn agents(options: &GetAgentsOptions) -> anyhow::Result<()> {
    let GetAgentsOptions { get: options, watch } = options;
    let view = view(options);
    if *watch && view.is_none() {
        return Err(Failure::Usage("--watch prints tables only: leave -o out".to_owned()).into());
    }
    if *watch && options.names.len() > 1 {
        let why = "--watch follows one agent or all: give one NAME, or select with -l";
        return Err(Failure::Usage(why.to_owned()).into());
    }
    let cluster = Cluster::connect(&options.place).await?;
    let Some(view) = view else { return objects::<Agent>(&cluster, options).await };
    if *watch {
        return watch::agents(&cluster, options, view).await;
    }
    let now = now();
    let rows = fetch(&cluster, options, |stored| AgentRow::of(&stored, now)).await?;
    if rows.is_empty() {
        none(&cluster, options)
    } else {
        print(&table(agents::COLUMNS, view, &rows))
    }
}

pub(crate) async fn templates(options: &GetOptions) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&options.place).await?;
    let Some(view) = view(options) else {
        return objects::<AgentTemplate>(&cluster, options).await;
    };
    let now = now();
    let mut rows = fetch(&cluster, options, |stored| TemplateRow::of(&stored, now)).await?;
    if rows.is_empty() {
        return none(&cluster, options);
    }
    let uses = cluster.list(scope(options), None, |agent| Usage::of(&agent));
    let uses = answer(options.place.timeout, uses).await?;
    templates::count(&mut rows, uses.into_iter().flatten());
    print(&table(templates::COLUMNS, view, &rows))
}

/// Which table is asked for, if one is.
fn view(options: &GetOptions) -> Option<View> {
    let wide = match options.output {
        None => false,
        Some(ListFormat::Wide) => true,
        Some(ListFormat::Json | ListFormat::Yaml | ListFormat::Name) => return None,
    };
    let GetOptions { all_namespaces, no_headers, .. } = *options;
    Some(View { all_namespaces, wide, no_headers })
}

/// Prints the objects as they are stored, or their names.
async fn objects<K: Kind>(cluster: &Cluster, options: &GetOptions) -> anyhow::Result<()> {
    let format = match options.output {
        Some(ListFormat::Json) => manifests::json,
        Some(ListFormat::Yaml) => manifests::yaml,
        None | Some(ListFormat::Wide | ListFormat::Name) => {
            return names::<K>(cluster, options).await;
        }
    };
    let objects = fetch::<K, _>(cluster, options, |stored| stored.manifest()).await?;
    let objects = objects.into_iter().collect::<Result<Vec<_>, _>>()?;
    print(&format(&objects, options.names.is_empty())?)
}

async fn names<K: Kind>(cluster: &Cluster, options: &GetOptions) -> anyhow::Result<()> {
    let names = fetch::<K, _>(cluster, options, |stored| manifests::name(&stored)).await?;
    if names.is_empty() { none(cluster, options) } else { print(&names.concat()) }
}

/// Those that are named, or all that match.
async fn fetch<K: Kind, R>(
    cluster: &Cluster,
    options: &GetOptions,
    row: impl Fn(Stored<K>) -> R,
) -> anyhow::Result<Vec<R>> {
    let selector = options.selector.as_deref();
    answer(options.place.timeout, async {
        if options.names.is_empty() {
            return cluster.list(scope(options), selector, row).await;
        }
        let mut rows = vec![];
        for name in &options.names {
            rows.push(row(cluster.get(name).await?));
        }
        Ok(rows)
    })
    .await
}

fn scope(options: &GetOptions) -> Scope {
    if options.all_namespaces { Scope::AllNamespaces } else { Scope::Namespace }
}

/// As kubectl says it: not an error, and nothing for a script to read.
#[allow(clippy::unnecessary_wraps, reason = "the end of a command")]
fn none(cluster: &Cluster, options: &GetOptions) -> anyhow::Result<()> {
    match scope(options) {
        Scope::Namespace => eprintln!("No resources found in {} namespace.", cluster.namespace),
        Scope::AllNamespaces => eprintln!("No resources found"),
    }
    Ok(())
}
