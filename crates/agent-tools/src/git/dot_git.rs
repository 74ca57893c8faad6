//! The `.git` of a checkout, as far as it is read and written here. Its configuration may be the agent's: of that
//! only the origin's URL is read, and nothing in it has an effect.

use agent_jobs::{Reference, Repository};
use gix_hash::ObjectId;

use super::{
    error::GitError,
    folder::Folder,
    lock::{self, Lock},
    tip::Tip,
};

/// The commit that was checked out here last, not by the agent: what the agent made since is ahead of it.
const SYNCED: &str = "refs/kubeopencode/synced";

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// None where no branch is.
    pub(super) branch: Option<String>,
    pub(super) commit: Option<ObjectId>,
}

pub(super) struct DotGit<'a>(pub(super) &'a Folder);

impl DotGit<'_> {
    /// Lays a new one out for a clone whose objects are there.
    pub(super) fn create(
        &self,
        repository: &Repository,
        tip: &Tip,
        commit: ObjectId,
        worktree: Option<&str>,
    ) -> Result<(), GitError> {
        let failed = GitError::target(".git");
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            self.0.ensure(folder.as_bytes()).map_err(failed)?;
        }
        let config = config(repository, tip, worktree);
        self.0.place(b"config", config.as_bytes(), 0o666, self.0).map_err(failed)?;
        for (name, id) in &tip.references {
            self.write(name, &format!("{id}\n"))?;
        }
        self.set_head(tip.branch.as_deref(), commit)
    }

    /// Whether nothing was ever checked out.
    pub(super) fn is_new(&self) -> Result<bool, GitError> {
        Ok(self.0.stat(b"HEAD").map_err(GitError::target(".git"))?.is_none())
    }

    /// None where it is not to be understood.
    pub(super) fn head(&self) -> Result<Option<Head>, GitError> {
        let Some(text) = self.text("HEAD")? else { return Ok(None) };
        let Some(name) = text.strip_prefix("ref: ") else {
            let commit = ObjectId::from_hex(text.as_bytes()).ok();
            return Ok(commit.map(|commit| Head { branch: None, commit: Some(commit) }));
        };
        let branch = name.strip_prefix("refs/heads/").map(str::to_owned);
        Ok(Some(Head {
            commit: self.reference(name)?,
            branch: branch.or_else(|| Some(name.into())),
        }))
    }

    pub(super) fn synced(&self) -> Result<Option<ObjectId>, GitError> {
        self.reference(SYNCED)
    }

    /// What must be locked while what is checked out is moved: no git commits to it or checks another one out.
    pub(super) fn locks(branch: Option<&str>) -> Vec<String> {
        let branch = branch.map(|branch| format!("refs/heads/{branch}"));
        ["index", "HEAD", SYNCED].map(str::to_owned).into_iter().chain(branch).collect()
    }

    /// Removes locks of ours that nobody holds any more, as the agent's git would wait for them in vain.
    pub(super) fn clear_locks(&self) -> Result<(), GitError> {
        let head = self.head()?.filter(|head| head.commit.is_some());
        let branch = head.and_then(|head| head.branch);
        Self::locks(branch.as_deref()).iter().try_for_each(|name| lock::clear(self.0, name))
    }

    /// Moves what is checked out to `commit`, which the files already are. The caller holds the [locks](Self::locks).
    pub(super) fn set_head(&self, branch: Option<&str>, commit: ObjectId) -> Result<(), GitError> {
        match branch {
            Some(branch) => {
                self.write(&format!("refs/heads/{branch}"), &format!("{commit}\n"))?;
                self.write("HEAD", &format!("ref: refs/heads/{branch}\n"))?;
            }
            None => self.write("HEAD", &format!("{commit}\n"))?,
        }
        self.write(SYNCED, &format!("{commit}\n"))
    }

    /// Tells the agent's git what the server has, as far as nothing is in the way of it: no other git that is at work
    /// on the name, and no tag that names something else, unless that `is_ours`.
    pub(super) fn set_references(
        &self,
        references: &[(String, ObjectId)],
        is_ours: impl Fn(&str, ObjectId) -> bool,
    ) {
        for (name, id) in references {
            // A name that cannot be written holds no update up.
            let _ = self.set_reference(name, *id, &is_ours);
        }
    }

    fn set_reference(
        &self,
        name: &str,
        id: ObjectId,
        is_ours: impl Fn(&str, ObjectId) -> bool,
    ) -> Result<(), GitError> {
        if self.reference(name)? == Some(id) {
            return Ok(());
        }
        let Some(_lock) = Lock::take(self.0, name)? else { return Ok(()) };
        match self.reference(name)? {
            Some(other) if name.starts_with("refs/tags/") && !is_ours(name, other) => Ok(()),
            _ => self.write(name, &format!("{id}\n")),
        }
    }

    /// The URL that git would fetch from.
    pub(super) fn origin(&self) -> Result<Option<String>, GitError> {
        let Some(text) = self.0.read_small(b"config").map_err(GitError::target(".git"))? else {
            return Ok(None);
        };
        let metadata = gix_config::file::Metadata::from(gix_config::Source::Local);
        let parsed = gix_config::File::from_bytes_no_includes(
            &text,
            metadata,
            gix_config::file::init::Options::default(),
        );
        let Ok(config) = parsed else { return Ok(None) };
        Ok(config.string("remote.origin.url").map(|url| url.to_string()))
    }

    pub(super) fn reference(&self, name: &str) -> Result<Option<ObjectId>, GitError> {
        // The agent may have written any name into HEAD.
        if Reference::parse(name).is_err() {
            return Ok(None);
        }
        if let Some(text) = self.text(name)? {
            return Ok(ObjectId::from_hex(text.as_bytes()).ok());
        }
        let packed = self.0.read(b"packed-refs").map_err(GitError::target(".git"))?;
        let packed = packed.unwrap_or_default();
        let lines = packed.split(|byte| *byte == b'\n');
        let mut ids =
            lines.filter_map(|line| line.strip_suffix(name.as_bytes())?.strip_suffix(b" "));
        Ok(ids.find_map(|id| ObjectId::from_hex(id).ok()))
    }

    fn text(&self, name: &str) -> Result<Option<String>, GitError> {
        let bytes = self.0.read_small(name.as_bytes()).map_err(GitError::target(".git"))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()))
    }

    fn write(&self, name: &str, content: &str) -> Result<(), GitError> {
        let failed = |source| GitError::Target { path: format!(".git/{name}"), source };
        if self.text(name)?.as_deref() == Some(content.trim_end()) {
            return Ok(());
        }
        self.0.place(name.as_bytes(), content.as_bytes(), 0o666, self.0).map_err(failed)
    }
}

