//! What `.gitmodules` says of a commit's submodules. It is the repository's: hostile like the rest of it.

use agent_jobs::{RelativePath, Repository};
use gix_hash::ObjectId;
use gix_object::tree::EntryKind;

use super::{error::GitError, objects::Objects};

/// A submodule as its repository describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// Also the path of its own repository below `.git/modules`.
    pub(super) name: String,
    pub(super) path: Vec<u8>,
    url: String,
}

impl Described {
    /// Where it is, seen from the repository that it is in.
    pub(super) fn repository(&self, of: &Repository) -> Result<Repository, GitError> {
        let refused = |_| GitError::SubmoduleUrl { url: super::error::printable(&self.url) };
        of.submodule(&self.url).map_err(refused)
    }
}

/// The submodules that a commit describes.
pub(super) fn described(objects: &Objects, commit: ObjectId) -> Result<Vec<Described>, GitError> {
    let root = objects.entries(objects.root_of(commit)?)?;
    match root.into_iter().find(|(name, ..)| name == ".gitmodules") {
        Some((_, EntryKind::Blob | EntryKind::BlobExecutable, id)) => parse(&objects.blob(id)?),
        _ => Ok(vec![]),
    }
}

fn parse(text: &[u8]) -> Result<Vec<Described>, GitError> {
    let metadata = gix_config::file::Metadata::from(gix_config::Source::Local);
    let config = gix_config::File::from_bytes_no_includes(
        text,
        metadata,
        gix_config::file::init::Options::default(),
    );
    let config = config.map_err(|_| GitError::Data("its .gitmodules is malformed".into()))?;
    let mut found = Vec::new();
    for section in config.sections_by_name("submodule").into_iter().flatten() {
        let name = section.header().subsection_name().map(ToString::to_string);
        let value = |key| section.value(key);
        if let (Some(name), Some(path), Some(url)) = (name, value("path"), value("url")) {
            let url = String::from_utf8_lossy(&url).into_owned();
            found.push(Described { name: plain(&name)?, path: path.into(), url });
        }
    }
    let is_within = |a: &Described, b: &Described| a.name.starts_with(&format!("{}/", b.name));
    if found.iter().any(|a| found.iter().any(|b| is_within(a, b))) {
        return Err(GitError::Data("a submodule's name lies within another's".into()));
    }
    Ok(found)
}

/// A name that is a plain path, none of which could be taken for a repository's own files.
fn plain(name: &str) -> Result<String, GitError> {
    let refused = || GitError::Data(format!("a submodule is named {name:?}"));
    let path = RelativePath::parse(name).map_err(|_| refused())?;
    let is_git = |part: &str| part.eq_ignore_ascii_case(".git") || part.starts_with('-');
    if path.as_str() != name || name.split('/').any(is_git) {
        Err(refused())
    } else {
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, url: &str) -> Result<Vec<Described>, GitError> {
        parse(format!("[submodule \"{name}\"]\n\tpath = lib\n\turl = {url}\n").as_bytes())
    }

    #[test]
    fn a_submodule_has_a_name_a_path_and_a_url() {
        let found = of("vendor/lib", "../lib.git").unwrap();
        assert_eq!((found[0].name.as_str(), found[0].path.as_slice()), ("vendor/lib", &b"lib"[..]));
        let base = Repository::parse("https://host/team/repo").unwrap();
        assert_eq!(found[0].repository(&base).unwrap().as_str(), "https://host/team/lib.git");
    }

    #[test]
    fn hostile_names_and_urls_are_refused() {
        for name in
            ["../../hooks", "..", "/etc", "a/../b", "a//b", ".git/hooks", "-x", "a/.GIT", "./a"]
        {
            assert!(of(name, "../lib").is_err(), "{name:?}");
        }
        let base = Repository::parse("https://host/team/repo").unwrap();
        for url in
            ["file:///etc", "ext::sh", "/srv/repo", "-u./x", "../../../../x", "git://h/r", "repo"]
        {
            assert!(of("lib", url).unwrap()[0].repository(&base).is_err(), "{url:?}");
        }
        let nested =
            b"[submodule \"a\"]\npath=a\nurl=../a\n[submodule \"a/hooks\"]\npath=b\nurl=../b\n";
        assert!(parse(nested).is_err());
        assert!(parse(b"[submodule \"a\"\n").is_err());
    }
}
