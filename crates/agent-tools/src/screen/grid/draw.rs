//! Characters onto the grid, and what moves or erases them. Pure.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use super::{
    Buffer, Charset, Saved, Shown, Terminal,
    cells::{CLUSTER, Cell, Row},
};

/// Bytes of one cluster; what comes on top of that is not kept.
const CLUSTER_BYTES_MAX: usize = 64;

const JOINER: char = '\u{200d}';
pub(super) const AS_EMOJI: char = '\u{fe0f}';

/// DEC Special Graphics, from 0x60 to 0x7e.
const DRAWING: &str = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

impl Terminal {
    pub(super) fn put_ascii(&mut self, mut run: &[u8]) {
        if self.modes.insert || self.charsets[self.charset] == Charset::Drawing {
            return run.iter().for_each(|byte| self.put(char::from(*byte)));
        }
        self.repeated = run.last().map(|byte| char::from(*byte));
        while !run.is_empty() {
            self.wrap_for(1);
            let (part, rest) = run.split_at(run.len().min(self.columns - self.x));
            let (x, pen) = (self.x, self.pen);
            let y = self.y;
            self.row(y).write(x, part, pen);
            self.x += part.len();
            self.last = Some((self.x - 1, y));
            run = rest;
        }
    }

    pub(super) fn put(&mut self, character: char) {
        let character = match self.charsets[self.charset] {
            Charset::Drawing => drawn(character),
            Charset::Ascii => character,
        };
        let width = character.width().unwrap_or(0).min(2);
        if self.joins(character, width) {
            return self.join(character);
        }
        if width == 0 {
            return;
        }
        self.repeated = Some(character);
        // A wide one finds no room in a single column.
        if width > self.columns || (self.x + width > self.columns && !self.wrap_for(width)) {
            return;
        }
        let (x, y, columns, pen) = (self.x, self.y, self.columns, self.pen);
        let insert = self.modes.insert;
        let row = self.row(y);
        if insert {
            row.insert(x, width, columns, pen.erased());
        }
        row.split_wide(x);
        row.split_wide(x + width);
        let cell = Cell { content: character.into(), width: if width == 2 { 2 } else { 1 }, pen };
        *row.get_mut(x) = cell;
        if width == 2 {
            *row.get_mut(x + 1) = Cell { content: b' '.into(), width: 0, pen };
        }
        self.x += width;
        self.last = Some((x, y));
    }

    /// Goes to the next row, if there is no room for `width` columns in this one. Without wrapping around, what is
    /// narrow is drawn in the last column, and what is wide is not.
    fn wrap_for(&mut self, width: usize) -> bool {
        if self.x + width <= self.columns {
            return true;
        }
        if self.modes.is_on(7) {
            self.x = 0;
            self.line_feed();
            return true;
        }
        if width == 1 {
            self.x = self.columns - 1;
        }
        width == 1
    }

