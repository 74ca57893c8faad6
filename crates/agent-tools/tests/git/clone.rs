//! What a first clone leaves behind.

use super::{
    origin::Origin,
    pod::Pod,
    server::{Scheme, Server},
};

/// A server with the repository `repo`: two commits on `main`.
pub(crate) fn server() -> (Server, Origin) {
    let server = Server::start(Scheme::Https);
    let origin = Origin::new(server.srv(), "repo");
    origin.write("README.md", "one\n").commit("one");
    origin.write("README.md", "two\n").write("sub/dir/file", "text\n").commit("two");
    (server, origin)
}

#[test]
fn a_branch_is_cloned_over_https_with_a_private_authority() {
    let (server, origin) = server();
    let pod = Pod::new(&server.url("open", "repo")).trusting(&server.ca());

    assert_eq!(pod.init().synced(), origin.head());

    assert_eq!(pod.text("README.md"), "two\n");
    assert_eq!(pod.text("sub/dir/file"), "text\n");
    assert_eq!(
        pod.git(&["status", "--porcelain=v2", "--branch"]),
        format!(
            "# branch.oid {}\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +0 -0",
            origin.head()
        )
    );
    assert_eq!(pod.git(&["log", "--format=%s"]), "two", "depth 1");
    pod.git(&["fsck", "--strict"]);
    let left: Vec<_> =
        std::fs::read_dir(pod.volume()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["docs"]);
}
