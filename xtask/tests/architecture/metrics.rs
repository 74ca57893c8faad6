//! Every metric's name begins with `kubeopencode_`: there is one registry, whose prefix that is.

use syn::visit::{self, Visit};

use crate::sources::{modules, segments};

#[derive(Default)]
struct Metrics {
    /// The constructors of registries.
    registries: Vec<String>,
    /// The names that are registered, without the prefix.
    names: Vec<String>,
}

impl<'ast> Visit<'ast> for Metrics {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let names = segments(&path.path);
        if names.len() > 1 && names[names.len() - 2] == "Registry" {
            self.registries.extend(names.last().cloned());
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let method = call.method.to_string();
        if method.starts_with("sub_registry") {
            self.registries.push(method);
        } else if method.starts_with("register")
            && let Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. })) =
                call.args.first()
        {
            self.names.push(name.value());
        }
        visit::visit_expr_method_call(self, call);
    }
}

fn metrics(items: &[syn::Item]) -> Metrics {
    let mut found = Metrics::default();
    for item in items {
        found.visit_item(item);
    }
    found
}

#[test]
fn there_is_one_registry_and_its_prefix_is_the_products() {
    let mut registries = Vec::new();
    let mut names = Vec::new();
    for module in modules() {
        let found = metrics(&module.items);
        registries.extend(found.registries.into_iter().map(|made| (module.package, made)));
        names.extend(found.names.into_iter().map(|name| (module.file.clone(), name)));
    }
    assert_eq!(registries, [("daemon", "with_prefix".to_owned())]);
    assert!(names.len() > 10, "metrics are not found any more: {names:?}");
    for (file, name) in names {
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        // The library adds the prefix, and `_total` to counters.
        let added = name.starts_with("kubeopencode") || name.ends_with("_total");
        assert!(plain && !added, "{}: {name:?}", file.display());
    }
}

#[test]
fn registries_and_names_are_seen() {
    let source = "fn f(r: &mut Registry) {
        Registry::default(); r.sub_registry_with_prefix(\"x\");
        r.register(\"visits\", help, x); r.register_with_unit(\"age\", help, unit, x); r.register(add); }";
    let found = metrics(&syn::parse_file(source).expect("Rust").items);
    assert_eq!(found.registries, ["default", "sub_registry_with_prefix"]);
    assert_eq!(found.names, ["visits", "age"]);
}