/// As `git clone` writes it. With a part of the history, only the one branch is followed.
fn config(repository: &Repository, tip: &Tip, worktree: Option<&str>) -> String {
    let core = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n";
    let worktree = worktree.map(|path| format!("\tworktree = {}\n", quoted(path)));
    let url = quoted(repository.as_str());
    let is_followed = |(name, _): &&(String, ObjectId)| name.starts_with("refs/remotes/");
    let fetch = match (&tip.branch, tip.references.iter().filter(is_followed).count()) {
        (Some(branch), 1) => quoted(&format!("+refs/heads/{branch}:refs/remotes/origin/{branch}")),
        _ => "+refs/heads/*:refs/remotes/origin/*".to_owned(),
    };
    let origin = format!("[remote \"origin\"]\n\turl = {url}\n\tfetch = {fetch}\n");
    let branch = tip.branch.as_ref().map(|branch| {
        let merge = quoted(&format!("refs/heads/{branch}"));
        format!("[branch {}]\n\tremote = origin\n\tmerge = {merge}\n", quoted(branch))
    });
    [core, &worktree.unwrap_or_default(), &origin, &branch.unwrap_or_default()].concat()
}

/// A value of git's configuration, whatever is in it.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: &str) -> ObjectId {
        ObjectId::from_hex(digit.repeat(40).as_bytes()).unwrap()
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let folder = tempfile::tempdir().unwrap();
        let opened = Folder::open(folder.path()).unwrap();
        (folder, opened)
    }

    #[test]
    fn what_was_laid_out_is_read_again() {
        let (_keep, folder) = folder();
        let dot_git = DotGit(&folder);
        let repository = Repository::parse("https://host/a\"b;#.git").unwrap();
        let tip = Tip {
            id: id("1"),
            commit: id("1"),
            branch: Some("fix/it".into()),
            references: vec![("refs/remotes/origin/fix/it".into(), id("1"))],
        };
        dot_git.create(&repository, &tip, id("1"), None).unwrap();

        assert_eq!(dot_git.origin().unwrap().as_deref(), Some(repository.as_str()));
        let head = Head { branch: Some("fix/it".into()), commit: Some(id("1")) };
        assert_eq!(dot_git.head().unwrap(), Some(head));
        assert_eq!(dot_git.synced().unwrap(), Some(id("1")));
        dot_git.set_head(None, id("2")).unwrap();
        assert_eq!(dot_git.head().unwrap().unwrap(), Head { branch: None, commit: Some(id("2")) });
    }

    #[test]
    fn a_tag_of_the_agents_and_a_name_that_git_has_locked_are_left_alone() {
        let (keep, folder) = folder();
        let dot_git = DotGit(&folder);
        let set = |name: &str, digit| {
            let is_ours = |_: &str, other| other == id("a");
            dot_git.set_references(&[(name.to_owned(), id(digit))], is_ours);
            dot_git.reference(name).unwrap()
        };
        assert_eq!(set("refs/tags/v1", "1"), Some(id("1")));
        assert_eq!(set("refs/tags/v1", "2"), Some(id("1")), "somebody's");
        assert_eq!(set("refs/tags/v2", "a"), Some(id("a")));
        assert_eq!(set("refs/tags/v2", "2"), Some(id("2")), "ours");
        std::fs::write(keep.path().join("packed-refs"), format!("{} refs/tags/v3\n", id("3")))
            .unwrap();
        assert_eq!(set("refs/tags/v3", "4"), Some(id("3")), "somebody's, packed");

        let branch = "refs/remotes/origin/main";
        assert_eq!(set(branch, "1"), Some(id("1")));
        let lock = keep.path().join("refs/remotes/origin/main.lock");
        std::fs::write(&lock, "").unwrap();
        assert_eq!(set(branch, "2"), Some(id("1")), "locked");
        assert!(lock.exists());
        std::fs::remove_file(&lock).unwrap();
        assert_eq!(set(branch, "2"), Some(id("2")));
        assert!(!lock.exists());
    }

    #[test]
    fn packed_references_are_found_and_names_that_lead_elsewhere_are_not() {
        let (keep, folder) = folder();
        let packed = format!("# pack-refs\n{} refs/heads/main\n^{}\n", id("3"), id("4"));
        std::fs::write(keep.path().join("packed-refs"), packed).unwrap();
        let head = |text: &str| {
            std::fs::write(keep.path().join("HEAD"), text).unwrap();
            DotGit(&folder).head().unwrap()
        };
        assert_eq!(head("ref: refs/heads/main\n").unwrap().commit, Some(id("3")));
        assert_eq!(head("ref: ../../etc/passwd\n").unwrap().commit, None);
        assert_eq!(head("nonsense"), None);
    }
}
