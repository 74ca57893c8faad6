//! The states that a viewer's end of a session has.

/// Bytes that passed.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::session) struct Traffic {
    pub(in crate::session) input: u64,
    pub(in crate::session) output: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Opening,
    Opened,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    Done,
    Due,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ping {
    Sent,
    Due,
}
