mod random;

use super::*;

const COLUMNS: u16 = 12;
const ROWS: u16 = 5;

fn size(columns: u16, rows: u16) -> Size {
    Size::new(columns, rows).unwrap()
}

fn grid(output: &[u8]) -> Grid {
    let mut grid = Grid::new(size(COLUMNS, ROWS));
    grid.feed(output);
    grid
}

/// Text, width, look and link of a cell.
type Drawn = (String, u8, Pen, String);

/// Everything that is shown, and everything that matters to what comes next.
#[derive(Debug, PartialEq)]
struct Seen {
    shown: Shown,
    active: Vec<Vec<Drawn>>,
    other: Option<Vec<Vec<Drawn>>>,
    saved: [Option<(Saved, String)>; 2],
    cursor: (usize, usize),
    pen: (Pen, String),
    charsets: ([Charset; 4], usize),
    modes: Modes,
    margins: (usize, usize),
    tabs: Vec<bool>,
    cursor_style: u16,
    titles: (String, Vec<String>),
    colors: Colors,
}

fn without_link(pen: Pen) -> Pen {
    Pen { link: 0, ..pen }
}

fn seen(grid: &Grid) -> Seen {
    let it = &grid.terminal;
    let link = |pen: Pen| match pen.link {
        0 => String::new(),
        link => it.links.get(usize::from(link) - 1).to_owned(),
    };
    let rows = |buffer: &Buffer| {
        let cell = |cell: Cell| {
            (
                it.text(&cell, &mut [0; 4]).to_owned(),
                cell.width,
                without_link(cell.pen),
                link(cell.pen),
            )
        };
        let row = |row: &Row| (0..it.columns).map(|x| cell(row.get(x))).collect();
        buffer.rows.iter().map(row).collect()
    };
    let saved = |saved: Saved| (Saved { pen: without_link(saved.pen), ..saved }, link(saved.pen));
    let is_alternate = it.shown == Shown::Alternate;
    Seen {
        shown: it.shown,
        active: rows(&it.active),
        other: is_alternate.then(|| rows(&it.other)),
        saved: [Some(saved(it.active.saved)), is_alternate.then(|| saved(it.other.saved))],
        cursor: (it.x, it.y),
        pen: (without_link(it.pen), link(it.pen)),
        charsets: (it.charsets, it.charset),
        modes: it.modes.clone(),
        margins: (it.top, it.bottom),
        tabs: it.tabs.clone(),
        cursor_style: it.cursor_style,
        titles: (it.title.clone(), it.titles.clone()),
        colors: it.colors.clone(),
    }
}

fn text(grid: &Grid) -> Vec<String> {
    let it = &grid.terminal;
    let cell = |cell: Cell| match cell.width {
        0 => String::new(),
        _ => it.text(&cell, &mut [0; 4]).to_owned(),
    };
    let row = |row: &Row| (0..it.columns).map(|x| cell(row.get(x))).collect::<String>();
    it.active.rows.iter().map(|it| row(it).trim_end().to_owned()).collect()
}

