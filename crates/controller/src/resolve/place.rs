//! Where in the pod something lands that a user gave a path for. Pure.

use agent_jobs::{RelativePath, RelativePathError};
use api_types::names;

/// A place in the agent's container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Beneath the working directory, on its volume; `None` is the working directory itself.
    Workspace(Option<RelativePath>),
    /// Anywhere else: an absolute path in its plain form, at which a volume is mounted.
    Outside(String),
}

/// Paths that hold what the agent, the node or the kernel needs there, with all that is beneath them.
const RESERVED: [&str; 8] = [
    names::TOOLS_DIR,
    names::PLUGINS_DIR,
    names::SKILLS_DIR,
    "/etc/kubeopencode",
    "/var/run/secrets/kubernetes.io",
    "/dev",
    "/proc",
    "/sys",
];

/// `written` is absolute, or relative to `workspace_dir`, which is in its plain form.
pub(super) fn place(workspace_dir: &str, written: &str) -> Result<Place, String> {
    let path = if written.starts_with('/') {
        absolute(written)?
    } else {
        absolute(&format!("{workspace_dir}/{written}"))?
    };
    match beneath(&path, workspace_dir) {
        Some("") => Ok(Place::Workspace(None)),
        Some(rest) => match RelativePath::parse(rest) {
            Ok(rest) => Ok(Place::Workspace(Some(rest))),
            Err(error) => Err(error.to_string()),
        },
        None => Ok(Place::Outside(free(path)?)),
    }
}

/// The plain form of an absolute path: one slash between components, none at the end. The root
/// directory has none.
pub(super) fn absolute(written: &str) -> Result<String, String> {
    if !written.starts_with('/') {
        return Err("it must be an absolute path".to_owned());
    }
    match RelativePath::parse(written) {
        Ok(path) => Ok(format!("/{}", path.as_str())),
        Err(RelativePathError::Empty) => {
            Err("it must not be the root directory, which holds the image".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Refuses a path, in its plain form, that is needed for something else.
pub(super) fn free(path: String) -> Result<String, String> {
    match RESERVED.iter().find(|dir| beneath(&path, dir).is_some()) {
        None => Ok(path),
        Some(dir) => Err(format!("{dir} is reserved: choose another path than {path}")),
    }
}

/// What follows `dir` in a path that is `dir` or lies beneath it.
pub(super) fn beneath<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(dir)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_beneath_the_working_directory_or_outside() {
        let inside = |path| Ok(Place::Workspace(Some(RelativePath::parse(path).unwrap())));
        let outside = |path: &str| Ok(Place::Outside(path.to_owned()));
        let cases = [
            ("code", inside("code")),
            ("./docs//guide.md", inside("docs/guide.md")),
            ("/work/space/code/", inside("code")),
            (".", Ok(Place::Workspace(None))),
            ("/work/space", Ok(Place::Workspace(None))),
            ("/work/spaces", outside("/work/spaces")),
            ("/home/agent//.config", outside("/home/agent/.config")),
            ("/toolshed", outside("/toolshed")),
        ];
        for (written, expected) in cases {
            assert_eq!(place("/work/space", written), expected, "{written}");
        }
    }

    #[test]
    fn what_is_needed_for_something_else_is_refused() {
        for written in [
            "/",
            "//",
            "/..",
            "../up",
            "a/../../b",
            "/tools",
            "/tools/x",
            "//tools/",
            "/plugins/p",
            "/skills",
            "/skills/review",
            "/etc/kubeopencode",
            "/etc/kubeopencode/config/x",
            "/proc",
            "/proc/1",
            "/sys/fs",
            "/dev/null",
            "/var/run/secrets/kubernetes.io/serviceaccount",
            "a\0b",
            "/a\nb",
        ] {
            assert!(place("/workspace", written).is_err(), "{written:?}");
        }
    }
}
