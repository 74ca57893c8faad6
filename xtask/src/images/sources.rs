//! What our programs are compiled from, so that the same is not compiled twice, in whatever checkout it lies.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{cache::Key, paths, shell::Cmd};

/// Files and folders that a program is made of; of the rest of the repository none is.
const SOURCES: [&str; 8] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "crates",
    "e2e/scripted-model",
    "manifests",
    "proto",
    "rust-toolchain.toml",
];

/// The page is embedded as it was built, which git does not know.
const PAGE: &str = "crates/gateway/web/dist";

/// Its sources, of which the gateway itself reads one.
const PAGE_SOURCES: &str = "crates/gateway/web";
const PAGE_POLICY: &str = "crates/gateway/web/csp.txt";

/// Files by their paths in the repository, in sorted order.
pub(super) struct Sources(Vec<PathBuf>);

impl Sources {
    /// Those of this checkout; `None` where git does not know it.
    pub(super) fn of_checkout() -> Result<Option<Self>> {
        let list = Cmd::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"])
            .args(SOURCES)
            .current_dir(paths::repository());
        let Ok(list) = list.read() else { return Ok(None) };
        let known = list.split('\0').map(PathBuf::from).filter(|path| is_compiled(path));
        let mut files: Vec<_> =
            known.filter(|path| paths::repository().join(path).is_file()).collect();
        files.extend(built_page(&paths::repository().join(PAGE))?);
        files.sort();
        Ok(Some(Self(files)))
    }

    /// A digest of each name and content.
    pub(super) fn key(&self) -> Result<Key> {
        self.0.iter().try_fold(Key::new(), |key, path| {
            key.bytes(path.as_os_str().as_encoded_bytes()).path(&paths::repository().join(path))
        })
    }

    /// Fails where the compiler has read a file of the repository that is not among these: cargo lists them beside each
    /// program (The Cargo Book, "Dep-info files").
    pub(super) fn cover(&self, program: &Path) -> Result<()> {
        let list = program.with_extension("d");
        let text = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
        for path in dependencies(&text, paths::repository()) {
            let is_covered = self.0.iter().any(|file| file.starts_with(&path));
            ensure!(
                is_covered,
                "{} is compiled into a program: name it in SOURCES",
                path.display()
            );
        }
        Ok(())
    }
}

/// Not what only tests read, nor what only people do.
fn is_compiled(path: &Path) -> bool {
    let is_of_tests = path.components().any(|part| part.as_os_str() == "tests");
    let is_text = path.extension().is_some_and(|ending| ending == "md");
    let is_of_page = path.starts_with(PAGE_SOURCES) && path != Path::new(PAGE_POLICY);
    !(is_of_tests || is_text || is_of_page || path.as_os_str().is_empty())
}

fn built_page(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(paths::repository())?.to_owned());
            }
        }
    }
    Ok(files)
}

/// The files of the repository that a dep-info file names: `program: file file`, blanks in names escaped.
fn dependencies(text: &str, repository: &Path) -> Vec<PathBuf> {
    const BLANK: &str = "\u{0}";
    let text = text.replace("\\ ", BLANK);
    let lists = text.lines().filter_map(|line| line.split_once(": ")).map(|(_, list)| list);
    let names = lists.flat_map(str::split_whitespace).map(|name| name.replace(BLANK, " "));
    let paths = names.map(|name| without_detours(Path::new(&name)));
    paths.filter_map(|path| path.strip_prefix(repository).ok().map(Path::to_owned)).collect()
}

/// `a/b/../c` is `a/c`: sources are read by such paths.
fn without_detours(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        if part == Component::ParentDir {
            path.pop();
        } else {
            path.push(part);
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_is_neither_a_test_nor_a_text_nor_the_pages_source() {
        let compiled = |path: &str| is_compiled(Path::new(path));
        assert!(compiled("crates/share/src/visit.rs") && compiled("crates/gateway/web/csp.txt"));
        for path in [
            "crates/kubeoc/tests/cli/main.rs",
            "proto/README.md",
            "crates/gateway/web/src/main.ts",
            "",
        ] {
            assert!(!compiled(path), "{path}");
        }
    }

    #[test]
    fn a_dep_info_file_names_files_here_and_elsewhere() {
        let text =
            "/target/release/gateway: /repo/a\\ b/lib.rs /elsewhere/out.rs /repo/a/../c.css\n";
        let found = dependencies(text, Path::new("/repo"));
        assert_eq!(found, [PathBuf::from("a b/lib.rs"), PathBuf::from("c.css")]);
    }

    #[test]
    fn a_source_that_is_not_listed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let source = paths::repository().join("docs/scale.md");
        fs::write(
            program.with_extension("d"),
            format!("{}: {}\n", program.display(), source.display()),
        )
        .unwrap();
        let sources = Sources(vec!["Cargo.toml".into()]);
        let error = sources.cover(&program).unwrap_err().to_string();
        assert!(error.contains("docs/scale.md"), "{error}");
        assert!(Sources(vec!["docs/scale.md".into()]).cover(&program).is_ok());
    }
}
