//! Repositories within the repository.

use super::{
    origin::Origin,
    pod::Pod,
    server::{Scheme, Server},
};

/// `repo` with the submodule `vendor/lib` from `lib`, which has `inner` in it.
pub(crate) fn server() -> (Server, Origin, Origin) {
    let server = Server::start(Scheme::Https);
    let inner = Origin::new(server.srv(), "inner");
    inner.write("inner.txt", "inner\n").commit("inner");
    let lib = Origin::new(server.srv(), "lib");
    lib.write("doc/lib.txt", "lib\n").commit("lib");
    add(&lib, "deep", "../../inner/.git", &inner);
    let repo = Origin::new(server.srv(), "repo");
    repo.write("README.md", "repo\n").commit("repo");
    add(&repo, "vendor/lib", "../../lib/.git", &lib);
    (server, repo, lib)
}

/// Adds a submodule with any URL, which git itself might not take.
pub(crate) fn add(repo: &Origin, path: &str, url: &str, of: &Origin) {
    let section = format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
    let old = std::fs::read_to_string(repo.path.join(".gitmodules")).unwrap_or_default();
    repo.write(".gitmodules", &(old + &section));
    repo.git(&["add", ".gitmodules"]);
    point(repo, path, &of.head());
    repo.git(&["commit", "--quiet", "--message", path]);
}

/// Changes which commit of a submodule is meant, without a checkout of it.
pub(crate) fn point(repo: &Origin, path: &str, commit: &str) {
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
}

/// The next commit of `lib`, which still has its submodule, without a checkout of it.
pub(crate) fn newer(lib: &Origin) -> String {
    lib.write("doc/lib.txt", "newer\n").git(&["add", "doc/lib.txt"]);
    lib.git(&["commit", "--quiet", "--message", "newer"]);
    lib.head()
}

pub(crate) fn pod(server: &Server) -> Pod {
    Pod::new(&server.url("open", "repo")).trusting(&server.ca()).with("recurseSubmodules", true)
}

#[test]
fn submodules_are_cloned_within_each_other_so_that_git_finds_them() {
    let (server, repo, lib) = server();
    let pod = pod(&server);
    assert_eq!(pod.init().synced(), repo.head());
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "lib\n");
    assert_eq!(pod.text("vendor/lib/deep/inner.txt"), "inner\n");
    assert_eq!(pod.git(&["status", "--porcelain"]), "");
    assert_eq!(super::origin::read(&pod.docs("vendor/lib"), &["rev-parse", "HEAD"]), lib.head());
    let deep = pod.docs("vendor/lib/deep");
    let top = super::origin::read(&deep, &["rev-parse", "--show-toplevel"]);
    assert_eq!(std::fs::canonicalize(top).unwrap(), std::fs::canonicalize(deep).unwrap());
}

#[test]
fn without_the_wish_a_submodule_is_an_empty_place() {
    let (server, _repo, _lib) = server();
    let pod = pod(&server).with("recurseSubmodules", false);
    pod.init().synced();
    assert!(!pod.docs("vendor/lib/doc").exists());
}

#[test]
fn a_path_may_lead_through_a_submodule_or_contain_one() {
    let (server, _repo, _lib) = server();
    let through = pod(&server).with("path", "vendor/lib/doc");
    through.init().synced();
    assert_eq!(through.text("lib.txt"), "lib\n");
    let around = pod(&server).with("path", "vendor");
    around.init().synced();
    assert_eq!(around.text("lib/deep/inner.txt"), "inner\n");
    assert!(!around.docs("lib/.git").exists());
}

#[test]
fn an_update_of_the_repository_updates_its_submodules() {
    let (server, repo, lib) = server();
    for path in [None, Some("vendor")] {
        let mut pod = pod(&server).with("persistent", true);
        if let Some(path) = path {
            pod = pod.with("path", path);
        }
        pod.init().synced();
        let newer = lib.write("doc/lib.txt", path.unwrap_or("newer")).commit("newer");
        point(&repo, "vendor/lib", &newer);
        repo.git(&["commit", "--quiet", "--message", "newer"]);
        assert_eq!(pod.init().synced(), repo.head());
        let file = if path.is_some() { "lib/doc/lib.txt" } else { "vendor/lib/doc/lib.txt" };
        assert_eq!(pod.text(file), path.unwrap_or("newer"));
    }
}

