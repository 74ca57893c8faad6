//! The grid as bytes that draw it on a terminal, whatever that showed before. Pure.

use unicode_width::UnicodeWidthChar;

use super::{
    Buffer, Charset, Saved, Shown, Terminal,
    cells::{Cell, Pen, Row},
    colors::Name,
    draw::AS_EMOJI,
    modes::Switch,
    sgr,
};

/// So many blank cells are gone over rather than drawn.
const SKIPPED_CELLS: usize = 6;
/// For what is not text: modes, title, colours and tabulators.
const REST_BYTES: usize = 64 * 1024;

/// How much of the text is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Whole,
    /// All of it in the terminal's own colours.
    Text,
}

pub(super) fn dump(terminal: &Terminal, bytes_max: usize) -> Vec<u8> {
    let whole = with(terminal, Detail::Whole, usize::MAX);
    if whole.len() <= bytes_max {
        return whole;
    }
    with(terminal, Detail::Text, bytes_max.saturating_sub(REST_BYTES))
}

fn with(terminal: &Terminal, detail: Detail, text_bytes_max: usize) -> Vec<u8> {
    let mut dump =
        Dump { terminal, detail, limit: text_bytes_max, clusters: Switch::Off, bytes: Vec::new() };
    dump.start();
    match terminal.shown {
        Shown::Normal => dump.buffer(&terminal.active),
        Shown::Alternate => {
            dump.buffer(&terminal.other);
            // What 1049 saves is what it comes back to.
            dump.saved(terminal.other.saved);
            dump.put("\x1b[?1047h\x1b[0m");
            dump.buffer(&terminal.active);
        }
    }
    dump.saved(terminal.active.saved);
    dump.settings();
    dump.cursor();
    dump.bytes
}

struct Dump<'a> {
    terminal: &'a Terminal,
    detail: Detail,
    /// Of text.
    limit: usize,
    clusters: Switch,
    bytes: Vec<u8>,
}

