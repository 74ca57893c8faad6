//! Who talks to the API server: the driver as the cluster's admin, and each program as its own ServiceAccount, with
//! the rights of an installation.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use api_types::names::{BROKER_SERVICE, CONTROLLER_DEPLOYMENT, SERVER_NAMESPACE, SERVER_SERVICE};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

/// The ServiceAccount of a program, by its name in the system's namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account(pub &'static str);

pub const CONTROLLER: Account = Account(CONTROLLER_DEPLOYMENT);
pub const GATEWAY: Account = Account(SERVER_SERVICE);
pub const BROKER: Account = Account(BROKER_SERVICE);

/// Longer than any run.
const TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// Where the control plane is, and which controller is meant.
#[derive(clap::Args, Clone, Debug)]
pub struct Access {
    /// The admin's kubeconfig
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: PathBuf,
    /// The API server's audit log
    #[arg(long, value_name = "FILE")]
    pub audit_log: PathBuf,
    /// The controller's program
    #[arg(long, value_name = "FILE")]
    pub controller: PathBuf,
}

impl Account {
    /// How the API server calls it.
    pub fn user(self) -> String {
        format!("system:serviceaccount:{SERVER_NAMESPACE}:{}", self.0)
    }
}

impl Access {
    pub async fn client(&self) -> Result<Client> {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        let options = KubeConfigOptions::default();
        Ok(Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &options).await?)?)
    }

    /// Writes a kubeconfig of an account into `folder`.
    pub async fn of_account(
        &self,
        account: Account,
        client: &Client,
        folder: &Path,
    ) -> Result<PathBuf> {
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), SERVER_NAMESPACE);
        let spec =
            TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..Default::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let issued =
            accounts.create_token_request(account.0, &PostParams::default(), &request).await?;
        let token = issued.status.context("no token was issued")?.token;
        let text = std::fs::read_to_string(&self.kubeconfig)?;
        let mut kubeconfig: Value = serde_json::from_str(&text)?;
        kubeconfig["users"][0]["user"] = json!({ "token": token });
        let path = folder.join(format!("{}.kubeconfig", account.0));
        std::fs::write(&path, kubeconfig.to_string())?;
        Ok(path)
    }
}