#[test]
fn work_in_a_submodule_keeps_everything_where_it_is() {
    let (server, repo, lib) = server();
    let pod = pod(&server).with("persistent", true);
    pod.init().synced();
    std::fs::write(pod.docs("vendor/lib/doc/lib.txt"), "mine").unwrap();
    let newer = lib.write("doc/lib.txt", "newer").commit("newer");
    point(&repo, "vendor/lib", &newer);
    repo.write("README.md", "newer").git(&["add", "README.md"]);
    repo.git(&["commit", "--quiet", "--message", "newer"]);
    assert_eq!(pod.init().diverged(), "submodule 'vendor/lib': 'doc/lib.txt' was changed here");
    assert_eq!(pod.text("vendor/lib/doc/lib.txt"), "mine");
    assert_eq!(pod.text("README.md"), "repo\n");
}

#[test]
fn a_submodule_on_another_host_gets_no_credentials() {
    let (server, repo, _lib) = server();
    let other = Server::start(Scheme::Https);
    let theirs = Origin::new(other.srv(), "theirs");
    theirs.write("a", "a").commit("a");
    add(&repo, "theirs", &other.url("open", "theirs"), &theirs);
    let both = server.folder.path().join("both.pem");
    let bundle = [server.ca(), other.ca()].map(|ca| std::fs::read_to_string(ca).unwrap()).concat();
    std::fs::write(&both, bundle).unwrap();
    let pod = Pod::new(&server.url("private", "repo"))
        .trusting(&both)
        .secret(&[("username", "bot"), ("password", "s3cret")])
        .with("recurseSubmodules", true);
    pod.init().synced();
    assert!(pod.docs("theirs/a").exists() && pod.docs("vendor/lib/doc").exists());
    let asked = other.asked();
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.authorization.is_none()));
}

#[test]
fn hostile_urls_and_names_of_submodules_are_refused() {
    for url in [
        "file:///etc",
        "/etc",
        "ext::sh -c touch% /tmp/x",
        "-u./x",
        "git://localhost/x",
        "../../../../../../x",
        "https://user:pass@localhost/x",
        "lib",
    ] {
        let server = Server::start(Scheme::Https);
        let repo = Origin::new(server.srv(), "repo");
        repo.write("a", "a").commit("a");
        let same = Origin { path: repo.path.clone() };
        add(&repo, "lib", url, &same);
        let refused = pod(&server).init().refused();
        assert!(refused.starts_with("docs: submodule 'lib': its URL"), "{url}: {refused}");
    }
    for name in ["../../../evil", "..", "a/../../b", ".git", "/abs"] {
        let server = Server::start(Scheme::Https);
        let repo = Origin::new(server.srv(), "repo");
        let text = format!("[submodule \"{name}\"]\n\tpath = lib\n\turl = ../../repo/.git\n");
        repo.write(".gitmodules", &text).commit("a");
        let refused = pod(&server).init().refused();
        assert!(refused.contains("a submodule is named"), "{name}: {refused}");
    }
}

#[test]
fn a_repository_that_contains_itself_ends() {
    let server = Server::start(Scheme::Https);
    let repo = Origin::new(server.srv(), "repo");
    repo.write("a", "a").commit("a");
    let mut at = repo.head();
    for _ in 0..12 {
        repo.write(".gitmodules", "[submodule \"me\"]\n\tpath = me\n\turl = ../../repo/.git\n");
        repo.git(&["add", ".gitmodules"]);
        point(&repo, "me", &at);
        repo.git(&["commit", "--quiet", "--message", "me"]);
        at = repo.head();
    }
    let refused = pod(&server).init().refused();
    assert!(refused.contains("its submodules are nested too deeply"), "{refused}");
}
