//! What each sequence does to the grid, as xterm.js does it; what is not known does nothing. Pure.

use super::{Charset, Terminal, colors::Name, modes::Switch, sgr};
use crate::screen::sequences::{Csi, Perform};

impl Perform for Terminal {
    fn ascii(&mut self, run: &[u8]) {
        self.put_ascii(run);
    }

    fn character(&mut self, character: char) {
        self.put(character);
    }

    fn control(&mut self, byte: u8) {
        match byte {
            0x08 => self.go(self.x.min(self.columns - 1).saturating_sub(1), self.y),
            0x09 => self.tab_forward(1),
            0x0a..=0x0c => {
                if self.modes.new_line {
                    self.x = 0;
                }
                self.x = self.x.min(self.columns - 1);
                self.line_feed();
            }
            0x0d => self.go(0, self.y),
            0x0e => self.charset = 1,
            0x0f => self.charset = 0,
            _ => {}
        }
    }

    fn escape(&mut self, intermediate: u8, last: u8) {
        match (intermediate, last) {
            (0, b'7') => self.save(),
            (0, b'8') => self.restore(),
            (0, b'=') => self.modes.switch(66, Switch::On),
            (0, b'>') => self.modes.switch(66, Switch::Off),
            (0, b'D') => self.control(b'\n'),
            (0, b'E') => {
                self.x = 0;
                self.line_feed();
            }
            (0, b'H') => {
                if let Some(tab) = self.tabs.get_mut(self.x) {
                    *tab = true;
                }
            }
            (0, b'M') => self.reverse_line_feed(),
            (0, b'c') => *self = self.as_new(),
            (0, b'n') => self.charset = 2,
            (0, b'o') => self.charset = 3,
            (b'(' | b')' | b'*' | b'+', _) => {
                let place = usize::from(intermediate - b'(');
                self.charsets[place] = if last == b'0' { Charset::Drawing } else { Charset::Ascii };
            }
            (b'#', b'8') => {
                self.fill('E');
                self.address(0, 0);
            }
            _ => {}
        }
    }

    fn csi(&mut self, csi: &Csi) {
        if self.report(csi) {
            return;
        }
        match (csi.prefix, csi.intermediate, csi.last) {
            (0, 0, last) => self.plain(csi, last),
            (b'?', 0, b'h') => self.private_modes(csi, Switch::On),
            (b'?', 0, b'l') => self.private_modes(csi, Switch::Off),
            (b'?', 0, b'J') => self.erase_display(csi.value(0)),
            (b'?', 0, b'K') => self.erase_line(csi.value(0)),
            (0, b' ', b'q') => self.cursor_style = csi.value(0).min(6),
            (0, b'!', b'p') => self.soft_reset(),
            _ => {}
        }
    }

    fn osc(&mut self, data: &[u8]) {
        let text = String::from_utf8_lossy(data);
        let (number, rest) = text.split_once(';').unwrap_or((&text, ""));
        match number {
            "0" | "2" => self.set_title(rest),
            "4" => self.palette(rest),
            "8" => self.link(rest),
            "10" | "11" | "12" => self.special_colors(number, rest),
            "104" if rest.is_empty() => self.colors.reset_palette(),
            "104" => {
                for index in rest.split(';').filter_map(|index| index.parse().ok()) {
                    self.colors.reset(Name::Palette(index));
                }
            }
            "110" => self.colors.reset(Name::Foreground),
            "111" => self.colors.reset(Name::Background),
            "112" => self.colors.reset(Name::Cursor),
            _ => {}
        }
    }

    fn dcs(&mut self, data: &[u8]) {
        self.answer_dcs(data);
    }
}

impl Terminal {
    fn plain(&mut self, csi: &Csi, last: u8) {
        let (x, y) = (self.x.min(self.columns - 1), self.y);
        match last {
            b'A' => self.up(csi.count(0)),
            b'B' | b'e' => self.down(csi.count(0)),
            b'C' | b'a' => self.go(x + csi.count(0), y),
            b'D' => self.go(x.saturating_sub(csi.count(0)), y),
            b'E' => {
                self.down(csi.count(0));
                self.x = 0;
            }
            b'F' => {
                self.up(csi.count(0));
                self.x = 0;
            }
            b'G' | b'`' => self.go(csi.count(0) - 1, y),
            b'H' | b'f' => self.address(csi.count(1) - 1, csi.count(0) - 1),
            b'd' => self.address(x, csi.count(0) - 1),
            b'I' => self.tab_forward(csi.count(0)),
            b'Z' => self.tab_backward(csi.count(0)),
            b'J' => self.erase_display(csi.value(0)),
            b'K' => self.erase_line(csi.value(0)),
            b'@' | b'P' | b'X' => self.edit_row(csi, last),
            b'L' | b'M' | b'S' | b'T' => self.scroll(csi, last),
            b'b' => self.repeat(csi.count(0)),
            b'g' => match csi.value(0) {
                0 => self.tabs[x] = false,
                3 => self.tabs.fill(false),
                _ => {}
            },
            b'h' => self.ansi_modes(csi, Switch::On),
            b'l' => self.ansi_modes(csi, Switch::Off),
            b'm' => sgr::apply(&mut self.pen, csi),
            b'r' => self.margins(csi),
            b's' => self.save(),
            b't' => self.window(csi),
            b'u' => self.restore(),
            _ => {}
        }
    }

