use screen_wire::Viewer;

use super::*;

const JOINED: Joined = Joined { terminal: 7, typed: 5 };

fn join(interrupts: u32) -> Join {
    Join { interrupts, ..Join::new(Viewer::from_bytes([1; 16])) }
}

fn typist(interrupts: u32) -> Typist {
    Typist::new(&join(interrupts), &join(interrupts), JOINED)
}

fn at(position: u64, interrupts: u32) -> TypedSoFar {
    TypedSoFar { position, interrupts }
}

#[test]
fn while_nothing_is_missing_the_screen_counts_by_itself() {
    let mut typist = typist(2);
    assert_eq!(typist.types(3), None);
    assert_eq!(typist.is_at(at(8, 2)), Ok(None));
    assert_eq!(typist.types(1), None);
}

#[test]
fn what_is_missing_is_told_once_and_before_the_next_input() {
    let mut typist = typist(2);
    typist.types_in_vain(3);
    assert_eq!(typist.is_at(at(10, 2)), Ok(None));
    assert_eq!(typist.types(1), Some(at(10, 2)));
    assert_eq!(typist.types(1), None);
}

#[test]
fn an_interrupt_is_told_at_once_and_one_in_vain_never() {
    let mut typist = typist(2);
    assert_eq!(typist.is_at(at(6, 3)), Ok(Some(at(6, 3))));
    assert_eq!(typist.types(1), None, "where it was, the screen knows by that");
    assert_eq!(typist.is_at_in_vain(at(9, 4)), Ok(()));
    assert_eq!(typist.types(1), Some(at(9, 3)));
    assert_eq!(typist.interrupted(), at(10, 5));
    assert_eq!(typist.is_at(typist.interrupted()), Ok(Some(at(10, 5))));
}

#[test]
fn who_joined_as_one_that_only_looks_is_to_the_screen_one_that_never_interrupted() {
    let mut typist = Typist::new(&join(2), &join(2).looking(), JOINED);
    typist.types_in_vain(1);
    assert_eq!(typist.types(1), Some(at(6, 0)));
    assert_eq!(typist.is_at(at(7, 2)), Ok(None));
    assert_eq!(typist.is_at(at(7, 3)), Ok(Some(at(7, 3))));
}

#[test]
fn nobody_has_typed_or_interrupted_less_than_before() {
    let mut typist = typist(2);
    for back in [at(4, 2), at(5, 1), at(9, 0)] {
        assert_eq!(typist.is_at(back), Err(WentBack));
        assert_eq!(typist.is_at_in_vain(back), Err(WentBack));
    }
    assert_eq!(typist.types(1), None, "and nothing came of it");
}
