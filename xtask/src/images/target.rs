//! Where the released programs are compiled: in the cache and not under `target/`, so that a fresh clone compiles
//! our own crates only. One folder a checkout: cargo tells the crates of a workspace apart by where they lie in
//! it, so of two checkouts that share a folder one would be given what was built of the other.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{cache::Key, paths};

/// Says whose folder it is.
const OWNER: &str = "checkout";

/// The folder of this checkout.
pub(super) fn folder() -> Result<PathBuf> {
    Ok(of(&root()?, paths::repository()))
}

/// Makes the folder, and removes those of checkouts that are gone.
pub(super) fn claim() -> Result<PathBuf> {
    claim_in(&root()?, paths::repository())
}

fn root() -> Result<PathBuf> {
    Ok(paths::cache()?.join("programs"))
}

fn of(root: &Path, checkout: &Path) -> PathBuf {
    root.join(Key::new().bytes(checkout.as_os_str().as_encoded_bytes()).finish())
}

fn claim_in(root: &Path, checkout: &Path) -> Result<PathBuf> {
    let folder = of(root, checkout);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    fs::write(folder.join(OWNER), checkout.as_os_str().as_encoded_bytes())?;
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        if path != folder && path.is_dir() && !has_owner(&path) {
            fs::remove_dir_all(&path).with_context(|| path.display().to_string())?;
        }
    }
    Ok(folder)
}

fn has_owner(folder: &Path) -> bool {
    fs::read_to_string(folder.join(OWNER)).is_ok_and(|checkout| Path::new(&checkout).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_checkout_has_a_folder_and_it_goes_when_the_checkout_is_gone() {
        let (root, checkouts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [a, b] = ["a", "b"].map(|name| checkouts.path().join(name));
        for checkout in [&a, &b] {
            fs::create_dir(checkout).unwrap();
        }
        let of_a = claim_in(root.path(), &a).unwrap();
        let of_b = claim_in(root.path(), &b).unwrap();
        assert!(of_a != of_b && of_a.is_dir() && of_b.is_dir());

        fs::remove_dir(&a).unwrap();
        fs::create_dir(root.path().join("of an older layout")).unwrap();
        assert_eq!(claim_in(root.path(), &b).unwrap(), of_b);
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(left, [of_b]);
    }
}
