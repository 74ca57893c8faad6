//! Compiled dependencies, kept in the cache folder, so that a fresh checkout compiles our own crates only. Cargo judges
//! itself whether what it finds is up to date: it tells apart what other features, profiles or flags made.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    cache::{self, Key},
    images, paths,
    shell::Cmd,
};

/// Where cargo keeps what it knows of a unit, what its build script made, and what was compiled of it
/// (The Cargo Book, "Build cache").
const FOLDERS: [&str; 3] = [".fingerprint", "build", "deps"];
/// Cargo's digest of a unit ends the names of its files: this many hexadecimal digits.
const DIGEST: usize = 16;
/// So many names fit into one command line.
const AT_ONCE: usize = 500;

/// What compiled them, as it says itself: of another one nothing could be used.
const COMPILER: &str = ".compiler";

/// The dependencies of some invocations of cargo.
pub(crate) struct Dependencies {
    name: String,
    key: Key,
    compiler: String,
    target: PathBuf,
}

impl Dependencies {
    /// What is compiled under `target`; `flags` is what else their digests depend on, such as flags of the compiler.
    pub(crate) fn of(name: &str, target: PathBuf, flags: &str) -> Result<Self> {
        let compiler = images::compiler()?;
        let key = Key::new().bytes(&compiler).bytes(flags);
        let key = ["Cargo.lock", "Cargo.toml"]
            .into_iter()
            .try_fold(key, |key, file| key.path(&paths::repository().join(file)))?;
        Ok(Self { name: format!("dependencies-{name}"), key, compiler, target })
    }

    /// Copies them to the target folder, unless it was given some before, and returns what a step says of it. Where they are
    /// not those of this key, most are the same all the same.
    pub(crate) fn restore(&self) -> Result<&'static str> {
        if self.mark_file().exists() {
            return Ok("there already");
        }
        let kept = cache::find(&self.name, self.key.clone())?;
        let exact = kept.is_some();
        let usable = |kept: &PathBuf| {
            fs::read_to_string(kept.join(COMPILER)).is_ok_and(|compiler| compiler == self.compiler)
        };
        let Some(kept) = kept.or(cache::newest(&self.name)?).filter(usable) else {
            return Ok("none kept");
        };
        fs::create_dir_all(&self.target)?;
        // With their times: by them cargo sees what is older than what it was made of.
        Cmd::new("cp")
            .args(["--archive", "--remove-destination", "--no-target-directory"])
            .args([&kept, &self.target])
            .run()?;
        if exact {
            self.mark(&self.digest())?;
            return Ok("from cache");
        }
        self.mark("")?;
        Ok("of another lock file, from cache")
    }

    /// Keeps what `cargos` have compiled of dependencies, and nothing of an older key. Each is an invocation whose units are
    /// all there by now, so that cargo only names them: it is told `--message-format=json`.
    pub(crate) fn keep(&self, cargos: impl IntoIterator<Item = Cmd>) -> Result<()> {
        let digest = self.digest();
        if fs::read_to_string(self.mark_file()).is_ok_and(|of| of == digest) {
            return Ok(());
        }
        cache::get_or_build(&self.name, self.key.clone(), |out| {
            let mut units = Units::default();
            for cargo in cargos {
                units.add(&cargo.read()?);
            }
            fs::write(out.join(COMPILER), &self.compiler)?;
            units.copy(&self.target, out)
        })?;
        cache::keep_newest(&self.name, 1)?;
        self.mark(&digest)
    }

    /// The target folder says of which key it has the dependencies.
    fn mark_file(&self) -> PathBuf {
        self.target.join(format!(".{}", self.name))
    }

    fn digest(&self) -> String {
        self.key.clone().finish()
    }

    fn mark(&self, of: &str) -> Result<()> {
        let file = self.mark_file();
        fs::write(&file, of).with_context(|| file.display().to_string())
    }
}

/// Digests of the units of packages that are not ours, by the folder of their profile.
#[derive(Default)]
struct Units(BTreeMap<PathBuf, BTreeSet<String>>);

