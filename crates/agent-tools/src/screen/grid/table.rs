//! Texts that cells name by a number: clusters of characters, and links. Pure. It holds no more than there is room for.

use std::collections::HashMap;

#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Option<Box<str>>>,
    places: HashMap<Box<str>, usize>,
    free: Vec<usize>,
    max: usize,
}

impl Table {
    pub(super) fn new(max: usize) -> Self {
        Self { slots: Vec::new(), places: HashMap::new(), free: Vec::new(), max }
    }

    pub(super) fn get(&self, place: usize) -> &str {
        self.slots.get(place).and_then(Option::as_deref).unwrap_or_default()
    }

    /// `None` where there is no room.
    pub(super) fn put(&mut self, text: &str) -> Option<usize> {
        if let Some(place) = self.places.get(text) {
            return Some(*place);
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.slots.len() < self.max => {
                self.slots.push(None);
                self.slots.len() - 1
            }
            None => return None,
        };
        self.slots[place] = Some(text.into());
        self.places.insert(text.into(), place);
        Some(place)
    }

    /// Whether the next new text would find no room.
    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty() && self.slots.len() >= self.max
    }

    /// Forgets what is not `used`.
    pub(super) fn retain(&mut self, used: impl Fn(usize) -> bool) {
        for (place, slot) in self.slots.iter_mut().enumerate() {
            if slot.is_some() && !used(place) {
                if let Some(text) = slot.take() {
                    self.places.remove(&text);
                }
                self.free.push(place);
            }
        }
    }
}
