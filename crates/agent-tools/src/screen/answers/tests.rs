use proptest::{collection::vec, prelude::*};

use super::*;

fn never() -> CursorAnswer {
    CursorAnswer::NotAwaited
}

/// What passes of `input` in pieces that end at `cuts`, without waiting.
fn passed(input: &[u8], cuts: &[usize]) -> (Vec<u8>, usize) {
    let (mut answers, mut typed, mut dropped, mut start) = (Answers::default(), vec![], 0, 0);
    for end in cuts.iter().copied().chain([input.len()]) {
        let end = end.clamp(start, input.len());
        let mut out = answers.take(&input[start..end], never);
        typed.append(&mut out.typed);
        dropped += out.dropped;
        start = end;
    }
    typed.append(&mut answers.give_up().typed);
    (typed, dropped)
}

const ANSWERS: [&str; 20] = [
    "\x1b[?1;2c",
    "\x1b[>0;276;0c",
    "\x1b[?2026;2$y",
    "\x1b[4;2$y",
    "\x1b[0n",
    "\x1b[?997;1n",
    "\x1b[24;80R",
    "\x1b[?24;80R",
    "\x1b[4;640;1280t",
    "\x1b[8;40;120t",
    "\x1b[?0u",
    "\x1b[?2;0;800;600S",
    "\x1bP>|xterm.js(6.0.0)\x1b\\",
    "\x1bP!|00000000\x1b\\",
    "\x1bP1$r0m\x1b\\",
    "\x1bP0+r4d73\x1b\\",
    "\x1b]11;rgb:0b0b/0c0c/0e0e\x1b\\",
    "\x1b]4;1;rgb:ffff/6b6b/6b6b\x07",
    "\x1b]52;c;aGVsbG8=\x1b\\",
    "\x1b_Gi=1;OK\x1b\\",
];

const TYPED: [&str; 26] = [
    "a",
    "日本語",
    "\r",
    "\x03",
    "\x1b",
    "\x1b\x1b",
    "\x1ba",
    "\x1bOA",
    "\x1b[A",
    "\x1b[1;5C",
    "\x1b[3~",
    "\x1b[15;2~",
    "\x1b[97;5u",
    "\x1b[Z",
    "\x1b[H",
    "\x1b[1;2R",
    "\x1b[1;8R",
    "\x1b[[A",
    "\x1b\x1b[A",
    "\x1bP",
    "\x1b]",
    "\x1b_",
    "\x1bPlain",
    "\x1b]no number;",
    "\x1b[<0;10;20M",
    "\x1b[I",
];

#[test]
fn answers_are_dropped_wherever_they_are_cut() {
    for answer in ANSWERS {
        let input = format!("x{answer}y");
        for cut in 0..=input.len() {
            let expected = (b"xy".to_vec(), answer.len());
            assert_eq!(passed(input.as_bytes(), &[cut]), expected, "{answer:?} cut at {cut}");
        }
    }
}

#[test]
fn whatever_is_typed_passes_wherever_it_is_cut() {
    for typed in TYPED {
        let input = format!("x{typed}");
        for cut in 0..=input.len() {
            assert_eq!(passed(input.as_bytes(), &[cut]), (input.clone().into_bytes(), 0));
        }
    }
}

#[test]
fn a_key_that_looks_like_the_cursors_place_is_one_unless_that_was_asked_for() {
    let key = b"\x1b[1;2R";
    let awaited = Answers::default().take(key, || CursorAnswer::Awaited);
    assert_eq!((awaited.typed, awaited.dropped), (vec![], key.len()));
    assert_eq!(Answers::default().take(key, never).typed, key);
}

#[test]
fn what_is_pasted_is_no_answer_whatever_it_looks_like() {
    let pasted = format!("\x1b[200~{}\x1b[201~", ANSWERS.concat());
    for cut in 0..pasted.len() {
        assert_eq!(passed(pasted.as_bytes(), &[cut]), (pasted.clone().into_bytes(), 0));
    }
    let after = format!("{pasted}{}", ANSWERS[0]);
    assert_eq!(passed(after.as_bytes(), &[]).0, pasted.as_bytes());
}

#[test]
fn the_mouse_and_the_focus_are_no_hand_at_the_keyboard() {
    let hand = |input: &[u8]| Answers::default().take(input, never).hand;
    for report in ["\x1b[<35;10;20M", "\x1b[<0;10;20m", "\x1b[I", "\x1b[O", ANSWERS[0]] {
        assert_eq!(hand(report.as_bytes()), Hand::Idle, "{report:?}");
    }
    for typed in ["a", "\x1b[A", "\x1b[200~"] {
        assert_eq!(hand(typed.as_bytes()), Hand::Typed, "{typed:?}");
    }
}

#[test]
fn a_start_that_is_not_gone_on_with_is_waited_for_and_was_typed() {
    let mut answers = Answers::default();
    assert_eq!(answers.take(b"\x1b", never).typed, b"");
    assert_eq!(answers.patience(), Some(UNDECIDED_MAX));
    assert_eq!(answers.give_up().typed, b"\x1b");
    assert_eq!(answers.patience(), None);
    assert_eq!(answers.take(b"[A", never).typed, b"[A");
}

proptest! {
    #[test]
    fn of_a_mixture_all_that_is_typed_passes_and_nothing_else(
        pieces in vec((any::<bool>(), 0_usize..20), 0..12),
        cuts in vec(0_usize..200, 0..6),
    ) {
        let (mut input, mut expected) = (String::new(), String::new());
        for (is_answer, index) in pieces {
            // A start is typed alone, or it is the start of what follows.
            let typed = ["a", "日", "\r", "\x1b[A", "\x1bOA", "\x1b[97;5u"][index % 6];
            input.push_str(if is_answer { ANSWERS[index] } else { typed });
            expected.push_str(if is_answer { "" } else { typed });
        }
        let mut cuts = cuts;
        cuts.sort_unstable();
        let (typed, dropped) = passed(input.as_bytes(), &cuts);
        prop_assert_eq!(typed.len() + dropped, input.len());
        prop_assert_eq!(typed, expected.into_bytes());
    }

    #[test]
    fn no_byte_is_lost_without_being_counted(input in vec(prop_oneof![
        Just(0x1b_u8), Just(b'['), Just(b']'), Just(b'P'), Just(b'_'), Just(b';'), Just(b'R'), any::<u8>(),
    ], 0..80)) {
        let mut answers = Answers::default();
        let out = answers.take(&input, never);
        let held = match answers.state { State::DroppingEscape => 1, _ => answers.held.len() };
        prop_assert_eq!(out.typed.len() + out.dropped + held, input.len());
        prop_assert!(answers.held.len() <= CSI_BYTES_MAX);
    }
}
