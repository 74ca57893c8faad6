//! How large a terminal is, and which of its viewers' sizes it has. Pure.

use screen_wire::{MAX_COLUMNS, MAX_ROWS};

use super::typed::ViewerId;

/// In character cells. A viewer chooses it, and programs allocate by it: 65535 × 65535 would end
/// the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    columns: u16,
    rows: u16,
}

impl Size {
    /// `None` without any cells, which is what a hidden page measures; a size too great is cut.
    pub(crate) fn new(columns: u16, rows: u16) -> Option<Self> {
        let size = Self { columns: columns.min(MAX_COLUMNS), rows: rows.min(MAX_ROWS) };
        (columns > 0 && rows > 0).then_some(size)
    }

    pub(crate) fn columns(self) -> u16 {
        self.columns
    }

    pub(crate) fn rows(self) -> u16 {
        self.rows
    }
}

/// The sizes of all who look: the last who typed sets the terminal's. Until somebody types, and where one is alone, the
/// last size that was told does.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    viewers: Vec<(ViewerId, Size)>,
    typist: Option<ViewerId>,
}

/// The size that the terminal is to have from now on, if it changes.
type Change = Option<Size>;

impl Sizes {
    /// One comes, or says that its size is another.
    pub(crate) fn tell(&mut self, id: ViewerId, size: Size) -> Change {
        match self.viewers.iter_mut().find(|(viewer, _)| *viewer == id) {
            Some((_, its)) => *its = size,
            None => self.viewers.push((id, size)),
        }
        let counts = self.viewers.len() == 1 || self.typist.is_none_or(|typist| typist == id);
        counts.then_some(size)
    }

    pub(crate) fn typed(&mut self, id: ViewerId) -> Change {
        if self.typist == Some(id) {
            return None;
        }
        self.typist = Some(id);
        self.of(id)
    }

    pub(crate) fn left(&mut self, id: ViewerId) -> Change {
        self.viewers.retain(|(viewer, _)| *viewer != id);
        self.typist.take_if(|typist| *typist == id);
        match self.viewers[..] {
            [(_, size)] => Some(size),
            _ => None,
        }
    }

    /// Who of those who are here typed last.
    pub(crate) fn typist(&self) -> Option<ViewerId> {
        self.typist
    }

    fn of(&self, id: ViewerId) -> Change {
        self.viewers.iter().find(|(viewer, _)| *viewer == id).map(|(_, size)| *size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ViewerId = ViewerId(1);
    const B: ViewerId = ViewerId(2);

    fn size(columns: u16) -> Size {
        Size::new(columns, 24).unwrap()
    }

    #[test]
    fn the_last_who_types_sets_the_size() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.tell(A, size(80)), Some(size(80)), "alone");
        assert_eq!(sizes.tell(B, size(120)), Some(size(120)), "nobody has typed");
        assert_eq!(sizes.typed(A), Some(size(80)));
        assert_eq!(sizes.typed(A), None, "it has it already");
        assert_eq!(sizes.tell(B, size(130)), None, "another one types");
        assert_eq!(sizes.tell(A, size(90)), Some(size(90)));
        assert_eq!(sizes.typed(B), Some(size(130)));
    }

    #[test]
    fn who_stays_alone_has_its_own_size_again() {
        let mut sizes = Sizes::default();
        sizes.tell(A, size(80));
        sizes.typed(A);
        sizes.tell(B, size(120));
        assert_eq!(sizes.left(A), Some(size(120)));
        assert_eq!(sizes.tell(A, size(81)), Some(size(81)), "nobody that is here has typed");
        assert_eq!((sizes.left(A), sizes.left(B)), (Some(size(120)), None));
    }
}
