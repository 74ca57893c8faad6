//! What a script learns of `kubeoc` by its exit code alone.

use anyhow::{Context, Result};
use e2e::{agents, cluster::Space, kubeoc};
use serde_json::json;

#[tokio::test]
async fn each_kind_of_failure_has_its_exit_code() -> Result<()> {
    let space = Space::new("exits").await?;
    agents::create(&space, "here", json!({})).await?;
    let nobody = kubeoc::kubeconfig_of(&space, "default").await?;
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
