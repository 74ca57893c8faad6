//! What a reference stands for at the server. Pure.

use agent_jobs::Reference;
use gix_hash::ObjectId;
use gix_protocol::handshake::Ref;

use super::{error::GitError, remote::History};

/// What is to be checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tip {
    /// A commit; or, until it is there to be looked at, a tag of one.
    pub(super) id: ObjectId,
    /// What `id` is, or is a tag of, by the server's word.
    pub(super) commit: ObjectId,
    /// The branch that is followed; a tag or commit has none.
    pub(super) branch: Option<String>,
    /// References of the clone, and what each names.
    pub(super) references: Vec<(String, ObjectId)>,
}

/// Which references a server must name to tell what `reference` stands for, and what else the clone gets.
pub(super) fn prefixes(reference: &Reference, history: History) -> Vec<String> {
    let name = reference.as_str();
    let mut names = match name {
        "HEAD" => vec!["HEAD".to_owned()],
        _ if name.starts_with("refs/") => vec![name.to_owned()],
        _ => ["refs/heads/", "refs/tags/"].map(|folder| format!("{folder}{name}")).into(),
    };
    if is_whole(history) {
        names.extend(["refs/heads/", "refs/tags/"].map(str::to_owned));
    }
    names
}

/// A clone with all of its history has every branch and tag, as git's own.
fn is_whole(history: History) -> bool {
    matches!(history, History::Depth(0))
}

impl Tip {
    pub(super) fn find(
        refs: &[Ref],
        reference: &Reference,
        history: History,
        place: &str,
    ) -> Result<Self, GitError> {
        let unknown = || GitError::UnknownReference {
            place: place.to_owned(),
            reference: reference.as_str().to_owned(),
        };
        let (id, commit, branch, own) = if reference.is_commit() {
            let id = ObjectId::from_hex(reference.as_str().as_bytes()).map_err(|_| unknown())?;
            (id, id, None, None)
        } else {
            let (full, id, commit) = lookup(refs, reference.as_str()).ok_or_else(|| {
                if refs.iter().all(|found| matches!(found, Ref::Unborn { .. }))
                    && reference.as_str() == "HEAD"
                {
                    GitError::Empty { place: place.to_owned() }
                } else {
                    unknown()
                }
            })?;
            let branch = full.strip_prefix("refs/heads/").map(str::to_owned);
            if Reference::parse(&full).is_err() {
                return Err(unknown());
            }
            (id, commit, branch, local(&full).map(|name| (name, id)))
        };
        let mut references: Vec<_> = own.into_iter().collect();
        if is_whole(history) {
            let all =
                refs.iter().filter_map(|found| Some((local(&full_name(found)?)?, target(found)?)));
            references.extend(all);
        }
        // A hostile server names what would not be a reference here.
        references.retain(|(name, _)| Reference::parse(name).is_ok());
        references.sort();
        references.dedup_by(|a, b| a.0 == b.0);
        Ok(Self { id, commit, branch, references })
    }

    /// Everything that must be fetched.
    pub(super) fn wants(&self) -> Vec<ObjectId> {
        let mut all: Vec<_> = self.references.iter().map(|(_, id)| *id).collect();
        all.push(self.id);
        all.sort();
        all.dedup();
        all
    }
}

/// The full name that `name` stands for, what it names, and what that is a tag of: a branch rather than a tag.
fn lookup(refs: &[Ref], name: &str) -> Option<(String, ObjectId, ObjectId)> {
    let at = |full: &str| {
        let found = refs.iter().find(|found| full_name(found).as_deref() == Some(full))?;
        Some((full.to_owned(), target(found)?, peeled(found)?))
    };
    if name == "HEAD" {
        return refs.iter().find_map(|found| match found {
            Ref::Symbolic { full_ref_name, target, object, .. } if full_ref_name == "HEAD" => {
                Some((target.to_string(), *object, *object))
            }
            Ref::Direct { full_ref_name, object } if full_ref_name == "HEAD" => {
                Some(("HEAD".into(), *object, *object))
            }
            _ => None,
        });
    }
    if name.starts_with("refs/") {
        return at(name);
    }
    at(&format!("refs/heads/{name}")).or_else(|| at(&format!("refs/tags/{name}")))
}

