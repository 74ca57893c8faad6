//! What a viewer types, without what its terminal answers to the program's questions: the holder answers those, once
//! for all. Pure. What is typed is never dropped: what could be either passes, unless an answer is waited for.
//!
//! An answer may come in pieces, so the start of one is held back until it is known what it is; the caller sees to it
//! that this is not for long, since the Escape key is such a start.

use std::time::Duration;

/// No answer of a control sequence is longer.
const CSI_BYTES_MAX: usize = 64;

/// Pieces of one answer come at once. So much later is the Escape key the program's, too.
const UNDECIDED_MAX: Duration = Duration::from_millis(25);
/// What begins as an answer and does not end was none to begin with, or its viewer is gone.
const UNFINISHED_MAX: Duration = Duration::from_secs(1);

const ESC: u8 = 0x1b;
const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

/// How answers begin that are strings: DA3 and XTVERSION, DECRQSS, XTGETTCAP; colours; kitty's graphics.
const STRINGS: [&[u8]; 7] =
    [b"\x1bP!|", b"\x1bP>|", b"\x1bP0$r", b"\x1bP1$r", b"\x1bP0+r", b"\x1bP1+r", b"\x1b_G"];
/// OSC 4, 5, 10 to 19, 52, 66, 99 and 1337 have answers, each with a number and a semicolon.
const OSC_DIGITS_MAX: usize = 4;

/// What became of a piece.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filtered {
    /// What the program gets.
    pub(crate) typed: Vec<u8>,
    /// Bytes that it does not get.
    pub(crate) dropped: usize,
    /// Whether somebody typed: reports of mouse and focus come without a hand on the keyboard.
    pub(crate) hand: Hand,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hand {
    #[default]
    Idle,
    Typed,
}