#[test]
fn text_is_drawn_where_a_terminal_draws_it() {
    for (output, expected) in [
        ("hello\r\nworld", ["hello", "world", "", "", ""]),
        ("0123456789abcdef", ["0123456789ab", "cdef", "", "", ""]),
        ("\x1b[?7l0123456789abcdef", ["0123456789af", "", "", "", ""]),
        ("1\r\n2\r\n3\r\n4\r\n5\r\n6", ["2", "3", "4", "5", "6"]),
        ("a\tb", ["a       b", "", "", "", ""]),
        ("\x1b[3;4Hx\x1b[2Ay\x1b[5Dz", ["z   y", "", "   x", "", ""]),
        ("abcdef\x1b[3D\x1b[2Pg", ["abcg", "", "", "", ""]),
        ("abcdef\x1b[4D\x1b[2@", ["ab  cdef", "", "", "", ""]),
        ("abcdef\x1b[4D\x1b[2X", ["ab  ef", "", "", "", ""]),
        ("abc\x1b[1K\x1b[Hx", ["x", "", "", "", ""]),
        ("1\r\n2\r\n3\x1b[2;3r\x1b[2;1H\x1b[M", ["1", "3", "", "", ""]),
        ("1\r\n2\r\n3\x1b[2;1H\x1b[L", ["1", "", "2", "3", ""]),
        ("1\r\n2\r\n3\x1b[H\x1bM", ["", "1", "2", "3", ""]),
        ("1\r\n2\x1b[?1049halt\x1b[?1049l!", ["1", "2!", "", "", ""]),
        ("1\x1b[?1049halt", [" alt", "", "", "", ""]),
        ("\x1b(0lqk\x1b(B.", ["┌─┐.", "", "", "", ""]),
        ("日本\r\x1b[Cx", [" x本", "", "", "", ""]),
        ("e\u{301}x", ["e\u{301}x", "", "", "", ""]),
        ("\x1b[?2027h👩\u{200d}👩x", ["👩\u{200d}👩x", "", "", "", ""]),
        ("-\x1b[4bx", ["-----x", "", "", "", ""]),
        ("\x1b]66;s=2;big\x07x", ["x", "", "", "", ""]),
    ] {
        assert_eq!(text(&grid(output.as_bytes())), expected, "{output:?}");
    }
}

#[test]
fn questions_are_answered_once_and_as_the_page_would() {
    for (asked, answer) in [
        ("\x1b[c", "\x1b[?1;2c"),
        ("\x1b[>0q", "\x1bP>|xterm.js(6.0.0)\x1b\\"),
        ("\x1b[5n", "\x1b[0n"),
        ("ab\x1b[6n", "\x1b[1;3R"),
        ("0123456789ab\x1b[6n", "\x1b[1;12R"),
        (
            "\x1b[?2004h\x1b[?2004$p\x1b[?2026$p\x1b[?1016$p",
            "\x1b[?2004;1$y\x1b[?2026;2$y\x1b[?1016;2$y",
        ),
        ("\x1b[?9876$p", "\x1b[?9876;0$y"),
        ("\x1b[4$p", "\x1b[4;2$y"),
        ("\x1bP+q4d73\x1b\\", "\x1bP0+r4d73\x1b\\"),
        ("\x1bP$q q\x1b\\", "\x1bP1$r0 q\x1b\\"),
        ("\x1b]10;?\x07", "\x1b]10;rgb:e8e8/eaea/eded\x1b\\"),
        ("\x1b]11;?\x1b\\", "\x1b]11;rgb:0b0b/0c0c/0e0e\x1b\\"),
        (
            "\x1b]4;1;?;2;?\x07",
            "\x1b]4;1;rgb:ffff/6b6b/6b6b\x1b\\\x1b]4;2;rgb:7b7b/d8d8/8f8f\x1b\\",
        ),
        ("\x1b]4;1;rgb:12/34/56\x07\x1b]4;1;?\x07", "\x1b]4;1;rgb:1212/3434/5656\x1b\\"),
        ("\x1b[14t\x1b[18t", "\x1b[4;80;96t\x1b[8;5;12t"),
        (
            "\x1b[?u\x1b_Gi=1,a=q\x1b\\\x1b]99;i=1:p=?;\x07\x1b]52;c;?\x07\x1b]1337;ReportCellSize\x07",
            "",
        ),
    ] {
        let mut grid = grid(asked.as_bytes());
        assert_eq!(String::from_utf8(grid.take_answers()).unwrap(), answer, "{asked:?}");
        assert_eq!(grid.take_answers(), b"");
    }
}

#[test]
fn a_program_that_asks_and_never_reads_is_answered_no_more_than_there_is_room_for() {
    let mut grid = grid(&b"\x1b[c".repeat(100_000));
    assert!((1..=ANSWERS_BYTES_MAX).contains(&grid.take_answers().len()));
}

