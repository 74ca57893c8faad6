//! What a terminal shows, kept beside the stream of its output for who comes later. Pure. It must never be in the way of
//! the bytes, and holds nothing that has scrolled out.
//!
//! It is of our own (docs/adr/0014), so that what it shows is what the page's xterm.js shows, that it can be shown at
//! whatever place of the stream, and that no output makes it large.

mod cells;
mod colors;
mod draw;
mod dump;
mod modes;
mod perform;
mod reports;
mod settings;
mod sgr;
mod table;

use std::collections::VecDeque;

use cells::{Cell, Pen, Row};
use colors::Colors;
use modes::Modes;
use table::Table;

use super::{
    sequences::{Cut, Sequences},
    size::Size,
};

/// Columns between two tabulators.
const TAB: usize = 8;
/// Different clusters, and links, on one screen: a place in a table is 31 bits, and 16.
const CLUSTERS_MAX: usize = 8192;
const LINKS_MAX: usize = 1024;
/// Answers that wait for the program to read them, in bytes. More is asked for by no program that reads.
const ANSWERS_BYTES_MAX: usize = 4096;

pub(crate) struct Grid {
    sequences: Sequences,
    terminal: Terminal,
}

/// Which of the two buffers is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Normal,
    Alternate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Charset {
    #[default]
    Ascii,
    Drawing,
}

/// What DECSC keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Saved {
    x: usize,
    y: usize,
    pen: Pen,
    charset: Charset,
}

#[derive(Debug)]
struct Buffer {
    rows: VecDeque<Row>,
    saved: Saved,
}

#[derive(Debug)]
struct Terminal {
    columns: usize,
    rows: usize,
    shown: Shown,
    active: Buffer,
    other: Buffer,
    /// As many as there are columns where the next character wraps around.
    x: usize,
    y: usize,
    pen: Pen,
    charsets: [Charset; 4],
    charset: usize,
    modes: Modes,
    /// The rows that scroll: from the first to the last of them.
    top: usize,
    bottom: usize,
    tabs: Vec<bool>,
    /// Where the last character is, as long as nothing moved since.
    last: Option<(usize, usize)>,
    /// What REP repeats.
    repeated: Option<char>,
    /// DECSCUSR; 0 is the page's own.
    cursor_style: u16,
    title: String,
    titles: Vec<String>,
    colors: Colors,
    clusters: Table,
    links: Table,
    answers: Vec<u8>,
    cursor_questions: u64,
}

impl Buffer {
    fn new(rows: usize) -> Self {
        Self {
            rows: std::iter::repeat_with(Row::default).take(rows).collect(),
            saved: Saved::default(),
        }
    }
}

impl Grid {
    pub(crate) fn new(size: Size) -> Self {
        let terminal = Terminal::new(size.columns().into(), size.rows().into());
        Self { sequences: Sequences::default(), terminal }
    }

    pub(crate) fn feed(&mut self, output: &[u8]) {
        self.sequences.feed(output, &mut self.terminal);
    }

    /// How the output so far ends: what is shown is what was drawn before that.
    pub(crate) fn cut(&self) -> Cut {
        self.sequences.cut()
    }

    pub(crate) fn resize(&mut self, size: Size) {
        self.terminal.resize(size.columns().into(), size.rows().into());
    }

    /// The bytes after which a terminal shows the same, whatever it showed before. At most `bytes_max`, by leaving out
    /// first how the text looks, then the last rows.
    pub(crate) fn dump(&self, bytes_max: usize) -> Vec<u8> {
        dump::dump(&self.terminal, bytes_max)
    }

    /// What the program has asked its terminal since, answered.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.terminal.answers)
    }

    /// How often the program has asked where the cursor is.
    pub(crate) fn cursor_questions(&self) -> u64 {
        self.terminal.cursor_questions
    }
}

impl Terminal {
    fn new(columns: usize, rows: usize) -> Self {
        Self {
            columns,
            rows,
            shown: Shown::Normal,
            active: Buffer::new(rows),
            other: Buffer::new(rows),
            x: 0,
            y: 0,
            pen: Pen::default(),
            charsets: [Charset::Ascii; 4],
            charset: 0,
            modes: Modes::default(),
            top: 0,
            bottom: rows - 1,
            tabs: (0..columns).map(is_tab).collect(),
            last: None,
            repeated: None,
            cursor_style: 0,
            title: String::new(),
            titles: Vec::new(),
            colors: Colors::default(),
            clusters: Table::new(CLUSTERS_MAX),
            links: Table::new(LINKS_MAX),
            answers: Vec::new(),
            cursor_questions: 0,
        }
    }

    /// As xterm.js, but that nothing flows to another row: what was drawn for another width is drawn anew by a program
    /// that fills its screen, and by no other.
    fn resize(&mut self, columns: usize, rows: usize) {
        let from_top = (self.y + 1).saturating_sub(rows);
        for buffer in [&mut self.active, &mut self.other] {
            buffer.rows.drain(..from_top.min(buffer.rows.len()));
            buffer.rows.resize_with(rows, Row::default);
            for row in &mut buffer.rows {
                row.cut(columns);
            }
            buffer.saved.x = buffer.saved.x.min(columns - 1);
            buffer.saved.y = buffer.saved.y.saturating_sub(from_top).min(rows - 1);
        }
        let known = self.tabs.len().min(columns);
        self.tabs.truncate(columns);
        self.tabs.extend((known..columns).map(is_tab));
        (self.columns, self.rows) = (columns, rows);
        (self.top, self.bottom) = (0, rows - 1);
        self.y = (self.y - from_top).min(rows - 1);
        self.x = self.x.min(columns - 1);
        self.last = None;
    }

    fn row(&mut self, y: usize) -> &mut Row {
        &mut self.active.rows[y]
    }

    /// The text of a cell.
    fn text<'a>(&'a self, cell: &Cell, buffer: &'a mut [u8; 4]) -> &'a str {
        if cell.content & cells::CLUSTER != 0 {
            let place = usize::try_from(cell.content & !cells::CLUSTER).unwrap_or(usize::MAX);
            self.clusters.get(place)
        } else {
            char::from_u32(cell.content).unwrap_or(' ').encode_utf8(buffer)
        }
    }

    /// Makes room in the tables, if what they hold is not shown any more.
    fn forget_unused(&mut self) {
        let (mut clusters, mut links) = (vec![false; CLUSTERS_MAX], vec![false; LINKS_MAX]);
        let mut uses = |cell: &Cell| {
            if cell.content & cells::CLUSTER != 0 {
                mark(&mut clusters, cell.content & !cells::CLUSTER);
            }
            mark(&mut links, u32::from(cell.pen.link).wrapping_sub(1));
        };
        for buffer in [&self.active, &self.other] {
            uses(&Cell::blank(buffer.saved.pen));
            buffer.rows.iter().flat_map(Row::cells).for_each(&mut uses);
        }
        uses(&Cell::blank(self.pen));
        self.clusters.retain(|place| clusters[place]);
        self.links.retain(|place| links[place]);
    }
}

fn mark(used: &mut [bool], place: u32) {
    if let Some(used) = used.get_mut(usize::try_from(place).unwrap_or(usize::MAX)) {
        *used = true;
    }
}

fn is_tab(column: usize) -> bool {
    column.is_multiple_of(TAB)
}

#[cfg(test)]
mod tests;
