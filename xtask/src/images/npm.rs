//! npm packages that images are made of, pinned by version and checksum in the lock files under `e2e/images`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest;
use serde_json::Value;

use super::Platform;
use crate::{cache::Key, paths, shell::Cmd};

/// Adds what an image's lock file pins.
pub(super) fn locked(key: Key, image: &str) -> Result<Key> {
    key.path(&pin(image).join("package-lock.json"))
}

/// Installs all packages of an image's lock file into a new folder. Programs of a platform are optional packages, of
/// which npm takes those of the platform that it is told.
pub(super) fn install(image: &str, platform: Platform, folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(pin(image).join(file), folder.join(file))?;
    }
    Cmd::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--os=linux"])
        .arg(format!("--cpu={}", platform.node()))
        .current_dir(folder)
        .run()
}

/// Unpacks one package of an image's lock file into a new folder. Of a checksum that is weaker than the registry's own
/// npm takes no notice, so it is checked here.
pub(super) fn unpack(image: &str, package: &str, folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    let (version, checksum) = pinned(image, package)?;
    let name = Cmd::new("npm")
        .args(["pack", "--ignore-scripts", "--loglevel=error"])
        .arg(format!("{package}@{version}"))
        .current_dir(folder)
        .read()?;
    let archive = folder.join(name);
    let bytes = fs::read(&archive).with_context(|| archive.display().to_string())?;
    ensure!(
        matches(&bytes, &checksum)?,
        "npm's {package}@{version} is not what e2e/images/{image}/package-lock.json pins"
    );
    let tar = Cmd::new("tar").args(["--extract", "--strip-components=1", "--no-same-owner"]);
    tar.arg("--file").arg(&archive).arg("--directory").arg(folder).run()?;
    Ok(fs::remove_file(archive)?)
}

/// The version of a package, and its checksum.
fn pinned(image: &str, package: &str) -> Result<(String, String)> {
    let lock = fs::read_to_string(pin(image).join("package-lock.json"))?;
    let lock: Value = serde_json::from_str(&lock)?;
    let entry = &lock["packages"][format!("node_modules/{package}")];
    let text = |key: &str| {
        let found = entry[key].as_str().map(str::to_owned);
        found.with_context(|| {
            format!("e2e/images/{image}/package-lock.json has no {key} of {package}")
        })
    };
    Ok((text("version")?, text("integrity")?))
}

/// By a checksum such as `sha512-…`: <https://www.w3.org/TR/sri/>.
fn matches(bytes: &[u8], checksum: &str) -> Result<bool> {
    let (name, value) = checksum.split_once('-').context("a checksum names its algorithm")?;
    let algorithm = match name {
        "sha256" => &digest::SHA256,
        "sha512" => &digest::SHA512,
        other => anyhow::bail!("{other} is no checksum to rely on: pin by sha512 or sha256"),
    };
    Ok(STANDARD.encode(digest::digest(algorithm, bytes)) == value)
}

fn pin(image: &str) -> PathBuf {
    paths::repository().join("e2e/images").join(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_what_its_checksum_says_or_is_refused() {
        let sha256 = "sha256-LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=";
        let sha512 = "sha512-9/u6bgY2+JDlb7vzKD5STG+jIErimDgtYkdB0NxmODJuKCxBvl5CVNiCB3LFUYosWowMf37aGVlKfrU5RT4e1w==";
        for checksum in [sha256, sha512] {
            assert!(matches(b"foo", checksum).unwrap(), "{checksum}");
            assert!(!matches(b"bar", checksum).unwrap(), "{checksum}");
        }
        assert!(matches(b"foo", "sha1-C+7Hteo/D9vJXQ3UfzxbwnXaijM=").is_err());
    }

    #[test]
    fn opencode_is_pinned_for_every_platform_at_one_version() {
        let versions = Platform::ALL.map(|platform| {
            let package = format!("opencode-linux-{}", platform.node());
            pinned("agent-opencode", &package).unwrap().0
        });
        assert_eq!(versions[0], versions[1]);
    }

    /// By another one npm would check nothing of ours.
    #[test]
    fn what_npm_itself_installs_is_pinned_by_the_registrys_own_kind_of_checksum() {
        for image in ["agent-devbox", "services"] {
            let lock = fs::read_to_string(pin(image).join("package-lock.json")).unwrap();
            let lock: Value = serde_json::from_str(&lock).unwrap();
            for (name, package) in lock["packages"].as_object().unwrap() {
                let checksum = package["integrity"].as_str();
                let kept =
                    package["inBundle"] == true || package["link"] == true || name.is_empty();
                let pinned = checksum.is_some_and(|checksum| checksum.starts_with("sha512-"));
                assert!(kept || pinned, "{image}: {name}: {checksum:?}");
            }
        }
    }
}
