//! The modules that decide are pure: no async, client, clock, environment or randomness.

use std::fs;

use syn::visit::{self, Visit};

use crate::root;

/// Files and folders of pure modules. A new one belongs into this list.
const PURE: &[&str] =
    &["crates/agent-tools/wire/src", "crates/share/src/verdict.rs", "crates/share/src/index.rs"];

/// A path that begins or ends like this is I/O, time, environment or chance.
const BANNED: &[&str] = &[
    "tokio",
    "kube::Client",
    "kube::Api",
    "kube::client",
    "kube_client",
    "hyper",
    "tonic",
    "std::env",
    "std::fs",
    "std::net::TcpStream",
    "std::time::SystemTime",
    "std::time::Instant",
    "SystemTime::now",
    "Instant::now",
    "OffsetDateTime::now_utc",
    "daemon::clock",
    "clock::now",
    "ring::rand",
    "SystemRandom",
    "rand",
    "uuid",
];

#[derive(Default)]
struct Impurities(Vec<String>);

impl Impurities {
    fn check(&mut self, path: &str) {
        let hit = |banned: &str| {
            path == banned
                || path.starts_with(&format!("{banned}::"))
                || path.ends_with(&format!("::{banned}"))
        };
        if BANNED.iter().any(|banned| hit(banned)) {
            self.0.push(path.to_owned());
        }
    }

    fn check_use(&mut self, prefix: &str, tree: &syn::UseTree) {
        let join = |name: &syn::Ident| {
            if prefix.is_empty() { name.to_string() } else { format!("{prefix}::{name}") }
        };
        match tree {
            syn::UseTree::Path(path) => self.check_use(&join(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.check(&join(&name.ident)),
            syn::UseTree::Rename(name) => self.check(&join(&name.ident)),
            syn::UseTree::Glob(_) => self.check(prefix),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.check_use(prefix, item);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Impurities {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.check_use("", &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.check(&names.join("::"));
        visit::visit_path(self, path);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() {
            self.0.push(format!("async fn {}", signature.ident));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_await(&mut self, wait: &'ast syn::ExprAwait) {
        self.0.push(".await".to_owned());
        visit::visit_expr_await(self, wait);
    }
}

fn impurities(source: &str) -> Vec<String> {
    let mut found = Impurities::default();
    found.visit_file(&syn::parse_file(source).expect("Rust"));
    found.0
}

#[test]
fn pure_modules_are_pure() {
    for entry in PURE {
        let path = root().join(entry);
        assert!(path.exists(), "{entry} is in the list, but not there");
        for file in crate::sizes::rust_files(&path) {
            if file.ends_with("tests.rs") {
                continue;
            }
            let found = impurities(&fs::read_to_string(&file).expect("readable"));
            assert!(found.is_empty(), "{} uses {found:?}", file.display());
        }
    }
}

#[test]
fn impurities_are_seen() {
    let seen = impurities(
        "use std::{env, io}; use time::OffsetDateTime; async fn f() { OffsetDateTime::now_utc(); x.await; }",
    );
    assert_eq!(seen, ["std::env", "async fn f", "OffsetDateTime::now_utc", ".await"]);
    assert_eq!(impurities("fn f(now: time::OffsetDateTime) -> bool { now > now }"), [""; 0]);
}
