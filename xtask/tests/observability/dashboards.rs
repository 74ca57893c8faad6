//! Each panel says what it shows, in which unit, and asks for metrics that exist.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::{queries, read};

const DASHBOARDS: [&str; 2] =
    ["helm/kubeopencode/dashboards/guests.json", "helm/kubeopencode/dashboards/fleet.json"];
/// The variable that a data source is chosen by.
const DATA_SOURCE: &str = "${datasource}";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dashboard {
    uid: String,
    title: String,
    schema_version: u32,
    panels: Vec<Panel>,
}

#[derive(Deserialize)]
struct Panel {
    id: u32,
    #[serde(rename = "type")]
    kind: String,
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    datasource: Value,
    #[serde(default, rename = "fieldConfig")]
    field_config: Value,
    #[serde(default)]
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    expr: String,
    datasource: Value,
}

fn dashboards() -> [(&'static str, Dashboard); 2] {
    DASHBOARDS.map(|path| {
        let dashboard = serde_json::from_str(&read(path));
        (path, dashboard.unwrap_or_else(|error| panic!("{path}: {error}")))
    })
}

/// Rows only group others.
fn panels() -> Vec<(String, Panel)> {
    let named = |(path, dashboard): (&'static str, Dashboard)| {
        let name = move |panel: Panel| (format!("{path}: {}", panel.title), panel);
        dashboard.panels.into_iter().filter(|panel| panel.kind != "row").map(name)
    };
    dashboards().into_iter().flat_map(named).collect()
}

#[test]
fn the_dashboards_are_two_of_a_recent_schema_and_no_panel_is_there_twice() {
    let (mut uids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for (path, dashboard) in dashboards() {
        assert!(dashboard.schema_version >= 39, "{path}: {}", dashboard.schema_version);
        uids.insert(dashboard.uid);
        titles.insert(dashboard.title);
        let ids: BTreeSet<_> = dashboard.panels.iter().map(|panel| panel.id).collect();
        let names: BTreeSet<_> = dashboard.panels.iter().map(|panel| &panel.title).collect();
        assert_eq!((ids.len(), names.len()), (dashboard.panels.len(), dashboard.panels.len()));
    }
    assert_eq!((uids.len(), titles.len()), (2, 2));
}

#[test]
fn each_panel_says_what_it_shows_in_which_unit_and_from_which_source() {
    for (name, panel) in panels() {
        assert!(
            panel.description.ends_with('.'),
            "{name}: a sentence in place of {:?}",
            panel.description
        );
        let defaults = &panel.field_config["defaults"];
        assert!(defaults["unit"].is_string(), "{name}: it has no unit");
        assert!(defaults["thresholds"]["steps"].is_array(), "{name}: it has no thresholds");
        assert!(!panel.targets.is_empty(), "{name}: it asks for nothing");
        let sources = panel.targets.iter().map(|target| &target.datasource);
        for source in sources.chain([&panel.datasource]) {
            assert_eq!(source["uid"], DATA_SOURCE, "{name}");
        }
    }
}

#[test]
fn the_panels_ask_for_metrics_that_exist() {
    for (name, panel) in panels() {
        for Target { expr, .. } in panel.targets {
            assert_eq!(queries::problems(&expr), [""; 0], "{name}");
        }
    }
}
