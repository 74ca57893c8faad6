//! `kubeoc get agents --watch`: the table, and then each row that changes, until somebody stops it.

use api_types::Agent;
use futures::StreamExt;

use super::{
    agents::{AgentRow, COLUMNS, Changes},
    scope,
};
use crate::{
    Reader,
    cli::GetOptions,
    cluster::{Cluster, answer},
    now,
    stored::Change,
    table::{Table, View},
    write,
};

pub(super) async fn agents(
    cluster: &Cluster,
    options: &GetOptions,
    view: View,
) -> anyhow::Result<()> {
    let name = options.names.first().map(String::as_str);
    let mut watched = cluster.watch_all::<Agent>(scope(options), name, options.selector.as_deref());
    let mut changes = Changes::default();
    let listed = answer(options.place.timeout, async {
        if let Some(name) = name {
            // A watch waits for what does not exist.
            cluster.get::<Agent>(name).await?;
        }
        while let Some(change) = watched.next().await.transpose()? {
            let is_listed = matches!(change, Change::ListEnds);
            let rows = changes.by(change, now());
            if is_listed {
                return Ok(rows);
            }
        }
        anyhow::bail!("the API server ended the watch")
    });
    let mut rows = listed.await?;
    let mut table = None;
    while print(&mut table, view, &rows)? == Reader::Listens {
        match watched.next().await.transpose()? {
            Some(change) => rows = changes.by(change, now()),
            None => anyhow::bail!("the API server ended the watch"),
        }
    }
    Ok(())
}

/// The first rows make the table, and have its heading above them.
fn print(
    table: &mut Option<Table<AgentRow>>,
    view: View,
    rows: &[AgentRow],
) -> anyhow::Result<Reader> {
    if rows.is_empty() {
        return Ok(Reader::Listens);
    }
    let heading =
        if table.is_none() { Table::heading } else { |_: &Table<AgentRow>| String::new() };
    let table = table.get_or_insert_with(|| Table::new(COLUMNS, view, rows));
    let text = rows.iter().fold(heading(table), |text, row| text + &table.row(row));
    write(text.as_bytes())
}
