//! The bytes of a terminal, cut anywhere, as text, controls and sequences. Pure. It must not know what any of them
//! means, nor keep more of a sequence than [`STRING_BYTES_MAX`].
//!
//! The states are those of Paul Williams' parser (<https://vt100.net/emu/dec_ansi_parser>); where xterm.js differs, it is
//! followed, since a page draws by that.

mod csi;

pub(crate) use csi::{Csi, Parameter};

/// Of a sequence between its introducer and its last byte.
const CSI_BYTES_MAX: usize = 512;
/// Of an OSC or a DCS. What is longer carries a picture or a clipboard, and is nothing that a screen shows.
const STRING_BYTES_MAX: usize = 8 * 1024;
/// An unfinished sequence of no more than this is repeated to who joins in the middle of it.
const REPEATED_BYTES_MAX: u64 = 4 * 1024;

const ESC: u8 = 0x1b;

/// What is done with what was found.
pub(crate) trait Perform {
    /// Printable ASCII; not empty.
    fn ascii(&mut self, run: &[u8]);
    /// A character that is none of ASCII.
    fn character(&mut self, character: char);
    /// A control character of C0.
    fn control(&mut self, byte: u8);
    /// ESC, at most one intermediate byte (0: none) and the last one.
    fn escape(&mut self, intermediate: u8, last: u8);
    fn csi(&mut self, csi: &Csi);
    fn osc(&mut self, data: &[u8]);
    /// All between the introducer and the end.
    fn dcs(&mut self, data: &[u8]);
}

/// How what came so far ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// So many of the last bytes are the start of something; 0 is a clean cut.
    After(u64),
    /// Inside a string that is too long to be repeated: what comes is its rest, if this is put before it.
    Inside(&'static [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    EscapeIntermediate(u8),
    Csi,
    Osc,
    Dcs,
    /// SOS, PM or APC, whose content nobody looks at.
    Ignored,
}

#[derive(Debug)]
pub(crate) struct Sequences {
    state: State,
    /// Of the sequence that is not complete.
    held: Vec<u8>,
    /// It is longer than is kept: it will not be performed.
    overlong: bool,
    /// A character that is not complete.
    partial: Partial,
    /// Bytes since the last clean cut.
    since_ground: u64,
}

/// The start of a character in UTF-8.
#[derive(Clone, Copy, Debug, Default)]
struct Partial {
    bytes: [u8; 4],
    len: usize,
    wanted: usize,
}

impl Default for Sequences {
    fn default() -> Self {
        Self {
            state: State::Ground,
            held: Vec::new(),
            overlong: false,
            partial: Partial::default(),
            since_ground: 0,
        }
    }
}

impl Sequences {
    pub(crate) fn cut(&self) -> Cut {
        if self.since_ground <= REPEATED_BYTES_MAX {
            return Cut::After(self.since_ground);
        }
        match self.state {
            State::Osc => Cut::Inside(b"\x1b]9999999;"),
            State::Dcs => Cut::Inside(b"\x1bPz"),
            State::Ignored => Cut::Inside(b"\x1b_"),
            // A sequence without an end, which no terminal makes anything of.
            _ => Cut::After(0),
        }
    }

    pub(crate) fn feed(&mut self, mut bytes: &[u8], to: &mut impl Perform) {
        while let Some(&first) = bytes.first() {
            if self.state == State::Ground && self.partial.len == 0 {
                let plain = bytes.iter().position(|byte| !matches!(byte, 0x20..=0x7e));
                let run = &bytes[..plain.unwrap_or(bytes.len())];
                if !run.is_empty() {
                    to.ascii(run);
                    bytes = &bytes[run.len()..];
                    continue;
                }
            }
            bytes = &bytes[1..];
            self.since_ground += 1;
            if first < 0x80 {
                self.partial.len = 0;
                self.byte(first, to);
            } else {
                self.part_of_character(first, to);
            }
            if self.state == State::Ground && self.partial.len == 0 {
                self.since_ground = 0;
            }
        }
    }

