//! The modes of a terminal that can be set, reset and asked for. Pure.

/// Private modes (`CSI ? n h`) that are kept by their number alone: what a page does with them is the page's affair.
const KEPT: [(u16, Initially); 22] = [
    (1, Initially::Reset),  // application cursor keys
    (5, Initially::Reset),  // reverse video
    (6, Initially::Reset),  // origin
    (7, Initially::Set),    // wrap around
    (9, Initially::Reset),  // X10 mouse
    (12, Initially::Reset), // the cursor blinks
    (25, Initially::Set),   // the cursor is shown
    (45, Initially::Reset), // backspace wraps around
    (66, Initially::Reset), // application keypad
    (1000, Initially::Reset),
    (1002, Initially::Reset),
    (1003, Initially::Reset),
    (1004, Initially::Reset), // focus
    (1006, Initially::Reset), // mouse as SGR
    (1016, Initially::Reset), // mouse in pixels
    (2004, Initially::Reset), // bracketed paste
    (2026, Initially::Reset), // synchronized output
    (2027, Initially::Reset), // grapheme clusters
    (2031, Initially::Reset), // a change of colours is reported
    (1015, Initially::Reset),
    (1005, Initially::Reset),
    (1007, Initially::Reset),
];
/// Of these one at most is set.
const MOUSE: [u16; 4] = [9, 1000, 1002, 1003];
const MOUSE_ENCODING: [u16; 4] = [1005, 1006, 1015, 1016];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Initially {
    Set,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    On,
    Off,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Modes {
    /// In the order of [`KEPT`].
    on: [bool; KEPT.len()],
    /// IRM, `CSI 4 h`.
    pub(super) insert: bool,
    /// LNM, `CSI 20 h`.
    pub(super) new_line: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            on: KEPT.map(|(_, initially)| initially == Initially::Set),
            insert: false,
            new_line: false,
        }
    }
}

impl Modes {
    pub(super) fn is_on(&self, mode: u16) -> bool {
        place(mode).is_some_and(|place| self.on[place])
    }

    pub(super) fn switch(&mut self, mode: u16, to: Switch) {
        let Some(place) = place(mode) else { return };
        for group in [MOUSE, MOUSE_ENCODING] {
            if group.contains(&mode) {
                for other in group {
                    self.put(other, false);
                }
            }
        }
        self.on[place] = to == Switch::On;
    }

    fn put(&mut self, mode: u16, on: bool) {
        if let Some(place) = place(mode) {
            self.on[place] = on;
        }
    }

    /// What DECRQM answers: 1 set, 2 reset, 0 not known.
    pub(super) fn report(&self, mode: u16) -> u8 {
        match place(mode) {
            Some(place) if self.on[place] => 1,
            Some(_) => 2,
            None => 0,
        }
    }

    /// Those that are not as a terminal has them at first.
    pub(super) fn changed(&self) -> impl Iterator<Item = (u16, Switch)> {
        KEPT.iter().zip(self.on).filter_map(|((mode, initially), on)| {
            let changed = on != (*initially == Initially::Set);
            changed.then_some((*mode, if on { Switch::On } else { Switch::Off }))
        })
    }
}

fn place(mode: u16) -> Option<usize> {
    KEPT.iter().position(|(kept, _)| *kept == mode)
}
