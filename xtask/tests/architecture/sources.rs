//! The workspace as these tests see it: its packages, and the modules of each without what is
//! compiled for tests only.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde::Deserialize;
use syn::{Attribute, Item};

use crate::root;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// One member of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None of a normal one.
    pub(crate) kind: Option<String>,
}

/// One file of a package's library, or of its program where it has no library.
pub(crate) struct Module {
    pub(crate) package: &'static str,
    /// From the crate's root, such as `["session", "output"]`.
    pub(crate) path: Vec<String>,
    pub(crate) file: PathBuf,
    /// The text of its `//!` comment.
    pub(crate) header: String,
    pub(crate) items: Vec<Item>,
}

/// All members of the workspace.
pub(crate) static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| {
    let json = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    serde_json::from_str::<Metadata>(&json).expect("cargo metadata").packages
});

/// All modules of all members.
pub(crate) fn modules() -> Vec<Module> {
    PACKAGES.iter().flat_map(Package::modules).collect()
}

pub(crate) fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

impl Package {
    pub(crate) fn modules(&'static self) -> Vec<Module> {
        let sources = self.sources();
        let roots = ["lib.rs", "main.rs"].map(|name| sources.join(name));
        let mut found = Vec::new();
        // A crate of tests has neither.
        if let Some(file) = roots.into_iter().find(|file| file.exists()) {
            self.walk(&file, vec![], &sources, &mut found);
        }
        found
    }

    pub(crate) fn sources(&self) -> PathBuf {
        self.manifest_path.with_file_name("src")
    }

    /// `children` is the folder of the modules that `file` declares.
    fn walk(
        &'static self,
        file: &Path,
        path: Vec<String>,
        children: &Path,
        found: &mut Vec<Module>,
    ) {
        let text = fs::read_to_string(file).expect("readable");
        let mut items = syn::parse_file(&text).expect("Rust").items;
        strip_tests(&mut items);
        for item in &items {
            let Item::Mod(module) = item else { continue };
            if module.content.is_some() {
                continue;
            }
            let name = module.ident.to_string();
            let folder = children.join(&name);
            let flat = children.join(format!("{name}.rs"));
            let file = if flat.exists() { flat } else { folder.join("mod.rs") };
            self.walk(&file, [path.as_slice(), &[name]].concat(), &folder, found);
        }
        let file = file.to_owned();
        found.push(Module { package: &self.name, path, file, header: header(&text), items });
    }
}

fn header(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Takes out what `#[cfg(test)]` marks.
pub(crate) fn strip_tests(items: &mut Vec<Item>) {
    items.retain(|item| !attributes(item).iter().any(is_test_only));
    for item in items {
        if let Item::Mod(syn::ItemMod { content: Some((_, items)), .. }) = item {
            strip_tests(items);
        }
    }
}

fn is_test_only(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Each path that a `use` names, in full, with the name it gets here.
pub(crate) fn used(tree: &syn::UseTree) -> Vec<(Vec<String>, String)> {
    let below = |name: &syn::Ident, paths: Vec<(Vec<String>, String)>| {
        let prefixed =
            |(path, alias): (Vec<String>, String)| ([vec![name.to_string()], path].concat(), alias);
        paths.into_iter().map(prefixed).collect()
    };
    let leaf = |name: &syn::Ident| vec![(vec![name.to_string()], name.to_string())];
    match tree {
        syn::UseTree::Path(path) => below(&path.ident, used(&path.tree)),
        syn::UseTree::Name(name) => leaf(&name.ident),
        syn::UseTree::Rename(name) => vec![(vec![name.ident.to_string()], name.rename.to_string())],
        syn::UseTree::Glob(_) => vec![(vec![], "*".to_owned())],
        syn::UseTree::Group(group) => group.items.iter().flat_map(used).collect(),
    }
}

/// The names of a path's segments.
pub(crate) fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}
