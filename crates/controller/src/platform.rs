//! What kind of cluster this is, asked once at the start.

use kube::Client;

use crate::{args::UserIdsArg, error::ControllerError, resolve::UserIds};

/// The API group by which a cluster is known to choose users by namespace (OpenShift).
const OPENSHIFT_SECURITY: &str = "security.openshift.io";

/// What the flag says; for `auto`, what the API server serves.
pub async fn user_ids(client: &Client, flag: UserIdsArg) -> Result<UserIds, ControllerError> {
    match flag {
        UserIdsArg::Fixed => Ok(UserIds::Fixed),
        UserIdsArg::Namespace => Ok(UserIds::OfNamespace),
        UserIdsArg::Auto => {
            let groups = client.list_api_groups().await;
            let groups = groups.map_err(ControllerError::request("list", "APIGroup", ""))?.groups;
            let is_openshift = groups.iter().any(|group| group.name == OPENSHIFT_SECURITY);
            tracing::info!(is_openshift, "platform detected");
            Ok(if is_openshift { UserIds::OfNamespace } else { UserIds::Fixed })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    fn cluster_with(group: &'static str) -> Client {
        let answer = move |request: Request<Body>| async move {
            assert_eq!(request.uri().path(), "/apis");
            let version = json!({ "groupVersion": format!("{group}/v1"), "version": "v1" });
            let groups = json!([{ "name": group, "versions": [version] }]);
            let list = json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups });
            Ok::<_, Infallible>(Response::new(Body::from(list.to_string().into_bytes())))
        };
        Client::new(tower::service_fn(answer), "team-a")
    }

    #[tokio::test]
    async fn openshift_is_known_by_its_api_and_a_flag_wins() {
        let cases = [
            (OPENSHIFT_SECURITY, UserIdsArg::Auto, UserIds::OfNamespace),
            ("apps", UserIdsArg::Auto, UserIds::Fixed),
            (OPENSHIFT_SECURITY, UserIdsArg::Fixed, UserIds::Fixed),
            ("apps", UserIdsArg::Namespace, UserIds::OfNamespace),
        ];
        for (group, flag, expected) in cases {
            let found = user_ids(&cluster_with(group), flag).await.unwrap();
            assert_eq!(found, expected, "{group} {flag:?}");
        }
    }
}
