//! The names that a repository gives to commits, and those whose commits no server has.

use std::collections::BTreeSet;

use gix_hash::ObjectId;

use super::{
    divergence::is_part_of, dot_git::DotGit, error::GitError, folder::Folder, objects::Objects,
};

const BRANCHES: &str = "refs/heads/";
const STASH: &str = "refs/stash";
/// Deeper than a name may be.
const DEPTH_MAX: usize = 64;

/// What the agent committed, or stashed, and did not push.
pub(super) fn unpushed(meta: &Folder, objects: &Objects) -> Result<Option<String>, GitError> {
    let dot_git = DotGit(meta);
    let named = dot_git.commits()?;
    let is_remote = |(name, _): &&(String, ObjectId)| name.starts_with("refs/remotes/");
    let known = named.iter().filter(is_remote).map(|(_, id)| *id);
    let known: Vec<_> = known.chain(dot_git.synced()?).collect();
    for (name, id) in &named {
        let why = match name.strip_prefix(BRANCHES) {
            Some(branch) => format!(
                "its branch {branch} has commits that the server lacks: push it, or delete it"
            ),
            None if name == STASH => "it has a stash: commit and push it, or drop it".to_owned(),
            None => continue,
        };
        if !is_part_of(objects, *id, &known) {
            return Ok(Some(why));
        }
    }
    let head = dot_git.head()?.and_then(|head| head.commit);
    let is_pushed = head.is_none_or(|head| is_part_of(objects, head, &known));
    Ok((!is_pushed).then(|| "it has commits of its own: push them to a branch".to_owned()))
}

impl DotGit<'_> {
    /// All that are called something, in the order of their names.
    fn commits(&self) -> Result<Vec<(String, ObjectId)>, GitError> {
        let failed = GitError::target(".git");
        let mut names = BTreeSet::new();
        if let Ok(refs) = self.0.child(b"refs") {
            collect(&refs, "refs", 0, &mut names).map_err(failed)?;
        }
        let packed = self.0.read(b"packed-refs").map_err(failed)?.unwrap_or_default();
        let lines = String::from_utf8_lossy(&packed);
        let packed = lines.lines().filter_map(|line| line.split_once(' '));
        names.extend(packed.map(|(_, name)| name.to_owned()));
        let mut found = Vec::new();
        for name in names {
            if let Some(id) = self.reference(&name)? {
                found.push((name, id));
            }
        }
        Ok(found)
    }
}

fn collect(
    folder: &Folder,
    at: &str,
    depth: usize,
    names: &mut BTreeSet<String>,
) -> std::io::Result<()> {
    for (name, _) in folder.entries()? {
        let path = format!("{at}/{}", String::from_utf8_lossy(&name));
        match folder.child(&name) {
            Ok(inner) if depth < DEPTH_MAX => collect(&inner, &path, depth + 1, names)?,
            _ => drop(names.insert(path)),
        }
    }
    Ok(())
}