#[test]
fn a_screen_of_another_size_keeps_what_there_is_room_for() {
    let mut grid = grid(b"one\r\ntwo\r\nthree\r\nfour");
    grid.resize(size(3, 2));
    assert_eq!(text(&grid), ["thr", "fou"]);
    grid.resize(size(COLUMNS, ROWS));
    grid.feed(b"!");
    assert_eq!(text(&grid), ["thr", "fo!", "", "", ""]);
}

/// What lies on the left of it after a dump that says nothing.
const DIRT: &[u8] = b"\x1b[31mdirt\x1b[?1049h\x1b[2;3rdirt\x1b[?1003h\x1b]2;dirt";

fn comes_back(grid: &Grid) {
    let mut fresh = self::grid(DIRT);
    fresh.feed(&grid.dump(usize::MAX));
    assert_eq!(seen(&fresh), seen(grid));
}

#[test]
fn a_dump_draws_all_that_is_shown_on_whatever_was_there_before() {
    for output in [
        "",
        "plain",
        "\x1b[1;31;4:3;58:2::1:2:3mstyled\x1b[0m and not",
        "normal\x1b[2;2H\x1b[?1049halt\x1b[3;3H",
        "\x1b[?1049h\x1b[?1003;1006;2004;25l\x1b[?1000h\x1b[?1006h\x1b[2 q",
        "\x1b]0;a title\x07\x1b[22;2t\x1b]2;another\x07",
        "0123456789ab",
        "0123456789日",
        "\x1b[2;4r\x1b[?6h\x1b[2;2Hx",
        "\x1b[44m\x1b[2Jblue\x1b[4h",
        "\x1b]8;id=1;https://example.com\x1b\\link\x1b]8;;\x1b\\",
        "\x1b(0\x1b)0\x0eq",
        "\x1b[?2027h👩\u{200d}👩e\u{301}",
        "\x1b]10;#102030\x07\x1b]4;7;rgb:f/f/f\x07",
        "\x1b[3g\x1b[5G\x1bH",
        "\x1b[?2027h👩\u{200d}\x1b[1;3H👩 e\x1b[1;8H\u{301}x",
        "\x1b[31m\x1b[3;3H\x1b7\x1b[H\x1b[0mx",
        "\x1b[?5h\x1b[?1h\x1b=\x1b[20h\x1b[?7l",
        "\x1b[?6h\x1b[2;4r\x1b#8",
    ] {
        comes_back(&grid(output.as_bytes()));
    }
}

#[test]
fn a_dump_is_never_longer_than_it_may_be() {
    let mut grid = Grid::new(size(1000, 1000));
    for n in 0..200_000_u32 {
        let [_, red, green, blue] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        grid.feed(
            format!("\x1b[38;2;{red};{green};{blue};48;2;{blue};{red};{green}m日日").as_bytes(),
        );
    }
    assert!(grid.dump(usize::MAX).len() > 2 * 1024 * 1024);
    let bounded = grid.dump(1024 * 1024);
    assert!((512 * 1024..=1024 * 1024).contains(&bounded.len()), "{}", bounded.len());
}

#[test]
fn links_and_clusters_without_end_use_no_more_than_their_tables() {
    let mut grid = grid(b"");
    for n in 0..20_000 {
        grid.feed(format!("\x1b]8;;https://example.com/{n}\x1b\\x\x1b]8;;\x1b\\").as_bytes());
        let mark = char::from_u32(0x300 + n % 0x60).unwrap();
        let other = char::from_u32(0x300 + n / 0x60 % 0x60).unwrap();
        grid.feed(format!("{}{mark}{other}", char::from_u32(0x4e00 + n).unwrap()).as_bytes());
    }
    let row = text(&grid).remove(0);
    assert!(row.chars().any(|it| ('\u{300}'..'\u{360}').contains(&it)), "{row}");
    comes_back(&grid);
}