fn full_name(found: &Ref) -> Option<String> {
    let (Ref::Peeled { full_ref_name, .. }
    | Ref::Direct { full_ref_name, .. }
    | Ref::Symbolic { full_ref_name, .. }
    | Ref::Unborn { full_ref_name, .. }) = found;
    String::from_utf8(full_ref_name.to_vec()).ok()
}

/// What a reference names itself: of an annotated tag the tag.
fn target(found: &Ref) -> Option<ObjectId> {
    match found {
        Ref::Peeled { tag, .. } => Some(*tag),
        Ref::Direct { object, .. } => Some(*object),
        Ref::Symbolic { tag, object, .. } => Some(tag.unwrap_or(*object)),
        Ref::Unborn { .. } => None,
    }
}

fn peeled(found: &Ref) -> Option<ObjectId> {
    match found {
        Ref::Peeled { object, .. } | Ref::Direct { object, .. } | Ref::Symbolic { object, .. } => {
            Some(*object)
        }
        Ref::Unborn { .. } => None,
    }
}

/// Where the clone keeps a reference of the server.
fn local(full: &str) -> Option<String> {
    if let Some(branch) = full.strip_prefix("refs/heads/") {
        return Some(format!("refs/remotes/origin/{branch}"));
    }
    full.starts_with("refs/tags/").then(|| full.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: &str) -> ObjectId {
        ObjectId::from_hex(digit.repeat(40).as_bytes()).unwrap()
    }

    fn refs() -> Vec<Ref> {
        let direct =
            |name: &str, digit| Ref::Direct { full_ref_name: name.into(), object: id(digit) };
        vec![
            Ref::Symbolic {
                full_ref_name: "HEAD".into(),
                target: "refs/heads/main".into(),
                tag: None,
                object: id("1"),
            },
            direct("refs/heads/main", "1"),
            direct("refs/heads/v1", "2"),
            direct("refs/tags/v1", "3"),
            direct("refs/pull/7/head", "4"),
            direct("refs/heads/../../../evil", "6"),
            Ref::Peeled { full_ref_name: "refs/tags/v2".into(), tag: id("5"), object: id("1") },
        ]
    }

    fn find(reference: &str, depth: u32) -> Result<Tip, GitError> {
        let reference = Reference::parse(reference).unwrap();
        Tip::find(&refs(), &reference, History::Depth(depth), "https://host/repo")
    }

    #[test]
    fn the_default_branch_a_branch_a_tag_a_full_name_and_a_commit_are_found() {
        let found = |reference| find(reference, 1).map(|tip| (tip.id, tip.branch)).unwrap();
        let main = || Some("main".to_owned());
        assert_eq!(found("HEAD"), (id("1"), main()));
        assert_eq!(found("main"), (id("1"), main()));
        assert_eq!(found("v1"), (id("2"), Some("v1".into())), "a branch rather than a tag");
        assert_eq!(found("refs/tags/v1"), (id("3"), None));
        assert_eq!(found("v2"), (id("5"), None));
        assert_eq!(found("refs/pull/7/head"), (id("4"), None));
        assert_eq!(found(&"a".repeat(40)), (id("a"), None));
    }

    #[test]
    fn a_whole_clone_has_every_reference_that_could_be_one() {
        let names = |depth| {
            let references = find("main", depth).unwrap().references;
            references.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(1), ["refs/remotes/origin/main"]);
        let all =
            ["refs/remotes/origin/main", "refs/remotes/origin/v1", "refs/tags/v1", "refs/tags/v2"];
        assert_eq!(names(0), all);
    }

    #[test]
    fn what_is_not_there_is_unknown() {
        let refused = |reference: &str| find(reference, 1).unwrap_err();
        assert!(matches!(refused("mai"), GitError::UnknownReference { .. }));
        assert!(matches!(refused("refs/heads/none"), GitError::UnknownReference { .. }));
        assert!(matches!(refused("abcdef1"), GitError::UnknownReference { .. }));
    }
}
