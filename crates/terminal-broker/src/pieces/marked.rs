//! Bytes that wait, and what is said between two of them.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Pieces;

/// Bytes and marks in their order. While there is no mark it is as cheap as [`Pieces`].
#[derive(Debug)]
pub(crate) struct Marked<M> {
    first: Pieces,
    /// Each mark, and the bytes between it and the next one.
    rest: VecDeque<(M, Pieces)>,
}

/// What is to be said next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next<M> {
    Bytes(Bytes),
    Mark(M),
}

impl<M> Marked<M> {
    pub(crate) fn push(&mut self, piece: Bytes) {
        let last = self.rest.back_mut().map_or(&mut self.first, |(_, pieces)| pieces);
        last.push(piece);
    }

    pub(crate) fn mark(&mut self, mark: M) {
        self.rest.push_back((mark, Pieces::default()));
    }

    /// The last mark, unless bytes come after it.
    pub(crate) fn last_mark(&mut self) -> Option<&mut M> {
        let (mark, pieces) = self.rest.back_mut()?;
        pieces.is_empty().then_some(mark)
    }

    pub(crate) fn pop(&mut self) -> Option<Next<M>> {
        if let Some(piece) = self.first.pop() {
            return Some(Next::Bytes(piece));
        }
        let (mark, pieces) = self.rest.pop_front()?;
        self.first = pieces;
        if self.rest.is_empty() {
            // Not kept for its capacity: a session that once was behind would hold it for ever.
            self.rest = VecDeque::new();
        }
        Some(Next::Mark(mark))
    }

    /// Drops everything, and tells how many bytes that were.
    pub(crate) fn clear(&mut self) -> usize {
        let Self { mut first, rest } = std::mem::take(self);
        first.clear() + rest.into_iter().map(|(_, mut pieces)| pieces.clear()).sum::<usize>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.rest.is_empty()
    }
}

impl<M> Default for Marked<M> {
    fn default() -> Self {
        Self { first: Pieces::default(), rest: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Mark,
        Pop,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![(1..20_000_usize).prop_map(Step::Push), Just(Step::Mark), Just(Step::Pop)]
    }

    #[test]
    fn only_a_mark_that_nothing_comes_after_is_the_last() {
        let mut marked = Marked::default();
        assert_eq!(marked.last_mark(), None);
        marked.push("a".into());
        marked.mark(1);
        assert_eq!(marked.last_mark(), Some(&mut 1));
        marked.push("bc".into());
        assert_eq!(marked.last_mark(), None);
        assert_eq!(marked.clear(), 3);
        assert!(marked.is_empty() && marked.pop().is_none());
    }

    proptest! {
        #[test]
        fn each_mark_is_between_the_bytes_that_it_came_between(
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let (mut marked, mut pushed, mut popped) = (Marked::default(), 0, 0);
            let mut check = |next| match next {
                Next::Bytes(bytes) => popped += bytes.len(),
                Next::Mark(at) => assert_eq!(at, popped),
            };
            for step in steps {
                match step {
                    Step::Push(bytes) => {
                        marked.push(vec![b'x'; bytes].into());
                        pushed += bytes;
                    }
                    Step::Mark => marked.mark(pushed),
                    Step::Pop => marked.pop().into_iter().for_each(&mut check),
                }
            }
            while let Some(next) = marked.pop() {
                check(next);
            }
            prop_assert_eq!(popped, pushed);
            prop_assert!(marked.is_empty());
        }
    }
}