impl Units {
    /// Adds those that cargo's `messages` name (The Cargo Book, "JSON messages").
    fn add(&mut self, messages: &str) {
        let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        for message in messages {
            let is_ours = |id: &str| !id.starts_with("registry+");
            if message["package_id"].as_str().is_none_or(is_ours) {
                continue;
            }
            let files = message["filenames"].as_array().into_iter().flatten();
            for file in files.chain([&message["out_dir"]]).filter_map(Value::as_str) {
                if let Some((profile, digest)) = unit(Path::new(file)) {
                    self.0.entry(profile).or_default().insert(digest);
                }
            }
        }
    }

    /// Copies all files of these units, which are somewhere below `target`, to the same places below `out`.
    fn copy(&self, target: &Path, out: &Path) -> Result<()> {
        let mut names = Vec::new();
        for (profile, digests) in &self.0 {
            for folder in FOLDERS.map(|folder| profile.join(folder)) {
                let entries =
                    fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
                for entry in entries {
                    let path = entry?.path();
                    if digest(&path).is_some_and(|of| digests.contains(of)) {
                        names.push(path.strip_prefix(target)?.to_owned());
                    }
                }
            }
        }
        names.chunks(AT_ONCE).try_for_each(|names| {
            Cmd::new("cp")
                .args(["--archive", "--parents"])
                .args(names)
                .arg(out)
                .current_dir(target)
                .run()
        })
    }
}

/// The folder of its profile and the digest of the unit that made `file`, such as `…/debug/deps/libserde-DIGEST.rlib`.
fn unit(file: &Path) -> Option<(PathBuf, String)> {
    let mut ancestors = file.ancestors();
    let named = ancestors.find(|path| digest(path).is_some())?;
    let profile = named.parent()?.parent()?;
    Some((profile.to_owned(), digest(named)?.to_owned()))
}

/// What ends the name of a unit's file or folder, before its first dot.
fn digest(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let (_, digest) = name.split('.').next()?.rsplit_once('-')?;
    let is_one = digest.len() == DIGEST && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_other_packages_are_copied_with_all_their_files_and_times() {
        let (target, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let debug = target.path().join("debug");
        let [of_it, of_ours] = ["0123456789abcdef", "fedcba9876543210"];
        for file in [
            format!("deps/libserde-{of_it}.rlib"),
            format!("deps/serde-{of_it}.d"),
            format!("build/serde-{of_it}/out/made"),
            format!(".fingerprint/serde-{of_it}/lib-serde"),
            format!("deps/libshare-{of_ours}.rlib"),
            format!(".fingerprint/share-{of_ours}/lib-share"),
        ] {
            let path = debug.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let message = |id: &str, name: &str, digest: &str| {
            let file = debug.join(format!("deps/lib{name}-{digest}.rlib"));
            serde_json::json!({ "package_id": id, "filenames": [file] }).to_string() + "\n"
        };
        let mut units = Units::default();
        units.add(&message("registry+https://somewhere#serde@1.0.0", "serde", of_it));
        units.add(&message("path+file:///checkout/crates/share#0.1.0", "share", of_ours));
        units.add("not of cargo");
        units.copy(target.path(), out.path()).unwrap();

        let copied = |file: &str| out.path().join("debug").join(file);
        let rlib = format!("deps/libserde-{of_it}.rlib");
        let time = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(time(copied(&rlib)), time(debug.join(&rlib)));
        assert!(copied(&format!("deps/serde-{of_it}.d")).is_file());
        assert!(copied(&format!("build/serde-{of_it}/out/made")).is_file());
        assert!(copied(&format!(".fingerprint/serde-{of_it}/lib-serde")).is_file());
        assert_eq!(fs::read_dir(copied("deps")).unwrap().count(), 2);
        assert_eq!(fs::read_dir(copied(".fingerprint")).unwrap().count(), 1);
    }

    #[test]
    fn a_unit_is_named_by_its_digest() {
        let of = |path| unit(Path::new(path));
        let digest = "0123456789abcdef";
        let found = Some((PathBuf::from("/t/debug"), digest.to_owned()));
        assert_eq!(of("/t/debug/deps/libserde-0123456789abcdef.rmeta"), found);
        assert_eq!(of("/t/debug/build/serde-core-0123456789abcdef/out"), found);
        assert_eq!(of("/t/debug/build/serde-0123456789abcdef/build-script-build"), found);
        assert_eq!(of("/t/debug/xtask"), None);
        assert_eq!(of("/t/debug/deps/libserde-beef.rmeta"), None);
    }
}
