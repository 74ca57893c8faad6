//! What several programs need has one home, named in ARCHITECTURE.md: nobody makes it a second time.

use syn::visit::{self, Visit};

use crate::{
    root,
    sources::{modules, segments},
};

/// What a module may do in its home only.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    /// Names a function by these last segments.
    Calls(&'static str),
    /// Writes a value of this type, field by field.
    Builds(&'static str),
    /// Defines a type or constant of this name.
    Defines(&'static str),
    /// Names the numbers of columns and rows that a terminal may have.
    BoundsSizes,
}

use Deed::{BoundsSizes, Builds, Calls, Defines};

/// A deed, and the crates that may do it.
const HOMES: &[(Deed, &[&str])] = &[
    // A visit, how many there may be, and what is reported of them.
    (Defines("Visit"), &["share"]),
    (Defines("Capacity"), &["share"]),
    (Defines("Grant"), &["share"]),
    (Defines("Denial"), &["share"]),
    (Defines("Visitor"), &["share"]),
    (Defines("LinkName"), &["api-types"]),
    (Defines("LinkMistake"), &["api-types"]),
    // Events: of visits, and of what the controller does to an agent beyond its status.
    (Calls("Recorder::new"), &["share", "controller"]),
    // An agent's identity.
    (Defines("AgentId"), &["api-types"]),
    (Builds("ObjectReference"), &["api-types"]),
    (Builds("OwnerReference"), &["api-types"]),
    // Which pod an agent's terminal is in.
    (Defines("NoTarget"), &["api-types"]),
    // Sizes of terminals, frames and credit.
    (BoundsSizes, &[]),
    (Defines("MAX_COLUMNS"), &["screen-wire"]),
    (Defines("MAX_ROWS"), &["screen-wire"]),
    (Defines("INPUT_WINDOW_BYTES"), &["screen-wire"]),
    (Defines("OUTPUT_WINDOW_BYTES"), &["screen-wire"]),
    (Defines("OUTPUT_ACK_BYTES"), &["screen-wire"]),
    // TLS handshakes with our own processes; the programs of a pod do them with servers of the world.
    (Calls("TlsConnector::from"), &["daemon", "agent-tools"]),
    // What records and exports traces.
    (Calls("SdkTracerProvider::builder"), &["daemon"]),
    // Authorities of certificates; those of tests are their own.
    (Calls("Issuer::new"), &["pki", "e2e"]),
    // What reads the whole cluster; where only some namespaces are watched, it does not.
    (Calls("Api::all"), &["controller", "share", "kubeoc", "e2e", "scale"]),
    // Clients of the API server; of the others, no process depends on one.
    (Calls("Client::new"), &["daemon", "e2e", "scale"]),
    (Calls("Client::try_from"), &["kubeoc", "e2e", "scale"]),
];

#[derive(Default)]
struct Deeds(Vec<Deed>);

impl Deeds {
    fn add(&mut self, is_it: impl Fn(&Deed) -> bool) {
        self.0.extend(HOMES.iter().map(|(deed, _)| deed.clone()).filter(is_it));
    }
}

impl<'ast> Visit<'ast> for Deeds {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = segments(path);
        let last_two = names[names.len().saturating_sub(2)..].join("::");
        self.add(|deed| matches!(deed, Calls(function) if *function == last_two));
        visit::visit_path(self, path);
    }

    fn visit_expr_struct(&mut self, built: &'ast syn::ExprStruct) {
        let name = segments(&built.path).pop();
        self.add(|deed| matches!(deed, Builds(type_) if Some(*type_) == name.as_deref()));
        visit::visit_expr_struct(self, built);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(|deed| matches!(deed, Defines(name) if item.ident == name));
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(|deed| matches!(deed, Defines(name) if item.ident == name));
        visit::visit_item_enum(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.add(|deed| matches!(deed, Defines(name) if item.ident == name));
        visit::visit_item_const(self, item);
    }

    fn visit_expr_range(&mut self, range: &'ast syn::ExprRange) {
        let ends = [&range.start, &range.end].map(|end| end.as_deref().and_then(number));
        if ends == [Some(1), Some(1000)] {
            self.add(|deed| *deed == BoundsSizes);
        }
        visit::visit_expr_range(self, range);
    }
}

fn number(expression: &syn::Expr) -> Option<u32> {
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. }) = expression else {
        return None;
    };
    number.base10_parse().ok()
}

fn deeds(items: &[syn::Item]) -> Vec<Deed> {
    let mut deeds = Deeds::default();
    for item in items {
        deeds.visit_item(item);
    }
    deeds.0
}

#[test]
fn what_several_programs_need_is_made_in_one_place() {
    let modules = modules();
    let (mut done, mut strays) = (Vec::new(), Vec::new());
    for module in &modules {
        for deed in deeds(&module.items) {
            let (_, homes) = HOMES.iter().find(|(other, _)| *other == deed).expect("listed");
            if !homes.contains(&module.package) {
                let file = module.file.strip_prefix(root()).expect("a file of the repository");
                strays.push((file.display().to_string(), deed.clone()));
            }
            done.push((deed, module.package));
        }
    }
    assert!(strays.is_empty(), "not at home: {strays:?}");
    for (deed, homes) in HOMES {
        for home in *homes {
            assert!(done.contains(&(deed.clone(), home)), "{home}, the home of {deed:?}, has none");
        }
    }
}

#[test]
fn deeds_are_seen() {
    let source = "struct Visit; const MAX_ROWS: u16 = 9; const CELLS: X = 1..=1_000;
        fn f() { kube::Client::new(x); let r = v1::ObjectReference { ..y }; Recorder::new(); 0..1000; }";
    let found = deeds(&syn::parse_file(source).expect("Rust").items);
    let expected = [
        Defines("Visit"),
        Defines("MAX_ROWS"),
        BoundsSizes,
        Calls("Client::new"),
        Builds("ObjectReference"),
        Calls("Recorder::new"),
    ];
    assert_eq!(found, expected);
}
