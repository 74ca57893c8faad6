//! The paths that one container uses, each of which excludes others. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::VolumeMount;

use crate::resolve::{Invalid, place};

/// What is at a path, and what may be beneath it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything else may lie in it.
    Folder,
    /// Nothing lies beneath it.
    File,
    /// A folder that is read-only: nothing lies beneath it, and no volume around it.
    Closed,
}

/// How something comes to be at a path.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// By a volume of ours.
    Ours,
    /// By a volume of the user's.
    Users(&'a VolumeMount),
    /// It is written into the working directory. The container at the other end, which reads it or writes it, has these
    /// mounts of the user's.
    Written(&'a [VolumeMount]),
}

struct Use<'a> {
    /// What asks for it, in a message.
    by: String,
    kind: Kind,
    origin: Origin<'a>,
}

/// A path, and what is there.
type At<'a> = (&'a str, &'a Use<'a>);

/// The paths in their plain form.
pub(super) struct Table<'a> {
    workspace_dir: &'a str,
    uses: BTreeMap<String, Use<'a>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(workspace_dir: &'a str) -> Self {
        Self { workspace_dir, uses: BTreeMap::new() }
    }

    /// A path for what `by` asks for, which is a field where it is a user's.
    pub(super) fn claim(
        &mut self,
        by: impl Into<String>,
        path: impl Into<String>,
        (kind, origin): (Kind, Origin<'a>),
    ) -> Result<(), Invalid> {
        let (path, own) = (path.into(), Use { by: by.into(), kind, origin });
        let mut others = self.uses.iter().map(|(path, one)| (path.as_str(), one));
        if let Some(why) = others.find_map(|other| self.conflict((&path, &own), other)) {
            return Err(Invalid::spec(own.by, format!("{why}: choose another path")));
        }
        self.uses.insert(path, own);
        Ok(())
    }

    /// A user's own volume may take the place of ours.
    pub(super) fn release(&mut self, path: &str) {
        self.uses.remove(path);
    }

    fn conflict(&self, (path, own): At<'_>, (other_path, other): At<'_>) -> Option<String> {
        let by = &other.by;
        if path == other_path {
            return Some(format!("{path} is used already, by {by}"));
        }
        let is_outer = place::beneath(other_path, path).is_some();
        let ((outer_path, outer), (inner_path, inner)) = if is_outer {
            ((path, own), (other_path, other))
        } else {
            place::beneath(path, other_path)?;
            ((other_path, other), (path, own))
        };
        let why = if outer.kind != Kind::Folder {
            format!("nothing else can be beneath {outer_path}")
        } else if inner.kind == Kind::Closed {
            format!("no volume can be around {inner_path}")
        } else if self.is_within_workspace(outer_path) && outer.origin.hides(inner.origin) {
            format!("a volume at {outer_path} hides {inner_path}")
        } else {
            return None;
        };
        Some(format!("{path} is in the way of {by}, as {why}"))
    }

    fn is_within_workspace(&self, path: &str) -> bool {
        place::beneath(path, self.workspace_dir).is_some_and(|rest| !rest.is_empty())
    }
}

impl Origin<'_> {
    /// Whether what is written beneath this one goes to another volume than it is read from.
    fn hides(self, other: Origin<'_>) -> bool {
        match (self, other) {
            (Origin::Users(mount), Origin::Written(mounts)) => {
                !mounts.iter().any(|at_other_end| is_same(mount, at_other_end))
            }
            (Origin::Ours, Origin::Written(_)) => true,
            (Origin::Written(_), _) | (_, Origin::Ours | Origin::Users(_)) => false,
        }
    }
}

fn is_same(one: &VolumeMount, other: &VolumeMount) -> bool {
    one.name == other.name
        && place::absolute(&one.mount_path) == place::absolute(&other.mount_path)
        && (&one.sub_path, &one.sub_path_expr) == (&other.sub_path, &other.sub_path_expr)
}
