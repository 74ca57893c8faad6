//! The keys that are meant for this program, in what a terminal sends. Pure. It must not change what is sent.
//!
//! A program may ask the terminal to send keys as sequences: of the kitty protocol (`CSI 93 ; 5 u`), or of xterm's
//! modifyOtherKeys (`CSI 27 ; 5 ; 93 ~`). What is pasted is no key.

/// Ctrl-], by which telnet and `virsh console` are left.
const DETACH: Key = Key { byte: 0x1d, code: b']' as u32 };
/// Of one who may only look, and so has nobody else to send it to.
const INTERRUPT: Key = Key { byte: 0x03, code: b'c' as u32 };
/// No sequence that matters has more parameters, in bytes.
const PARAMETER_BYTES_MAX: usize = 32;
/// The bits of modifiers, of which a terminal sends the sum and 1.
const CTRL: u32 = 4;
const CAPS_AND_NUM_LOCK: u32 = 64 | 128;
/// What a terminal sends when a key is let go, as the second part of the modifiers.
const RELEASED: u32 = 3;

struct Key {
    /// Without any protocol.
    byte: u8,
    /// The character of the key without Ctrl.
    code: u32,
}

/// Reads one chunk after the other; a sequence may be cut anywhere.
#[derive(Debug)]
pub(super) struct Keys {
    leaves: Leaves,
    state: State,
    parameters: Vec<u8>,
    paste: Paste,
}

/// Which keys leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    Detach,
    DetachOrInterrupt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    /// After `ESC [`.
    Sequence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paste {
    None,
    Begun,
}

impl Keys {
    pub(super) fn new(leaves: Leaves) -> Self {
        Self { leaves, state: State::Ground, parameters: vec![], paste: Paste::None }
    }

    /// What of `chunk` comes before a key that leaves; `None` where there is no such key.
    pub(super) fn before_leaving<'a>(&mut self, chunk: &'a [u8]) -> Option<&'a [u8]> {
        let mut start = 0;
        for (index, &byte) in chunk.iter().enumerate() {
            if self.state == State::Ground {
                start = index;
            }
            if self.leaves_by(byte) {
                return Some(&chunk[..start]);
            }
        }
        None
    }

    fn leaves_by(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            (_, 0x1b) => self.state = State::Escape,
            (State::Escape, b'[') => {
                self.state = State::Sequence;
                self.parameters.clear();
            }
            (State::Sequence, 0x20..=0x3f) => {
                if self.parameters.len() < PARAMETER_BYTES_MAX {
                    self.parameters.push(byte);
                }
            }
            (State::Sequence, 0x40..=0x7e) => {
                self.state = State::Ground;
                return self.leaves_by_sequence(byte);
            }
            _ => {
                self.state = State::Ground;
                return self.leaves_by_key(|key| key.byte == byte);
            }
        }
        false
    }

    fn leaves_by_sequence(&mut self, last: u8) -> bool {
        let text = std::str::from_utf8(&self.parameters).unwrap_or_default();
        let fields = text.split(';').map(|field| field.split(':').map(number).collect());
        let fields: Vec<Vec<Option<u32>>> = fields.collect();
        let field = |index: usize| fields.get(index).map(Vec::as_slice).unwrap_or_default();
        let (key, modifiers) = match (last, field(0)) {
            (b'~', [Some(200)]) => {
                self.paste = Paste::Begun;
                return false;
            }
            (b'~', [Some(201)]) => {
                self.paste = Paste::None;
                return false;
            }
            (b'~', [Some(27)]) => (field(2), field(1)),
            (b'u', key) => (key, field(1)),
            _ => return false,
        };
        let [Some(pressed), event @ ..] = modifiers else { return false };
        let released = event.first() == Some(&Some(RELEASED));
        let ctrl = pressed.saturating_sub(1) & !CAPS_AND_NUM_LOCK == CTRL;
        // The key as it is, and by its place on a keyboard of the United States; between the two it is shifted.
        let is_on = |code: u32| key.iter().step_by(2).any(|one| *one == Some(code));
        ctrl && !released && self.leaves_by_key(|key| is_on(key.code))
    }

    fn leaves_by_key(&self, is: impl Fn(&Key) -> bool) -> bool {
        let leaves = match self.leaves {
            Leaves::Detach => is(&DETACH),
            Leaves::DetachOrInterrupt => is(&DETACH) || is(&INTERRUPT),
        };
        leaves && self.paste == Paste::None
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(leaves: Leaves, chunk: &[u8]) -> Option<&[u8]> {
        Keys::new(leaves).before_leaving(chunk)
    }

    #[test]
    fn the_key_leaves_in_every_form_in_which_a_terminal_sends_it() {
        let forms: [&[u8]; 8] = [
            b"ls\x1d",
            b"ls\x1d and more",
            b"ls\x1b[93;5u",
            b"ls\x1b[93;5:1u",
            b"ls\x1b[93;69u",
            b"ls\x1b[93:125;133u",
            b"ls\x1b[43::93;5u",
            b"ls\x1b[27;5;93~",
        ];
        for chunk in forms {
            let shown = chunk.escape_ascii();
            assert_eq!(before(Leaves::Detach, chunk), Some(&b"ls"[..]), "{shown}");
        }
    }

    #[test]
    fn what_is_no_such_key_passes() {
        let others: [&[u8]; 9] = [
            b"]",
            b"\x1b]",
            b"\x1b[93u",
            b"\x1b[93;5:3u",
            b"\x1b[93;6u",
            b"\x1b[92;5u",
            b"\x1b[1;5A",
            b"\x1b[200~a\x1db\x1b[201~",
            b"\x03\x1b[99;5u",
        ];
        for chunk in others {
            assert_eq!(before(Leaves::Detach, chunk), None, "{}", chunk.escape_ascii());
        }
    }

    #[test]
    fn who_only_looks_leaves_by_ctrl_c_as_well() {
        for chunk in [&b"\x03"[..], b"\x1b[99;5u", b"\x1b[27;5;99~", b"\x1d"] {
            assert_eq!(before(Leaves::DetachOrInterrupt, chunk), Some(&b""[..]));
        }
    }

    #[test]
    fn a_sequence_may_be_cut_anywhere() {
        let chunk = b"\x1b[200~\x1d\x1b[201~ls\x1b[93;5u";
        for cut in 0..chunk.len() {
            let mut keys = Keys::new(Leaves::Detach);
            assert_eq!(keys.before_leaving(&chunk[..cut]), None, "{cut}");
            assert!(keys.before_leaving(&chunk[cut..]).is_some(), "{cut}");
        }
    }

    #[test]
    fn a_sequence_without_an_end_holds_no_memory() {
        let mut keys = Keys::new(Leaves::Detach);
        assert_eq!(keys.before_leaving(&[b"\x1b[".to_vec(), vec![b'1'; 10_000]].concat()), None);
        assert!(keys.parameters.len() <= PARAMETER_BYTES_MAX);
    }
}
