use proptest::{collection::vec, prelude::*};

use super::*;

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let number = 0_u16..16;
    let text = prop_oneof![
        "[a-z ]{1,15}",
        Just("日本".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("👩\u{200d}👩".to_owned())
    ];
    let csi = (vec(number, 0..3), "[@A-KLMPSTXZ`abdefghlmrsu]").prop_map(|(numbers, last)| {
        let numbers: Vec<_> = numbers.iter().map(u16::to_string).collect();
        format!("\x1b[{}{last}", numbers.join(";"))
    });
    let mode = (
        proptest::sample::select(vec![
            1, 5, 6, 7, 25, 47, 1047, 1048, 1049, 1000, 1003, 1006, 2004, 2027,
        ]),
        "[hl]",
    )
        .prop_map(|(mode, last)| format!("\x1b[?{mode}{last}"));
    let sgr = (30_u16..50, 0_u16..10, any::<u8>())
        .prop_map(|(a, b, c)| format!("\x1b[{a};{b}m\x1b[48;5;{c}m"));
    let other = proptest::sample::select(vec![
        "\r",
        "\n",
        "\t",
        "\x08",
        "\x0e",
        "\x0f",
        "\x1b7",
        "\x1b8",
        "\x1bM",
        "\x1bD",
        "\x1bE",
        "\x1bH",
        "\x1bc",
        "\x1b(0",
        "\x1b(B",
        "\x1b)0",
        "\x1b#8",
        "\x1b[!p",
        "\x1b=",
        "\x1b>",
        "\x1b]2;t\x07",
        "\x1b[4h",
        "\x1b[3 q",
    ])
    .prop_map(str::to_owned);
    prop_oneof![4 => text, 4 => csi, 2 => mode, 2 => sgr, 3 => other].prop_map(String::into_bytes)
}

/// At least; `PROPTEST_CASES` may ask for more.
const CASES: u32 = 2000;

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(CASES), ..default }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn a_dump_into_another_grid_makes_it_equal(
        pieces in vec(piece(), 0..40),
        resize in (1_u16..20, 1_u16..8),
        more in vec(piece(), 0..10),
    ) {
        let mut grid = grid(&pieces.concat());
        grid.resize(size(resize.0, resize.1));
        grid.feed(&more.concat());
        let mut fresh = Grid::new(size(resize.0, resize.1));
        fresh.feed(DIRT);
        fresh.feed(&grid.dump(usize::MAX));
        prop_assert_eq!(seen(&fresh), seen(&grid));
    }
}

proptest! {
    #[test]
    fn no_output_makes_it_panic(
        output in vec(prop_oneof![3 => piece(), 1 => vec(any::<u8>(), 0..20)], 0..60),
        resize in (1_u16..=200, 1_u16..=100),
    ) {
        let mut grid = grid(&output.concat());
        grid.resize(size(resize.0, resize.1));
        grid.feed(&output.concat());
        grid.dump(usize::MAX);
    }
}
