//! The modules that decide are pure: no async, client, clock, environment or randomness. Which ones
//! those are, each says of itself.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use crate::sources::{Module, modules, segments, strip_tests, used};

/// A path that begins or ends like this is I/O, time, environment or chance.
const BANNED: &[&str] = &[
    "tokio",
    "kube::Client",
    "kube::Api",
    "kube::client",
    "kube::runtime",
    "kube_client",
    "kube_runtime",
    "hyper",
    "tonic",
    "std::env",
    "std::fs",
    "std::net::TcpStream",
    "SystemTime::now",
    "Instant::now",
    "OffsetDateTime::now_utc",
    "daemon::clock",
    "clock::now",
    "ring::rand",
    "SystemRandom",
    "rand",
    "Uuid::new_v4",
    "Uuid::now_v7",
];

/// Types of such libraries that only hold what somebody else read or will send.
const VALUES: &[&str] =
    &["tokio::time::Duration", "tokio::time::Instant", "tonic::Code", "tonic::Status"];

#[derive(Default)]
struct Impurities(Vec<String>);

impl Impurities {
    fn check(&mut self, path: &str) {
        let within = |name: &str| path == name || path.starts_with(&format!("{name}::"));
        let is_value = VALUES.iter().any(|value| within(value));
        let hit =
            |banned: &str| (within(banned) && !is_value) || path.ends_with(&format!("::{banned}"));
        if BANNED.iter().any(|banned| hit(banned)) {
            self.0.push(path.to_owned());
        }
    }
}

impl<'ast> Visit<'ast> for Impurities {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for (path, _) in used(&item.tree) {
            self.check(&path.join("::"));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.check(&segments(path).join("::"));
        visit::visit_path(self, path);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() {
            self.0.push(format!("async fn {}", signature.ident));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.0.push("async block".to_owned());
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_await(&mut self, wait: &'ast syn::ExprAwait) {
        self.0.push(".await".to_owned());
        visit::visit_expr_await(self, wait);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method == "elapsed" {
            self.0.push(".elapsed()".to_owned());
        }
        visit::visit_expr_method_call(self, call);
    }
}

fn impurities(items: &[syn::Item]) -> Vec<String> {
    let mut found = Impurities::default();
    for item in items {
        found.visit_item(item);
    }
    found.0
}

/// Whether a module calls itself pure.
fn claims_purity(header: &str) -> bool {
    let mut words = header.split(|c: char| !c.is_alphanumeric());
    words.any(|word| word.eq_ignore_ascii_case("pure"))
}

/// The modules that call themselves pure, and those within them.
fn pure(modules: &[Module]) -> Vec<&Module> {
    let claims: BTreeSet<_> = modules
        .iter()
        .filter(|module| claims_purity(&module.header))
        .map(|module| (module.package, module.path.as_slice()))
        .collect();
    let is_within = |module: &&Module| {
        let claimed = |length| claims.contains(&(module.package, &module.path[..length]));
        // A crate's root speaks for itself only.
        claimed(module.path.len()) || (1..module.path.len()).any(claimed)
    };
    modules.iter().filter(is_within).collect()
}

#[test]
fn modules_that_call_themselves_pure_are() {
    let modules = modules();
    let found = pure(&modules).into_iter().map(|module| (&module.file, impurities(&module.items)));
    let impure: Vec<_> = found.filter(|(_, found)| !found.is_empty()).collect();
    assert!(impure.is_empty(), "{impure:#?}");
}

/// Decisions apart from I/O are how every crate is built that decides anything.
#[test]
fn each_of_the_products_crates_has_a_pure_module() {
    let modules = modules();
    let have: BTreeSet<_> = pure(&modules).iter().map(|module| module.package).collect();
    let products =
        modules.iter().filter(|module| module.file.starts_with(crate::root().join("crates")));
    let all: BTreeSet<_> = products.map(|module| module.package).collect();
    // It is the agent's pod's hands: files, processes and a terminal.
    let without: Vec<_> = all.difference(&have).filter(|name| **name != "agent-tools").collect();
    assert!(without.is_empty(), "{without:?}");
}

fn seen(source: &str) -> Vec<String> {
    let mut items = syn::parse_file(source).expect("Rust").items;
    strip_tests(&mut items);
    impurities(&items)
}

#[test]
fn impurities_are_seen() {
    let impure = "//! Decides. Pure.
        use std::{env, io}; use tokio::time::{Instant, sleep}; use tonic::{Status, transport};
        async fn f() { OffsetDateTime::now_utc(); x.await; start.elapsed(); daemon::clock::now(); }
        fn g() { tokio::time::Instant::now(); async {}; }";
    let expected = [
        "std::env",
        "tokio::time::sleep",
        "tonic::transport",
        "async fn f",
        "OffsetDateTime::now_utc",
        ".await",
        ".elapsed()",
        "daemon::clock::now",
        "tokio::time::Instant::now",
        "async block",
    ];
    assert_eq!(seen(impure), expected);
    assert!(claims_purity("Decides. Pure.") && !claims_purity("Purely impure purity"));
}

#[test]
fn a_time_that_is_passed_in_and_whatever_tests_do_are_not() {
    let pure = "use tokio::time::Instant;
        fn f(now: Instant) -> Instant { now + span }
        #[cfg(test)] mod tests { fn g() { Instant::now(); } }";
    assert_eq!(seen(pure), [""; 0]);
}