    fn byte(&mut self, byte: u8, to: &mut impl Perform) {
        match (self.state, byte) {
            (State::Osc | State::Dcs, ESC | 0x18 | 0x1a) => {
                self.end_string(byte, to);
            }
            (State::Osc, 0x07) => self.end_string(byte, to),
            (_, ESC) => self.state = State::Escape,
            (_, 0x18 | 0x1a) => self.state = State::Ground,
            (State::Osc | State::Dcs, _) => self.hold(byte, STRING_BYTES_MAX),
            (State::Ignored, _) | (State::Ground | State::Csi, 0x7f) => {}
            (_, 0x00..=0x1f) => to.control(byte),
            (State::Ground, _) => to.ascii(&[byte]),
            (State::Escape, _) => self.escape(byte, to),
            (State::EscapeIntermediate(intermediate), 0x30..=0x7e) => {
                self.state = State::Ground;
                to.escape(intermediate, byte);
            }
            (State::EscapeIntermediate(_), 0x20..=0x2f) => {
                self.state = State::EscapeIntermediate(byte);
            }
            (State::EscapeIntermediate(_), _) => {}
            (State::Csi, 0x40..=0x7e) => {
                self.state = State::Ground;
                if !self.overlong {
                    to.csi(&Csi::parse(&self.held, byte));
                }
            }
            (State::Csi, _) => self.hold(byte, CSI_BYTES_MAX),
        }
    }

    fn escape(&mut self, byte: u8, to: &mut impl Perform) {
        self.held.clear();
        self.overlong = false;
        self.state = match byte {
            b'[' => State::Csi,
            b']' => State::Osc,
            b'P' => State::Dcs,
            b'X' | b'^' | b'_' => State::Ignored,
            0x20..=0x2f => State::EscapeIntermediate(byte),
            0x7f => return,
            _ => {
                self.state = State::Ground;
                return to.escape(0, byte);
            }
        };
    }

    fn end_string(&mut self, by: u8, to: &mut impl Perform) {
        let (state, cancelled) = (self.state, matches!(by, 0x18 | 0x1a));
        self.state = if by == ESC { State::Escape } else { State::Ground };
        match state {
            _ if cancelled || self.overlong => {}
            State::Osc => to.osc(&self.held),
            _ => to.dcs(&self.held),
        }
    }

    fn hold(&mut self, byte: u8, limit: usize) {
        if self.held.len() < limit {
            self.held.push(byte);
        } else {
            self.overlong = true;
        }
    }

    /// A byte that is none of ASCII. What is no UTF-8 is passed over, as xterm.js does.
    fn part_of_character(&mut self, byte: u8, to: &mut impl Perform) {
        if matches!(self.state, State::Osc | State::Dcs) {
            return self.hold(byte, STRING_BYTES_MAX);
        }
        if self.partial.len == 0 || byte & 0xc0 != 0x80 {
            let wanted = match byte {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => {
                    self.partial.len = 0;
                    return;
                }
            };
            self.partial = Partial { bytes: [byte, 0, 0, 0], len: 1, wanted };
            return;
        }
        self.partial.bytes[self.partial.len] = byte;
        self.partial.len += 1;
        if self.partial.len < self.partial.wanted {
            return;
        }
        let decoded = std::str::from_utf8(&self.partial.bytes[..self.partial.len]);
        let character = decoded.ok().and_then(|text| text.chars().next());
        self.partial.len = 0;
        match (character, self.state) {
            // C1: each is ESC and a letter.
            (Some(c1 @ '\u{80}'..='\u{9f}'), State::Ground) => {
                let letter = u8::try_from(u32::from(c1) - 0x40).unwrap_or(b'\\');
                self.state = State::Escape;
                self.escape(letter, to);
            }
            (Some(character), State::Ground) => to.character(character),
            // Inside a sequence it is nothing.
            (Some(_) | None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests;
