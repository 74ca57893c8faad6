//! What the agent made of a checkout that ends with its pod, and that no update in place would touch: files that git
//! does not know, other branches, submodules that stay where they are.

use agent_jobs::GitJob;

use super::{
    divergence::staged,
    dot_git::DotGit,
    error::GitError,
    folder::Folder,
    index::Index,
    objects::Objects,
    ready::{Ready, changed},
    references::unpushed,
    snapshot::{Path, Snapshot, join},
    submodules,
    untracked::Untracked,
    worktree::Worktree,
};

const SUBMODULES_DEPTH_MAX: usize = 8;

pub(super) struct Loss<'a> {
    pub(super) job: &'a GitJob,
    pub(super) scratch: &'a Folder,
}

/// A repository of the checkout, as it is now.
struct Here<'a> {
    meta: &'a Folder,
    work: &'a Folder,
    snapshot: &'a Snapshot,
    /// From the target.
    at: &'a [u8],
}

impl Loss<'_> {
    /// A sentence about the first that is found. The files of the repository itself were judged already.
    pub(super) fn of(&self, root: &Ready) -> Result<Option<String>, GitError> {
        let Some(step) = &root.step else { return Ok(None) };
        let (meta, work) = (&root.place.meta, &root.work);
        self.within(&Here { meta, work, snapshot: &step.old, at: &[] }, 0)
    }

    fn within(&self, here: &Here<'_>, depth: usize) -> Result<Option<String>, GitError> {
        let objects = Objects::open(here.meta)?;
        if let Some(why) = unpushed(here.meta, &objects)? {
            return Ok(Some(why));
        }
        let mut submodules: Vec<Path> = Vec::new();
        for (at, meta) in submodules_of(here, &objects)? {
            let path = String::from_utf8_lossy(&at).into_owned();
            if let Some(why) = self.submodule(here, &at, &meta, depth)? {
                return Ok(Some(format!("submodule '{path}': {why}")));
            }
            submodules.push(at);
        }
        // A submodule may be all that is selected.
        if here.snapshot.is_file || submodules.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        let is_others = |path: &[u8]| {
            let from_target = join(here.at, path);
            submodules.iter().any(|at| at == path)
                || self.job.others.iter().any(|other| other.as_str().as_bytes() == from_target)
        };
        let untracked = Untracked { here: here.snapshot, is_others: &is_others };
        let found = untracked.first(here.work, here.meta)?;
        Ok(found.map(|path| {
            let path = String::from_utf8_lossy(&path);
            format!(
                "'{path}' is in no commit: commit and push it, remove it, or have git ignore it"
            )
        }))
    }

    fn submodule(
        &self,
        of: &Here<'_>,
        at: &[u8],
        meta: &Folder,
        depth: usize,
    ) -> Result<Option<String>, GitError> {
        // If somebody removed it, there is nothing to lose.
        let Ok(work) = of.work.descend(at) else { return Ok(None) };
        let Some(commit) = DotGit(meta).head()?.and_then(|head| head.commit) else {
            return Ok(Some("its HEAD is not a commit".into()));
        };
        if depth > SUBMODULES_DEPTH_MAX {
            return Err(GitError::Data("its submodules are nested too deeply".into()));
        }
        let selection = of.snapshot.submodules.iter().find(|one| one.at == at);
        let selection = selection.map(|one| one.selection.clone()).unwrap_or_default();
        let objects = Objects::open(meta)?;
        let snapshot = Snapshot::of(&objects, commit, &selection, &self.job.reference)?;
        let index = Index::read(meta);
        let files = Worktree { work: &work, scratch: self.scratch };
        if let Some(path) = files.edited(&index, &snapshot, &snapshot)? {
            return Ok(Some(changed(&path)));
        }
        if let Some(path) = staged(&index, &snapshot, &snapshot) {
            return Ok(Some(format!("'{}' is staged here", String::from_utf8_lossy(&path))));
        }
        let at = join(of.at, at);
        self.within(&Here { meta, work: &work, snapshot: &snapshot, at: &at }, depth + 1)
    }
}

/// Where the submodules are that were checked out, with their repositories.
fn submodules_of(here: &Here<'_>, objects: &Objects) -> Result<Vec<(Path, Folder)>, GitError> {
    let Some(commit) = DotGit(here.meta).head()?.and_then(|head| head.commit) else {
        return Ok(vec![]);
    };
    let described = submodules::described(objects, commit)?;
    let meta_of = |path: &[u8]| {
        let one = described.iter().find(|described| described.path == path)?;
        here.meta.child(b"modules").ok()?.descend(one.name.as_bytes()).ok()
    };
    let mut found = Vec::new();
    for submodule in &here.snapshot.submodules {
        let Some(meta) = meta_of(&submodule.path) else { continue };
        if !DotGit(&meta).is_new()? {
            found.push((submodule.at.clone(), meta));
        }
    }
    Ok(found)
}
