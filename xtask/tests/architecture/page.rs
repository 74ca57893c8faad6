//! What the page counts in is what the programs count in: its language cannot use their constants.

use std::fs;

use crate::root;

/// A constant of one of the page's modules, written as a product.
fn constant(module: &str, name: &str) -> usize {
    let path = root().join("crates/gateway/web/src").join(module);
    let source = fs::read_to_string(path).expect("readable");
    let (_, rest) = source.split_once(&format!("const {name} = ")).expect(name);
    let (product, _) = rest.split_once(';').expect("an end");
    let factor = |text: &str| text.trim().replace('_', "").parse::<usize>().expect("a number");
    product.split('*').map(factor).product()
}

#[test]
fn the_page_knows_the_programs_limits() {
    assert_eq!(constant("protocol.ts", "DEFAULT_WINDOW_BYTES"), screen_wire::OUTPUT_WINDOW_BYTES);
    assert_eq!(constant("protocol.ts", "MAX_CELLS"), usize::from(screen_wire::MAX_COLUMNS));
    assert_eq!(constant("protocol.ts", "MAX_CELLS"), usize::from(screen_wire::MAX_ROWS));
    assert_eq!(constant("acks.ts", "GATHER_BYTES"), screen_wire::OUTPUT_ACK_BYTES);
}
