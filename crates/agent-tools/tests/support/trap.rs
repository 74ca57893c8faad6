//! Programs that leave a file when they are started, in place of those that could be looked for; and what is in a
//! folder, to see that there is no such file.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Puts the programs down in `folder`, where each leaves the file `ran`. Returns the `PATH` that finds them.
pub(crate) fn set(folder: &Path) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["npm", "node", "git", "ssh", "sh", "touch"] {
        let program = bin.join(name);
        fs::write(&program, format!("#!/bin/sh\n: >{}\n", folder.join("ran").display())).unwrap();
        fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    }
    bin
}

/// Every file and link below a folder, by path, with its content or where it points.
pub(crate) fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap().into_os_string();
            found.push((name, target.into_encoded_bytes()));
        } else if kind.is_dir() {
            found.push((format!("{name}/"), vec![]));
            walk(root, &path, found);
        } else if kind.is_file() {
            found.push((name, fs::read(&path).unwrap()));
        } else {
            found.push((name, b"special".to_vec()));
        }
    }
}