    fn joins(&self, character: char, width: usize) -> bool {
        let Some((x, y)) = self.last else { return false };
        if width == 0 {
            return true;
        }
        if !self.modes.is_on(2027) {
            return false;
        }
        let (mut bytes, cell) = ([0; 4], self.active.rows[y].get(x));
        let before = self.text(&cell, &mut bytes);
        let is_flag = |character: char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&character);
        // A joiner joins pictures (Unicode Standard Annex #29, GB11), of which ASCII has none.
        (before.ends_with(JOINER) && !character.is_ascii())
            || ('\u{1f3fb}'..='\u{1f3ff}').contains(&character)
            || (is_flag(character) && before.chars().count() == 1 && before.chars().all(is_flag))
    }

    fn join(&mut self, character: char) {
        let Some((x, y)) = self.last else { return };
        let (mut bytes, mut cell) = ([0; 4], self.active.rows[y].get(x));
        let mut text = self.text(&cell, &mut bytes).to_owned();
        text.push(character);
        let is_wide = character == AS_EMOJI || character.width() > Some(0);
        let widens = is_wide && cell.width == 1 && self.modes.is_on(2027);
        // In the last column there is no room for what would be wide.
        if text.len() > CLUSTER_BYTES_MAX || (widens && x + 2 > self.columns) {
            return;
        }
        if self.clusters.is_full() {
            self.forget_unused();
        }
        let Some(place) = self.clusters.put(&text).and_then(|place| u32::try_from(place).ok())
        else {
            return;
        };
        cell.content = CLUSTER | place;
        if widens {
            cell.width = 2;
            let row = self.row(y);
            row.split_wide(x + 2);
            *row.get_mut(x + 1) = Cell { content: b' '.into(), width: 0, pen: cell.pen };
            self.x = x + 2;
        }
        *self.row(y).get_mut(x) = cell;
    }

    pub(super) fn line_feed(&mut self) {
        self.last = None;
        if self.y == self.bottom {
            self.scroll_up(self.top..self.bottom + 1, 1);
        } else if self.y + 1 < self.rows {
            self.y += 1;
        }
    }

    pub(super) fn reverse_line_feed(&mut self) {
        self.last = None;
        self.x = self.x.min(self.columns - 1);
        if self.y == self.top {
            self.scroll_down(self.top..self.bottom + 1, 1);
        } else {
            self.y = self.y.saturating_sub(1);
        }
    }

    /// The rows of `range` go up by `count`, and blank ones come from below.
    pub(super) fn scroll_up(&mut self, range: Range<usize>, count: usize) {
        let count = count.min(range.len());
        if count == 1 && range.len() == self.rows {
            self.active.rows.rotate_left(1);
        } else {
            self.active.rows.make_contiguous()[range.clone()].rotate_left(count);
        }
        self.blank(range.end - count..range.end);
    }

    pub(super) fn scroll_down(&mut self, range: Range<usize>, count: usize) {
        let count = count.min(range.len());
        self.active.rows.make_contiguous()[range.clone()].rotate_right(count);
        self.blank(range.start..range.start + count);
    }

    pub(super) fn blank(&mut self, rows: Range<usize>) {
        let (columns, pen) = (self.columns, self.pen.erased());
        for row in self.active.rows.range_mut(rows) {
            row.erase(0..columns, pen);
        }
    }

    pub(super) fn erase_in_row(&mut self, columns: Range<usize>) {
        let (y, pen) = (self.y, self.pen.erased());
        if !columns.is_empty() {
            self.row(y).erase(columns, pen);
        }
    }

    /// The columns and rows are cut to what there is.
    pub(super) fn go(&mut self, x: usize, y: usize) {
        self.last = None;
        (self.x, self.y) = (x.min(self.columns - 1), y.min(self.rows - 1));
    }

    pub(super) fn save(&mut self) {
        let (x, y, pen) = (self.x, self.y, self.pen);
        let x = x.min(self.columns - 1);
        self.active.saved = Saved { x, y, pen, charset: self.charsets[self.charset] };
    }

    pub(super) fn restore(&mut self) {
        let Saved { x, y, pen, charset } = self.active.saved;
        self.last = None;
        (self.x, self.y, self.pen) = (x.min(self.columns), y.min(self.rows - 1), pen);
        self.charsets[self.charset] = charset;
        if self.modes.is_on(6) {
            self.y = self.y.clamp(self.top, self.bottom);
        }
    }

    pub(super) fn show(&mut self, shown: Shown) {
        self.last = None;
        if self.shown == shown {
            return;
        }
        self.shown = shown;
        std::mem::swap(&mut self.active, &mut self.other);
        match shown {
            Shown::Alternate => {
                self.active = Buffer::new(self.rows);
                self.blank(0..self.rows);
            }
            Shown::Normal => self.other = Buffer::new(self.rows),
        }
    }

    pub(super) fn fill(&mut self, character: char) {
        let (columns, rows) = (self.columns, self.rows);
        let row = vec![u8::try_from(character).unwrap_or(b' '); columns];
        for y in 0..rows {
            *self.row(y) = Row::default();
            self.row(y).write(0, &row, super::cells::Pen::default());
        }
    }
}

fn drawn(character: char) -> char {
    let place = u32::from(character).wrapping_sub(0x60);
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    DRAWING.chars().nth(place).unwrap_or(character)
}
