//! The repositories that an agent gets: contexts of type Git, and skills. Pure.

use agent_jobs::{Reference, RelativePath, RelativePathError, Repository, Sync, SyncPolicy};
use api_types::{AgentSpec, ContextItem, ContextType, GitSync, LocalRef, Skill, names};

use super::{Invalid, Place, contexts::label, place};

/// A repository, or a part of it, and where it lands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// Of the context or skill; its entry in the status.
    pub name: String,
    /// What a message calls it, as in `spec.skills[0] "review"`.
    pub label: String,
    pub repository: Repository,
    pub reference: Reference,
    /// Commits of history; 0 is all of it.
    pub depth: u32,
    pub recurse_submodules: bool,
    pub path: Option<RelativePath>,
    /// If not empty: the entries that are visible.
    pub select: Vec<RelativePath>,
    pub place: Place,
    /// The Secret of credentials.
    pub secret: Option<String>,
    pub sync: Option<Sync>,
}

/// Contexts first, then skills, each in the user's order.
pub(super) fn resolve(spec: &AgentSpec, workspace_dir: &str) -> Result<Vec<Checkout>, Invalid> {
    let contexts = spec.contexts.iter().flatten().enumerate();
    let contexts = contexts
        .filter(|(_, item)| item.kind == ContextType::Git)
        .map(|(index, item)| context(index, item, workspace_dir));
    let skills = spec.skills.iter().flatten().enumerate().map(|(index, one)| skill(index, one));
    contexts.chain(skills).collect()
}

fn context(index: usize, item: &ContextItem, workspace_dir: &str) -> Result<Checkout, Invalid> {
    let field = Field { list: "contexts", index };
    let Some(git) = &item.git else {
        return Err(field.refuse("git.repository", "it must be set for type Git"));
    };
    let Some(path) = &item.mount_path else {
        return Err(field.refuse("mountPath", "it must be set for type Git"));
    };
    Ok(Checkout {
        name: item.name.clone().unwrap_or_else(|| format!("context-{index}")),
        label: label("contexts", index, item.name.as_deref()),
        repository: field.repository(&git.repository)?,
        reference: field.reference(&git.git_ref)?,
        depth: git.depth,
        recurse_submodules: git.recurse_submodules,
        path: field.path("git.path", git.path.as_deref())?,
        select: vec![],
        place: place::place(workspace_dir, path).map_err(|why| field.refuse("mountPath", why))?,
        secret: name(git.secret_ref.as_ref()),
        sync: git.sync.as_ref().and_then(sync),
    })
}

fn skill(index: usize, skill: &Skill) -> Result<Checkout, Invalid> {
    let field = Field { list: "skills", index };
    let git = &skill.git;
    // It is a folder's name; the API server checks new agents, and this one may be older than that rule.
    let folder = RelativePath::parse(&skill.name);
    if !folder.is_ok_and(|folder| folder.as_str() == skill.name && !skill.name.contains('/')) {
        return Err(field.refuse("name", "it must be the name of a folder, without '/'"));
    }
    let select = git.names.iter().map(|name| field.path("git.names", Some(name)));
    Ok(Checkout {
        name: skill.name.clone(),
        label: label("skills", index, Some(&skill.name)),
        repository: field.repository(&git.repository)?,
        reference: field.reference(&git.git_ref)?,
        depth: git.depth,
        recurse_submodules: git.recurse_submodules,
        path: field.path("git.path", git.path.as_deref())?,
        select: select.filter_map(Result::transpose).collect::<Result<_, _>>()?,
        place: Place::Outside(folder_of_skill(&skill.name)),
        secret: name(git.secret_ref.as_ref()),
        sync: None,
    })
}

/// Where a skill is mounted.
pub(super) fn folder_of_skill(name: &str) -> String {
    format!("{}/{name}", names::SKILLS_DIR)
}

fn name(reference: Option<&LocalRef>) -> Option<String> {
    reference.map(|reference| reference.name.clone())
}

fn sync(sync: &GitSync) -> Option<Sync> {
    let seconds = sync.interval.as_ref().map_or(300, |interval| interval.get().as_secs());
    sync.enabled.then(|| Sync {
        interval_seconds: u32::try_from(seconds.max(1)).unwrap_or(u32::MAX),
        policy: match sync.policy {
            api_types::SyncPolicy::HotReload => SyncPolicy::HotReload,
            api_types::SyncPolicy::Rollout => SyncPolicy::Rollout,
        },
    })
}

/// An entry of a list, for messages about its fields.
struct Field {
    list: &'static str,
    index: usize,
}

impl Field {
    fn refuse(&self, field: &str, why: impl Into<String>) -> Invalid {
        Invalid::spec(format!("spec.{}[{}].{field}", self.list, self.index), why)
    }

    fn repository(&self, written: &str) -> Result<Repository, Invalid> {
        Repository::parse(written).map_err(|why| self.refuse("git.repository", why.to_string()))
    }

    fn reference(&self, written: &str) -> Result<Reference, Invalid> {
        Reference::parse(written).map_err(|why| self.refuse("git.ref", why.to_string()))
    }

    /// `.` and `/` are the whole repository.
    fn path(&self, field: &str, written: Option<&str>) -> Result<Option<RelativePath>, Invalid> {
        match written.map(RelativePath::parse) {
            None | Some(Err(RelativePathError::Empty)) => Ok(None),
            Some(Ok(path)) => Ok(Some(path)),
            Some(Err(why)) => Err(self.refuse(field, why.to_string())),
        }
    }
}
