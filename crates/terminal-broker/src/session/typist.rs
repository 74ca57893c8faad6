//! How far a viewer that may come again is with its input, by what its caller says, and how far the screen takes it to
//! be by what it was told. Pure. What the screen is not to have is missing between the two.

use screen_wire::{Join, Joined};

use crate::exec::TypedSoFar;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Typist {
    is_at: TypedSoFar,
    told: TypedSoFar,
}

/// A viewer has never typed less than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the viewer is said to be further back than it was")]
pub(super) struct WentBack;

impl Typist {
    /// Of a viewer that said `asked`, as which the screen was told `passed`, and answered.
    pub(super) fn new(asked: &Join, passed: &Join, joined: Joined) -> Self {
        let at = |interrupts| TypedSoFar { position: joined.typed, interrupts };
        Self { is_at: at(asked.interrupts), told: at(passed.interrupts) }
    }

    /// The viewer typed so many bytes, which are passed on. Returns what the screen is told before.
    pub(super) fn types(&mut self, bytes: usize) -> Option<TypedSoFar> {
        // An interrupt that was pressed in vain stays so.
        let before = TypedSoFar { position: self.is_at.position, ..self.told };
        let missing = before != self.told;
        self.types_in_vain(bytes);
        self.told.position = self.is_at.position;
        missing.then_some(before)
    }

    /// The viewer typed so many bytes, which are not passed on.
    pub(super) fn types_in_vain(&mut self, bytes: usize) {
        self.is_at.position = self.is_at.position.saturating_add(bytes as u64);
    }

    /// The viewer is where its caller says. Returns what the screen is told now: of an interrupt.
    pub(super) fn is_at(&mut self, typed: TypedSoFar) -> Result<Option<TypedSoFar>, WentBack> {
        let former = self.moves(typed)?;
        if typed.interrupts == former.interrupts {
            return Ok(None);
        }
        self.told = typed;
        Ok(Some(typed))
    }

    /// The same, of which nothing is passed on.
    pub(super) fn is_at_in_vain(&mut self, typed: TypedSoFar) -> Result<(), WentBack> {
        self.moves(typed).map(|_| ())
    }

    /// Where the viewer is that interrupts once more.
    pub(super) fn interrupted(&self) -> TypedSoFar {
        let interrupts = self.is_at.interrupts.saturating_add(1);
        TypedSoFar { interrupts, ..self.is_at }
    }

    fn moves(&mut self, typed: TypedSoFar) -> Result<TypedSoFar, WentBack> {
        let former = self.is_at;
        if typed.position < former.position || typed.interrupts < former.interrupts {
            return Err(WentBack);
        }
        self.is_at = typed;
        Ok(former)
    }
}

#[cfg(test)]
mod tests;