/// Whether the answer to where the cursor is may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorAnswer {
    Awaited,
    NotAwaited,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    /// A start of something, in `held`.
    Undecided,
    /// Inside an answer that is a string.
    Dropping,
    /// In the answer, after an ESC.
    DroppingEscape,
    /// Between the marks of a bracketed paste, of whose end so many bytes were seen.
    Pasted(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Answers {
    state: State,
    held: Vec<u8>,
}

/// What `held` is.
enum Verdict {
    /// It depends on what comes.
    Undecided,
    Typed,
    /// Of the mouse, or of the focus.
    Reported,
    Answer,
    /// It goes on to the end of the string.
    String,
    Paste,
}

impl Answers {
    /// How long to wait for more before [`Answers::give_up`], where something is held back or an answer has begun.
    pub(crate) fn patience(&self) -> Option<Duration> {
        match self.state {
            State::Plain | State::Pasted(_) => None,
            State::Undecided => Some(UNDECIDED_MAX),
            State::Dropping | State::DroppingEscape => Some(UNFINISHED_MAX),
        }
    }

    /// Takes the next piece. `cursor` is asked whether the answer to where the cursor is may still come, and told that
    /// it did by being asked.
    pub(crate) fn take(
        &mut self,
        piece: &[u8],
        mut cursor: impl FnMut() -> CursorAnswer,
    ) -> Filtered {
        let mut out = Filtered::default();
        for byte in piece {
            self.byte(*byte, &mut out, &mut cursor);
        }
        out
    }

    /// It has been waited long enough: what is held back was typed.
    pub(crate) fn give_up(&mut self) -> Filtered {
        let mut out = Filtered::default();
        if self.state == State::Undecided {
            self.release(&mut out, Hand::Typed);
        }
        self.state = State::Plain;
        out
    }

    fn byte(&mut self, byte: u8, out: &mut Filtered, cursor: &mut impl FnMut() -> CursorAnswer) {
        match self.state {
            State::Plain if byte == ESC => {
                self.held.push(byte);
                self.state = State::Undecided;
            }
            State::Plain => {
                out.typed.push(byte);
                out.hand = Hand::Typed;
            }
            State::Pasted(seen) => {
                out.typed.push(byte);
                out.hand = Hand::Typed;
                let seen = match byte {
                    _ if byte == PASTE_END[seen] => seen + 1,
                    ESC => 1,
                    _ => 0,
                };
                self.state =
                    if seen == PASTE_END.len() { State::Plain } else { State::Pasted(seen) };
            }
            State::Dropping | State::DroppingEscape => self.in_string(byte, out, cursor),
            State::Undecided if byte == ESC => {
                self.release(out, Hand::Typed);
                self.held.push(byte);
                self.state = State::Undecided;
            }
            State::Undecided => {
                self.held.push(byte);
                self.decide(out, cursor);
            }
        }
    }

    fn in_string(
        &mut self,
        byte: u8,
        out: &mut Filtered,
        cursor: &mut impl FnMut() -> CursorAnswer,
    ) {
        match (self.state, byte) {
            (State::DroppingEscape, b'\\') => {
                out.dropped += 2;
                self.state = State::Plain;
            }
            (State::DroppingEscape, _) => {
                // Not the end of the string, but the start of something else.
                self.state = State::Undecided;
                self.held.push(ESC);
                self.byte(byte, out, cursor);
            }
            (_, ESC) => self.state = State::DroppingEscape,
            (_, byte) => {
                out.dropped += 1;
                if matches!(byte, 0x07 | 0x18 | 0x1a) {
                    self.state = State::Plain;
                }
            }
        }
    }

    fn decide(&mut self, out: &mut Filtered, cursor: &mut impl FnMut() -> CursorAnswer) {
        let verdict = match self.held[..] {
            [ESC, b'[', ..] => sequence(&self.held, cursor),
            [ESC, b']', ref rest @ ..] => osc(rest),
            _ => string(&self.held),
        };
        match verdict {
            Verdict::Undecided => {}
            Verdict::Typed => self.release(out, Hand::Typed),
            Verdict::Reported => self.release(out, Hand::Idle),
            Verdict::Paste => {
                self.release(out, Hand::Typed);
                self.state = State::Pasted(0);
            }
            Verdict::Answer => {
                out.dropped += self.held.len();
                self.held.clear();
                self.state = State::Plain;
            }
            Verdict::String => {
                out.dropped += self.held.len();
                self.held.clear();
                self.state = State::Dropping;
            }
        }
    }

    fn release(&mut self, out: &mut Filtered, hand: Hand) {
        out.typed.append(&mut self.held);
        if hand == Hand::Typed {
            out.hand = hand;
        }
        self.state = State::Plain;
    }
}

fn string(held: &[u8]) -> Verdict {
    if STRINGS.contains(&held) {
        Verdict::String
    } else if STRINGS.iter().any(|start| start.starts_with(held)) {
        Verdict::Undecided
    } else {
        Verdict::Typed
    }
}

fn osc(rest: &[u8]) -> Verdict {
    match rest.split_last() {
        None => Verdict::Undecided,
        Some((b';', digits)) if !digits.is_empty() => Verdict::String,
        Some((b'0'..=b'9', digits)) if digits.len() < OSC_DIGITS_MAX => Verdict::Undecided,
        Some(_) => Verdict::Typed,
    }
}

fn sequence(held: &[u8], cursor: &mut impl FnMut() -> CursorAnswer) -> Verdict {
    let Some((last, start)) = held.split_last() else { return Verdict::Undecided };
    if held.len() == 2 {
        return Verdict::Undecided;
    }
    let body = &start[2..];
    match last {
        // Linux' console says F1 to F5 by `ESC [ [ A` and on.
        b'[' if body.is_empty() => Verdict::Typed,
        0x20..=0x3f if held.len() < CSI_BYTES_MAX => Verdict::Undecided,
        b'~' if held == PASTE_START => Verdict::Paste,
        b'I' | b'O' if body.is_empty() => Verdict::Reported,
        b'M' | b'm' if body.first() == Some(&b'<') => Verdict::Reported,
        b'R' if is_pair(body) || body.first() == Some(&b'?') => position(body, cursor),
        _ if is_answer(body, *last) => Verdict::Answer,
        _ => Verdict::Typed,
    }
}

/// Device attributes, modes, status, sizes of the window, kitty's keyboard, graphics, parameters.
fn is_answer(body: &[u8], last: u8) -> bool {
    let (first, is_mode) = (body.first(), body.last() == Some(&b'$'));
    match last {
        b'c' => matches!(first, Some(b'?' | b'>')),
        b'y' => is_mode,
        b'n' | b'x' => matches!(first, Some(b'?' | b'0'..=b'9')),
        b't' => matches!(first, Some(b'0'..=b'9')),
        b'u' | b'S' => first == Some(&b'?'),
        _ => false,
    }
}

/// `row;column`.
fn is_pair(body: &[u8]) -> bool {
    let mut parts = body.split(|byte| *byte == b';');
    let is_number = |part: Option<&[u8]>| {
        part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
    };
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
}

/// Where the cursor is, or F3 with Shift, Alt or Ctrl, which is `1;2` to `1;8`.
fn position(body: &[u8], cursor: &mut impl FnMut() -> CursorAnswer) -> Verdict {
    let awaited = cursor() == CursorAnswer::Awaited;
    let is_key = matches!(body, [b'1', b';', b'2'..=b'8']);
    if is_key && !awaited { Verdict::Typed } else { Verdict::Answer }
}

#[cfg(test)]
mod tests;