    fn up(&mut self, count: usize) {
        let limit = if self.y >= self.top { self.top } else { 0 };
        self.go(self.x, self.y.saturating_sub(count).max(limit));
    }

    fn down(&mut self, count: usize) {
        let limit = if self.y <= self.bottom { self.bottom } else { self.rows - 1 };
        self.go(self.x, (self.y + count).min(limit));
    }

    /// Rows count from the margin in origin mode.
    pub(super) fn address(&mut self, x: usize, y: usize) {
        if self.modes.is_on(6) {
            self.go(x, (self.top + y).min(self.bottom));
        } else {
            self.go(x, y);
        }
    }

    fn tab_forward(&mut self, count: usize) {
        let (x, y) = (self.x, self.y);
        let mut stops = (x + 1..self.columns).filter(|column| self.tabs[*column]);
        let to = stops.nth(count - 1).unwrap_or(self.columns - 1);
        // Where the next character wraps around, a tabulator changes nothing.
        if x < self.columns {
            self.go(to, y);
        }
    }

    fn tab_backward(&mut self, count: usize) {
        let (x, y) = (self.x.min(self.columns - 1), self.y);
        let mut stops = (0..x).rev().filter(|column| self.tabs[*column]);
        let to = stops.nth(count - 1).unwrap_or(0);
        self.go(to, y);
    }

    fn erase_display(&mut self, what: u16) {
        let (y, columns) = (self.y, self.columns);
        self.last = None;
        match what {
            0 => {
                self.erase_in_row(self.x.min(columns)..columns);
                self.blank(y + 1..self.rows);
            }
            1 => {
                self.erase_in_row(0..(self.x + 1).min(columns));
                self.blank(0..y);
            }
            2 => self.blank(0..self.rows),
            _ => {}
        }
    }

    fn erase_line(&mut self, what: u16) {
        let columns = self.columns;
        self.last = None;
        match what {
            0 => self.erase_in_row(self.x.min(columns)..columns),
            1 => self.erase_in_row(0..(self.x + 1).min(columns)),
            2 => self.erase_in_row(0..columns),
            _ => {}
        }
    }

    fn edit_row(&mut self, csi: &Csi, last: u8) {
        let (x, y) = (self.x.min(self.columns - 1), self.y);
        self.go(x, y);
        let (columns, pen, count) = (self.columns, self.pen.erased(), csi.count(0));
        let row = self.row(y);
        match last {
            b'@' => row.insert(x, count, columns, pen),
            b'P' => row.delete(x, count, columns, pen),
            _ => row.erase(x..(x + count).min(columns), pen),
        }
    }

    fn scroll(&mut self, csi: &Csi, last: u8) {
        let (count, region) = (csi.count(0), self.top..self.bottom + 1);
        self.last = None;
        match last {
            b'S' => self.scroll_up(region, count),
            b'T' => self.scroll_down(region, count),
            // Lines are inserted and deleted at the cursor, where that is in the region.
            _ if !region.contains(&self.y) => {}
            b'L' => {
                self.scroll_down(self.y..region.end, count);
                self.x = 0;
            }
            _ => {
                self.scroll_up(self.y..region.end, count);
                self.x = 0;
            }
        }
    }

    fn repeat(&mut self, count: usize) {
        if let Some(character) = self.repeated {
            // No more than fills the screen: the rest would look the same.
            for _ in 0..count.min(self.columns * self.rows) {
                self.put(character);
            }
        }
    }

    fn margins(&mut self, csi: &Csi) {
        let top = csi.count(0) - 1;
        let bottom = match usize::from(csi.value(1)) {
            0 => self.rows,
            bottom => bottom.min(self.rows),
        };
        if bottom > top + 1 {
            (self.top, self.bottom) = (top, bottom - 1);
            self.address(0, 0);
        }
    }

    fn ansi_modes(&mut self, csi: &Csi, to: Switch) {
        for mode in csi.parameters() {
            match mode.value {
                4 => self.modes.insert = to == Switch::On,
                20 => self.modes.new_line = to == Switch::On,
                _ => {}
            }
        }
    }
}
