//! The modules at the top of a crate use each other in one direction.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use crate::sources::{Module, PACKAGES, segments, used};

/// Which of its top modules each top module uses.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The paths within the crate that one module names.
struct Uses {
    /// Where in the crate the visitor is.
    within: Vec<String>,
    paths: BTreeSet<Vec<String>>,
}

impl Uses {
    fn add(&mut self, path: &[String]) {
        let mut from = self.within.clone();
        let mut rest = path;
        match rest.first().map(String::as_str) {
            Some("crate") => (from, rest) = (vec![], &rest[1..]),
            Some("self") => rest = &rest[1..],
            Some("super") => {}
            // A crate, a local name, or a child.
            _ => return,
        }
        while rest.first().is_some_and(|name| name == "super") {
            from.pop();
            rest = &rest[1..];
        }
        self.paths.insert([from.as_slice(), rest].concat());
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.within.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.within.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for (path, _) in used(&item.tree) {
            self.add(&path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(&segments(path));
        visit::visit_path(self, path);
    }
}

fn graph(modules: &[Module]) -> Graph {
    let tops: BTreeSet<_> = modules.iter().filter_map(|module| module.path.first()).collect();
    let root = modules.iter().find(|module| module.path.is_empty()).expect("a crate's root");
    // `crate::Denial` is `crate::denial::Denial` where the root says so.
    let reexports: BTreeMap<_, _> = (root.items.iter())
        .filter_map(
            |item| if let syn::Item::Use(item) = item { Some(used(&item.tree)) } else { None },
        )
        .flatten()
        .map(|(path, alias)| (alias, path))
        .collect();

    let mut graph = Graph::new();
    for module in modules {
        let Some(top) = module.path.first() else { continue };
        let mut uses = Uses { within: module.path.clone(), paths: BTreeSet::new() };
        module.items.iter().for_each(|item| uses.visit_item(item));
        let named = uses.paths.iter().filter_map(|path| path.first());
        let home = |name: &String| {
            let exported = reexports.get(name).and_then(|path| path.first());
            [Some(name), exported].into_iter().flatten().find(|name| tops.contains(name)).cloned()
        };
        let others = named.filter_map(home).filter(|name| name != top);
        graph.entry(top.clone()).or_default().extend(others);
    }
    graph
}

/// A circle, if there is one, from a module to itself.
fn circle(graph: &Graph) -> Option<Vec<String>> {
    let mut left: BTreeSet<_> = graph.keys().collect();
    // What uses nothing that is left is in no circle.
    while let Some(leaf) = left.iter().copied().find(|name| graph[*name].is_disjoint(&owned(&left)))
    {
        left.remove(leaf);
    }
    let mut path = vec![(*left.first()?).clone()];
    loop {
        let last = path.last().expect("it is never empty");
        let next =
            graph[last].iter().find(|name| left.contains(name)).expect("it is no leaf").clone();
        let seen = path.iter().position(|name| *name == next);
        path.push(next);
        if let Some(start) = seen {
            return Some(path.split_off(start));
        }
    }
}

fn owned(names: &BTreeSet<&String>) -> BTreeSet<String> {
    names.iter().copied().cloned().collect()
}

#[test]
fn no_module_uses_one_that_uses_it() {
    let libraries = PACKAGES.iter().filter(|package| package.sources().join("lib.rs").exists());
    let circles = libraries.filter_map(|package| {
        let circle = circle(&graph(&package.modules()))?;
        Some(format!("{}: {}", package.name, circle.join(" → ")))
    });
    assert_eq!(circles.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_circle_is_found_through_whatever_names_a_module() {
    let module = |path: &[&str], source: &str| Module {
        package: "test",
        path: path.iter().map(ToString::to_string).collect(),
        file: std::path::PathBuf::new(),
        header: String::new(),
        items: syn::parse_file(source).expect("Rust").items,
    };
    let crate_of = |of_c: &str| {
        [
            module(&[], "mod a; mod b; mod c; pub use c::Thing;"),
            module(&["a"], "fn f() { crate::b::g() }"),
            module(&["b", "child"], "use super::super::Thing; use super::own;"),
            module(&["c"], of_c),
        ]
    };
    assert_eq!(circle(&graph(&crate_of("use std::fmt; pub struct Thing;"))), None);
    let found = circle(&graph(&crate_of("use crate::{a::f};")));
    assert_eq!(found, Some(["a", "b", "c", "a"].map(str::to_owned).to_vec()));
}
