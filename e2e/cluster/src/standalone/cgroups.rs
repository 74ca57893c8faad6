//! The cluster's cgroups: they bound it, and they are how its processes are known, whoever started them and whatever became of that.
//! Works on cgroup v1, v1 with an empty v2 beside it, and v2.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::layout::Layout;
use crate::name::ClusterName;
use crate::wait;

/// What kubelet asks of a v2 hierarchy, where it is there.
const V2_CONTROLLERS: [&str; 6] = ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Hierarchy {
    root: PathBuf,
    version: Version,
}

/// Makes the cluster's cgroup in every hierarchy.
pub(super) fn ensure(layout: &Layout) -> Result<()> {
    let hierarchies = hierarchies()?;
    let pure_v2 = hierarchies.iter().all(|hierarchy| hierarchy.version == Version::V2);
    for hierarchy in &hierarchies {
        let group = hierarchy.root.join(layout.name.as_str());
        fs::create_dir_all(&group).with_context(|| group.display().to_string())?;
        if pure_v2 {
            delegate(&hierarchy.root)?;
            delegate(&group)?;
        }
        inherit_cpuset(&hierarchy.root, &group)?;
    }
    Ok(())
}

/// The cgroup of one component, made if need be. A v2 cgroup holds processes or children, so each has a leaf.
pub(super) fn of_component(layout: &Layout, component: &str) -> Result<PathBuf> {
    let hierarchies = hierarchies()?;
    let pids = hierarchies.iter().find(|hierarchy| hierarchy.root.ends_with("pids"));
    let v1 = || hierarchies.iter().find(|hierarchy| hierarchy.version == Version::V1);
    let chosen =
        pids.or_else(v1).or(hierarchies.first()).context("no cgroup hierarchy is mounted")?;
    let group = chosen.root.join(layout.name.as_str()).join("components").join(component);
    fs::create_dir_all(&group).with_context(|| group.display().to_string())?;
    Ok(group)
}

/// The processes of a cgroup, not of its children.
pub(super) fn processes(group: &Path) -> Vec<Pid> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect()
}

/// Ends every process of the cluster at once and removes its cgroups.
pub(super) fn remove(layout: &Layout) -> Result<()> {
    wait::until("the cluster's processes to end", Duration::from_secs(30), || {
        let processes = all_processes(&layout.name)?;
        for process in &processes {
            // One that has just ended by itself is as good.
            let _ = kill_process(*process, Signal::KILL);
        }
        Ok(processes.is_empty())
    })?;
    wait::until("the cluster's cgroups to go", Duration::from_secs(10), || {
        // A cgroup stays busy for a moment after its last process.
        Ok(existing(&layout.name)?.iter().all(|group| remove_tree(group).is_ok()))
    })
}

/// The cluster's cgroups that are there, one for each hierarchy at most.
pub(super) fn existing(name: &ClusterName) -> Result<Vec<PathBuf>> {
    let groups = hierarchies()?.into_iter().map(|hierarchy| hierarchy.root.join(name.as_str()));
    Ok(groups.filter(|group| group.is_dir()).collect())
}

fn all_processes(name: &ClusterName) -> Result<HashSet<Pid>> {
    let mut found = HashSet::new();
    let mut open = existing(name)?;
    while let Some(group) = open.pop() {
        found.extend(processes(&group));
        open.extend(children(&group));
    }
    Ok(found)
}

fn children(group: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn remove_tree(group: &Path) -> std::io::Result<()> {
    children(group).iter().try_for_each(|child| remove_tree(child))?;
    fs::remove_dir(group)
}

/// Hands the controllers down to the children of a v2 cgroup. On the root they stay handed down: others may have come to rely on it.
fn delegate(group: &Path) -> Result<()> {
    let read = |file| {
        fs::read_to_string(group.join(file)).with_context(|| group.join(file).display().to_string())
    };
    let available = read("cgroup.controllers")?;
    let handed_down = read("cgroup.subtree_control")?;
    let has = |list: &str, wanted: &str| list.split_whitespace().any(|word| word == wanted);
    for controller in V2_CONTROLLERS {
        if has(&available, controller) && !has(&handed_down, controller) {
            fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"))
                .with_context(|| format!("{}: cannot hand down `{controller}`", group.display()))?;
        }
    }
    Ok(())
}

/// A new v1 cpuset is empty and takes no process before it is filled.
fn inherit_cpuset(parent: &Path, group: &Path) -> Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let Ok(content) = fs::read_to_string(parent.join(file)) else { continue };
        fs::write(group.join(file), content.trim())
            .with_context(|| group.join(file).display().to_string())?;
    }
    Ok(())
}

fn hierarchies() -> Result<Vec<Hierarchy>> {
    Ok(parse(&fs::read_to_string("/proc/self/mounts")?))
}

fn parse(mounts: &str) -> Vec<Hierarchy> {
    let hierarchy = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let root = PathBuf::from(words.next()?);
        let version = match words.next()? {
            "cgroup" => Version::V1,
            "cgroup2" => Version::V2,
            _ => return None,
        };
        root.starts_with("/sys/fs/cgroup").then_some(Hierarchy { root, version })
    };
    mounts.lines().filter_map(hierarchy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_both_versions_are_found_and_nothing_else() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
            cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
            cgroup /somewhere/else cgroup rw,pids 0 0\n";
        let expected = [("pids", Version::V1), ("unified", Version::V2)];
        let expected = expected.map(|(name, version)| Hierarchy {
            root: Path::new("/sys/fs/cgroup").join(name),
            version,
        });
        assert_eq!(parse(mounts), expected);
        let v2 = Hierarchy { root: PathBuf::from("/sys/fs/cgroup"), version: Version::V2 };
        assert_eq!(parse("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0"), [v2]);
    }
}
