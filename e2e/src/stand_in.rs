//! A script in the place of `opencode attach`, whose screen changes by itself and tells nothing of single bytes; `OpenCode`'s
//! server stays.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::{agents, cluster::Space, kubeoc, pods};

/// What runs for everything but `attach`.
const SERVER: &str =
    "#!/bin/bash\nif [ \"$1\" != attach ]; then exec /tools/opencode.real \"$@\"; fi\n";

/// Makes a shared agent whose terminals run `script`, in Bash. Returns its token and its pod.
pub async fn agent(space: &Space, name: &str, script: &str) -> Result<(String, String)> {
    agents::ready(space, name, json!({})).await?;
    let token = kubeoc::share(space, name, &[]).await?;
    let pod = pods::of_agent(space, name).await?;
    let replace = "cd /tools && mv opencode opencode.real && printf %s \"$0\" > opencode && chmod 755 opencode && echo ok";
    let script = format!("{SERVER}{script}");
    let replaced = pods::exec(space, &pod, &["/bin/bash", "-c", replace, &script]).await?;
    ensure!(replaced.trim() == "ok", "the stand-in is not in its place: {replaced:?}");
    Ok((token, pod))
}
