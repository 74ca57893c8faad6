//! The real controller as a child of this process.

use std::{path::Path, time::Duration};

use anyhow::Result;
use kube::Client;

use crate::{
    access::{Access, CONTROLLER},
    process::{Process, Program},
};

/// Reconciles that ended, by its own count.
const RECONCILES: &str = "kubeopencode_reconciles_total";

/// The one that `access` means, with the rights of an installation; its files are in `folder`.
pub async fn program(access: &Access, client: &Client, folder: &Path) -> Result<Program> {
    Ok(Program {
        path: access.controller.clone(),
        // The same name each time, as that of a container that restarts in its pod.
        arguments: vec!["--pod-name=measured".to_owned()],
        kubeconfig: access.of_account(CONTROLLER, client, folder).await?,
        log: folder.join("controller.log"),
    })
}

/// Waits until it has ended as many reconciles.
pub async fn has_reconciled(controller: &Process, count: u64, bound: Duration) -> Result<()> {
    controller.reaches(RECONCILES, count, bound).await
}
