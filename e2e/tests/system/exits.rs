//! What a script learns of `kubeoc` by its exit code alone.

use std::fs;

use anyhow::{Context, Result};
use e2e::{agents, cluster::Space, kubeoc, settings};
use k8s_openapi::api::{authentication::v1::TokenRequest, core::v1::ServiceAccount};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

#[tokio::test]
async fn each_kind_of_failure_has_its_exit_code() -> Result<()> {
    let space = Space::new("exits").await?;
    agents::create(&space, "here", json!({})).await?;
    let nobody = nobody(&space).await?;
    let nobody = nobody.path().to_str().context("a path")?;

    let cases: [(&str, &[&str], i32); 7] = [
        ("unknown flag", &["agent", "share", "here", "--nonsense"], 2),
        ("any and networks", &["agent", "share", "here", "--allowed-ips", "any,10.0.0.0/8"], 2),
        ("no such agent", &["agent", "share", "nowhere"], 3),
        ("not shared yet", &["agent", "share", "here", "--show"], 3),
        ("too little time", &["agent", "share", "here", "--timeout", "1ms"], 4),
        ("no rights", &["agent", "share", "here", "--kubeconfig", nobody], 5),
        ("no kubeconfig", &["agent", "share", "here", "--kubeconfig", "/nowhere"], 1),
    ];
    for (name, arguments, code) in cases {
        let outcome = kubeoc::run(&space, arguments).await?;
        assert_eq!(outcome.code, code, "{name}: {}{}", outcome.stdout, outcome.stderr);
        assert!(!outcome.stderr.is_empty(), "{name}: nothing is said");
        assert!(outcome.stdout.is_empty(), "{name}: {}", outcome.stdout);
    }
    assert_eq!(kubeoc::run(&space, &["agent", "share", "here"]).await?.code, 0);
    assert_eq!(kubeoc::run(&space, &["agent", "share", "here", "--show"]).await?.code, 0);
    assert_eq!(kubeoc::run(&space, &["agent", "unshare", "here"]).await?.code, 0);
    space.delete().await
}

/// A kubeconfig of a ServiceAccount without rights.
async fn nobody(space: &Space) -> Result<tempfile::NamedTempFile> {
    let accounts: Api<ServiceAccount> = space.api();
    let request = TokenRequest::default();
    let token = accounts.create_token_request("default", &PostParams::default(), &request).await?;
    let token = token.status.context("no token was made")?.token;

    let mut config: Value = serde_yaml_ng::from_str(&fs::read_to_string(settings::kubeconfig()?)?)?;
    for user in config["users"].as_array_mut().context("a kubeconfig without users")? {
        user["user"] = json!({ "token": token });
    }
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), config.to_string())?;
    Ok(file)
}