impl Dump<'_> {
    fn put(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn go(&mut self, x: usize, y: usize) {
        self.put(&format!("\x1b[{};{}H", y + 1, x + 1));
    }

    /// Ends whatever was under way, resets all, and makes sure that what is drawn stays where it is put.
    fn start(&mut self) {
        self.put("\x1b\\\x1bc\x1b[?7l");
        if self.terminal.modes.is_on(2026) {
            self.put("\x1b[?2026h");
        }
    }

    fn buffer(&mut self, buffer: &Buffer) {
        for (y, row) in buffer.rows.iter().enumerate() {
            if self.bytes.len() < self.limit {
                self.row(y, row);
            }
        }
        self.pen(Pen::default());
    }

    fn row(&mut self, y: usize, row: &Row) {
        let cells = row.cells();
        let blank = Cell::blank(Pen::default());
        let end = cells.iter().rposition(|cell| *cell != blank).map_or(0, |last| last + 1);
        let (mut at, mut x) = (None, 0);
        let mut pen = None;
        while x < end {
            let blanks = cells[x..end].iter().take_while(|cell| **cell == blank).count();
            if blanks >= SKIPPED_CELLS || (at.is_none() && blanks > 0) {
                x += blanks;
                at = None;
                continue;
            }
            if at != Some(x) {
                self.go(x, y);
            }
            let cell = cells[x];
            if pen != Some(cell.pen) {
                self.pen(cell.pen);
                pen = Some(cell.pen);
            }
            let is_ascii = self.cell(&cell);
            x += usize::from(cell.width.max(1));
            // Where the viewer's terminal has another width for it, only this cell is amiss; and what stands beside it
            // is not joined to it.
            at = is_ascii.then_some(x);
        }
    }

    fn pen(&mut self, pen: Pen) {
        if self.detail == Detail::Text {
            return;
        }
        sgr::write(&pen, &mut self.bytes);
        let link = usize::from(pen.link).checked_sub(1).map(|place| self.terminal.links.get(place));
        self.put(&format!("\x1b]8;{}\x1b\\", link.unwrap_or(";")));
    }

    /// Draws the text of a cell, and says whether it is ASCII.
    fn cell(&mut self, cell: &Cell) -> bool {
        let mut buffer = [0; 4];
        let text = self.terminal.text(cell, &mut buffer).to_owned();
        let mut others = text.chars().skip(1);
        let by_cluster = cell.width == 2 && others.any(|it| it == AS_EMOJI || it.width() > Some(0));
        self.by_cluster(if by_cluster { Switch::On } else { Switch::Off });
        self.put(&text);
        text.is_ascii()
    }

    /// Whether characters are joined to clusters from now on.
    fn by_cluster(&mut self, to: Switch) {
        if self.clusters != to {
            self.put(if to == Switch::On { "\x1b[?2027h" } else { "\x1b[?2027l" });
            self.clusters = to;
        }
    }

    fn charset(&mut self, charset: Charset) {
        if charset == Charset::Drawing {
            self.put("\x1b(0");
        }
    }

    /// DECSC, as the program did it.
    fn saved(&mut self, saved: Saved) {
        if saved == Saved::default() {
            return;
        }
        self.go(saved.x, saved.y);
        self.pen(saved.pen);
        self.charset(saved.charset);
        self.put("\x1b7\x1b(B");
        self.pen(Pen::default());
    }

    fn settings(&mut self) {
        let terminal = self.terminal;
        if terminal.tabs.iter().enumerate().any(|(x, tab)| *tab != super::is_tab(x)) {
            self.put("\x1b[3g");
            for x in terminal.tabs.iter().enumerate().filter_map(|(x, tab)| tab.then_some(x)) {
                self.put(&format!("\x1b[{}G\x1bH", x + 1));
            }
        }
        for (name, [red, green, blue]) in terminal.colors.changed() {
            let number = match name {
                Name::Palette(index) => format!("4;{index}"),
                Name::Foreground => "10".to_owned(),
                Name::Background => "11".to_owned(),
                Name::Cursor => "12".to_owned(),
            };
            self.put(&format!("\x1b]{number};rgb:{red:02x}/{green:02x}/{blue:02x}\x1b\\"));
        }
        for title in &terminal.titles {
            self.put(&format!("\x1b]2;{title}\x1b\\\x1b[22;2t"));
        }
        self.put(&format!("\x1b]2;{}\x1b\\", terminal.title));
        if terminal.cursor_style != 0 {
            self.put(&format!("\x1b[{} q", terminal.cursor_style));
        }
        if (terminal.top, terminal.bottom) != (0, terminal.rows - 1) {
            self.put(&format!("\x1b[{};{}r", terminal.top + 1, terminal.bottom + 1));
        }
        self.put("\x1b[?7h");
        for (mode, to) in terminal.modes.changed() {
            let last = if to == Switch::On { 'h' } else { 'l' };
            // In its place at the end.
            if !matches!(mode, 7 | 66 | 2026 | 2027) {
                self.put(&format!("\x1b[?{mode}{last}"));
            }
        }
        if terminal.modes.is_on(66) {
            self.put("\x1b=");
        }
        if terminal.modes.new_line {
            self.put("\x1b[20h");
        }
    }

    fn cursor(&mut self) {
        let terminal = self.terminal;
        let (x, y) = (terminal.x, terminal.y);
        let top = if terminal.modes.is_on(6) { terminal.top } else { 0 };
        let row = y.saturating_sub(top);
        match self.drawn_last() {
            // As if it had just been drawn: what comes may be joined to it, or wraps around.
            Some(start) => {
                let cell = terminal.active.rows[y].get(start);
                self.go(start, row);
                self.pen(cell.pen);
                self.cell(&cell);
            }
            None => self.go(x, row),
        }
        self.by_cluster(if terminal.modes.is_on(2027) { Switch::On } else { Switch::Off });
        if !terminal.modes.is_on(7) {
            self.put("\x1b[?7l");
        }
        if terminal.modes.insert {
            self.put("\x1b[4h");
        }
        self.pen(terminal.pen);
        for (place, charset) in [b'(', b')', b'*', b'+'].iter().zip(terminal.charsets) {
            if charset == Charset::Drawing {
                self.put(&format!("\x1b{}0", char::from(*place)));
            }
        }
        let shift = ["", "\x0e", "\x1bn", "\x1bo"];
        self.put(shift[terminal.charset]);
    }

    /// The column of the cell that was drawn last, if the cursor is behind it.
    fn drawn_last(&self) -> Option<usize> {
        let Terminal { x, y, columns, ref active, last, .. } = *self.terminal;
        let before = x.checked_sub(1)?;
        let is_half = active.rows[y].get(before).width == 0;
        let start = if is_half { before.checked_sub(1)? } else { before };
        (last == Some((start, y)) || x == columns).then_some(start)
    }
}
