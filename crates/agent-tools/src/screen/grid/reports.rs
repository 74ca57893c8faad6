//! The program's questions to its terminal, answered as xterm.js answers them, so that of many viewers none has to. Pure.
//!
//! What xterm.js does not answer (kitty's keyboard, graphics and notifications, iTerm's, OSC 52) is not answered here.

use super::{ANSWERS_BYTES_MAX, Terminal, colors::Name};
use crate::screen::sequences::Csi;

/// A cell in pixels: no two viewers' are the same, and programs scale pictures by it, which no page shows.
const CELL_WIDTH: usize = 8;
const CELL_HEIGHT: usize = 16;

impl Terminal {
    /// Answers `csi` if it is a question.
    pub(super) fn report(&mut self, csi: &Csi) -> bool {
        match (csi.prefix, csi.intermediate, csi.last) {
            (0, 0, b'c') if csi.value(0) == 0 => self.answer("\x1b[?1;2c"),
            (b'>', 0, b'c') if csi.value(0) == 0 => self.answer("\x1b[>0;276;0c"),
            (b'>', 0, b'q') if csi.value(0) == 0 => self.answer("\x1bP>|xterm.js(6.0.0)\x1b\\"),
            (0, 0, b'n') => self.status(csi.value(0), ""),
            (b'?', 0, b'n') => self.status(csi.value(0), "?"),
            (0, b'$', b'p') => {
                let state = match csi.value(0) {
                    4 => 2 - u8::from(self.modes.insert),
                    20 => 2 - u8::from(self.modes.new_line),
                    _ => 0,
                };
                self.answer(&format!("\x1b[{};{state}$y", csi.value(0)));
            }
            (b'?', b'$', b'p') => self.private_mode(csi.value(0)),
            (0, 0, b't') => return self.sizes(csi.value(0)),
            _ => return false,
        }
        true
    }

    fn status(&mut self, what: u16, prefix: &str) {
        match (what, prefix) {
            (5, "") => self.answer("\x1b[0n"),
            (6, _) => {
                self.cursor_questions += 1;
                let (row, column) = (self.y + 1, (self.x + 1).min(self.columns));
                self.answer(&format!("\x1b[{prefix}{row};{column}R"));
            }
            // The page is dark.
            (996, "?") => self.answer("\x1b[?997;1n"),
            _ => {}
        }
    }

    fn private_mode(&mut self, mode: u16) {
        let state = match mode {
            47 | 1047 | 1049 => 2 - u8::from(self.shown == super::Shown::Alternate),
            _ => self.modes.report(mode),
        };
        self.answer(&format!("\x1b[?{mode};{state}$y"));
    }

    fn sizes(&mut self, what: u16) -> bool {
        let (columns, rows) = (self.columns, self.rows);
        let answer = match what {
            14 => format!("\x1b[4;{};{}t", rows * CELL_HEIGHT, columns * CELL_WIDTH),
            16 => format!("\x1b[6;{CELL_HEIGHT};{CELL_WIDTH}t"),
            18 => format!("\x1b[8;{rows};{columns}t"),
            _ => return false,
        };
        self.answer(&answer);
        true
    }

    pub(super) fn answer_color(&mut self, name: Name) {
        let [red, green, blue] = self.colors.get(name);
        let number = match name {
            Name::Palette(index) => format!("4;{index}"),
            Name::Foreground => "10".to_owned(),
            Name::Background => "11".to_owned(),
            Name::Cursor => "12".to_owned(),
        };
        let color = format!("rgb:{red:02x}{red:02x}/{green:02x}{green:02x}/{blue:02x}{blue:02x}");
        self.answer(&format!("\x1b]{number};{color}\x1b\\"));
    }

    /// DECRQSS and XTGETTCAP.
    pub(super) fn answer_dcs(&mut self, data: &[u8]) {
        if let Some(names) = data.strip_prefix(b"+q") {
            // Of the capabilities that are asked for by name we have none.
            let names = String::from_utf8_lossy(names);
            if names.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b';') {
                self.answer(&format!("\x1bP0+r{names}\x1b\\"));
            }
            return;
        }
        let Some(setting) = data.strip_prefix(b"$q") else { return };
        let value = match setting {
            b"m" => "0m".to_owned(),
            b"r" => format!("{};{}r", self.top + 1, self.bottom + 1),
            b" q" => format!("{} q", self.cursor_style),
            b"\"q" => "0\"q".to_owned(),
            b"\"p" => "61;1\"p".to_owned(),
            _ => return self.answer("\x1bP0$r\x1b\\"),
        };
        self.answer(&format!("\x1bP1$r{value}\x1b\\"));
    }

    /// A program that asks and never reads gets no more than there is room for.
    fn answer(&mut self, text: &str) {
        if self.answers.len() + text.len() <= ANSWERS_BYTES_MAX {
            self.answers.extend_from_slice(text.as_bytes());
        }
    }
}
