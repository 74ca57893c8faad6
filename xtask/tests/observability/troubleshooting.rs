//! Each reason of a condition is explained, with a command.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};
use syn::{Expr, ExprLit, Item, ItemConst, ItemMod, Lit};

use crate::read;

const PAGE: &str = "docs/troubleshooting.md";
const REASONS: &str = "crates/api-types/src/condition.rs";

/// The words of the module `reason`.
fn reasons() -> BTreeSet<String> {
    let source = syn::parse_file(&read(REASONS)).expect(REASONS);
    let module = source.items.into_iter().find_map(|item| match item {
        Item::Mod(ItemMod { ident, content: Some((_, items)), .. }) if ident == "reason" => {
            Some(items)
        }
        _ => None,
    });
    let word = |item| match item {
        Item::Const(ItemConst { expr, .. }) => match *expr {
            Expr::Lit(ExprLit { lit: Lit::Str(word), .. }) => Some(word.value()),
            _ => None,
        },
        _ => None,
    };
    module.expect("the module of reasons").into_iter().filter_map(word).collect()
}

/// How many commands and how much text each entry of the page has.
fn entries() -> BTreeMap<String, (usize, usize)> {
    let page = read(PAGE);
    let mut entries = BTreeMap::<String, (usize, usize)>::new();
    let (mut in_title, mut in_command, mut entry) = (false, false, None);
    for event in Parser::new(&page) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                (in_title, entry) = (level == HeadingLevel::H3, None);
            }
            Event::End(TagEnd::Heading(_)) => in_title = false,
            Event::Code(word) if in_title => {
                let former = entries.insert(word.to_string(), (0, 0));
                assert_eq!(former, None, "{word} has two entries");
                entry = Some(word.to_string());
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                in_command = &*language == "sh";
            }
            Event::End(TagEnd::CodeBlock) => in_command = false,
            Event::Text(text) if !in_title => {
                let Some(counts) = entry.as_ref().and_then(|entry| entries.get_mut(entry)) else {
                    continue;
                };
                if in_command { counts.0 += 1 } else { counts.1 += text.len() }
            }
            _ => {}
        }
    }
    entries
}

#[test]
fn each_reason_has_its_entry_with_a_command_and_there_is_no_other_entry() {
    let reasons = reasons();
    assert!(reasons.len() > 30, "the reasons are not found any more: {reasons:?}");
    let entries = entries();
    assert_eq!(entries.keys().cloned().collect::<BTreeSet<_>>(), reasons);
    for (reason, (commands, text)) in entries {
        assert!(commands > 0, "{reason}: there is no command");
        assert!(text > 40, "{reason}: nothing is said of it");
    }
}
