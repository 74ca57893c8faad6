//! One row of a terminal's cells, and how each looks. Pure.

/// A colour as SGR names it: the terminal's own, one of 256, or red, green and blue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Color(u32);

const PALETTE: u32 = 1 << 24;
const RGB: u32 = 2 << 24;

impl Color {
    pub(super) const DEFAULT: Self = Self(0);

    pub(super) fn palette(index: u8) -> Self {
        Self(PALETTE | u32::from(index))
    }

    pub(super) fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self(RGB | u32::from_be_bytes([0, red, green, blue]))
    }

    pub(super) fn named(self) -> Named {
        let [kind, red, green, blue] = self.0.to_be_bytes();
        match kind {
            0 => Named::Default,
            1 => Named::Palette(blue),
            _ => Named::Rgb(red, green, blue),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Default,
    Palette(u8),
    Rgb(u8, u8, u8),
}

/// Everything that SGR sets, and the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pen {
    pub(super) foreground: Color,
    pub(super) background: Color,
    pub(super) underline_color: Color,
    /// Bits by the number of the SGR that sets them: 1 to 9, and 53.
    pub(super) attributes: u16,
    /// 0 is none; else as in `CSI 4:n m`.
    pub(super) underline: u8,
    /// 0 is none; else one more than its place in the table.
    pub(super) link: u16,
}

impl Pen {
    /// What erased cells look like.
    pub(super) fn erased(self) -> Self {
        Self { background: self.background, ..Self::default() }
    }
}

/// The first is the character's own code; one with this bit is a place in the table of clusters.
pub(super) const CLUSTER: u32 = 1 << 31;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) content: u32,
    /// 2 for a wide one, and 0 for the cell behind it.
    pub(super) width: u8,
    pub(super) pen: Pen,
}

impl Cell {
    pub(super) fn blank(pen: Pen) -> Self {
        Self { content: u32::from(b' '), width: 1, pen }
    }
}

/// A row keeps no cells behind the last that was ever drawn: a size costs nothing, only what is drawn does.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    cells: Vec<Cell>,
}

impl Row {
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn get(&self, column: usize) -> Cell {
        self.cells.get(column).copied().unwrap_or_else(|| Cell::blank(Pen::default()))
    }

    pub(super) fn get_mut(&mut self, column: usize) -> &mut Cell {
        self.reach(column + 1);
        &mut self.cells[column]
    }

    fn reach(&mut self, columns: usize) {
        if self.cells.len() < columns {
            self.cells.resize(columns, Cell::blank(Pen::default()));
        }
    }

    /// Writes a run of ASCII.
    pub(super) fn write(&mut self, column: usize, run: &[u8], pen: Pen) {
        self.reach(column + run.len());
        self.split_wide(column);
        self.split_wide(column + run.len());
        for (cell, byte) in self.cells[column..].iter_mut().zip(run) {
            *cell = Cell { content: u32::from(*byte), width: 1, pen };
        }
    }

    /// Erases the columns of `range`.
    pub(super) fn erase(&mut self, range: std::ops::Range<usize>, pen: Pen) {
        self.split_wide(range.start);
        self.split_wide(range.end);
        if pen == Pen::default() && range.end >= self.cells.len() {
            return self.cells.truncate(range.start);
        }
        self.reach(range.end);
        self.cells[range].fill(Cell::blank(pen));
    }

    /// Moves what is at `column` and behind it by `count`, out of the row of so many `columns`.
    pub(super) fn insert(&mut self, column: usize, count: usize, columns: usize, pen: Pen) {
        self.split_wide(column);
        let count = count.min(columns - column);
        self.reach(column);
        self.cells.splice(column..column, std::iter::repeat_n(Cell::blank(pen), count));
        self.cut(columns);
    }

    pub(super) fn delete(&mut self, column: usize, count: usize, columns: usize, pen: Pen) {
        let end = (column + count).min(columns);
        self.split_wide(column);
        self.split_wide(end);
        if pen == Pen::default() {
            let start = column.min(self.cells.len());
            self.cells.drain(start..end.min(self.cells.len()));
            return;
        }
        self.reach(columns);
        self.cells.drain(column..end);
        self.cells.resize(columns, Cell::blank(pen));
    }

    /// No cell is at `columns` or behind it.
    pub(super) fn cut(&mut self, columns: usize) {
        self.split_wide(columns);
        self.cells.truncate(columns);
    }

    /// Half of a wide character is none: where one lies across the left edge of `column`, both halves are blank.
    pub(super) fn split_wide(&mut self, column: usize) {
        let Some(Cell { width: 0, .. }) = self.cells.get(column) else { return };
        for half in self.cells[..=column].iter_mut().rev().take(2) {
            *half = Cell::blank(half.pen);
        }
    }
}

/// Rows are equal that look the same.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        let length = self.cells.len().max(other.cells.len());
        (0..length).all(|column| self.get(column) == other.get(column))
    }
}
