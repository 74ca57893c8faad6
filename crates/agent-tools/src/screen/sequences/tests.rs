use proptest::{collection::vec, prelude::*};

use super::*;

/// What was found, in words.
#[derive(Default)]
struct Log(Vec<String>);

impl Log {
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(last) if last.starts_with('\'') => last.push_str(text),
            _ => self.0.push(format!("'{text}")),
        }
    }
}

impl Perform for Log {
    fn ascii(&mut self, run: &[u8]) {
        self.text(std::str::from_utf8(run).unwrap());
    }
    fn character(&mut self, character: char) {
        self.text(&character.to_string());
    }
    fn control(&mut self, byte: u8) {
        self.0.push(format!("control {byte:#04x}"));
    }
    fn escape(&mut self, intermediate: u8, last: u8) {
        self.0.push(format!("escape {intermediate} {}", char::from(last)));
    }
    fn csi(&mut self, csi: &Csi) {
        let values: Vec<_> = csi
            .parameters()
            .iter()
            .map(|it| format!("{}{}", if it.is_sub { ":" } else { "" }, it.value))
            .collect();
        let Csi { prefix, intermediate, last, .. } = *csi;
        self.0.push(format!("csi {prefix} {values:?} {intermediate} {}", char::from(last)));
    }
    fn osc(&mut self, data: &[u8]) {
        self.0.push(format!("osc {}", String::from_utf8_lossy(data)));
    }
    fn dcs(&mut self, data: &[u8]) {
        self.0.push(format!("dcs {}", String::from_utf8_lossy(data)));
    }
}

fn found(pieces: &[&[u8]]) -> Vec<String> {
    let (mut sequences, mut log) = (Sequences::default(), Log::default());
    for piece in pieces {
        sequences.feed(piece, &mut log);
    }
    log.0
}

#[test]
fn text_controls_and_sequences_are_told_apart() {
    for (bytes, expected) in [
        (&b"a\xc3\xa9\r\n"[..], &["'aé", "control 0x0d", "control 0x0a"][..]),
        (b"\x1b[1;31mx", &["csi 0 [\"1\", \"31\"] 0 m", "'x"]),
        (b"\x1b[?1049h", &["csi 63 [\"1049\"] 0 h"]),
        (b"\x1b[4:3m\x1b[;5H", &["csi 0 [\"4\", \":3\"] 0 m", "csi 0 [\"0\", \"5\"] 0 H"]),
        (b"\x1b[2 q\x1b[?2026$p", &["csi 0 [\"2\"] 32 q", "csi 63 [\"2026\"] 36 p"]),
        (b"\x1b[3\r1C", &["control 0x0d", "csi 0 [\"31\"] 0 C"]),
        (b"\x1b(0\x1b7", &["escape 40 0", "escape 0 7"]),
        (b"\x1b]0;a title\x07.", &["osc 0;a title", "'."]),
        (b"\x1b]11;?\x1b\\.", &["osc 11;?", "escape 0 \\", "'."]),
        (b"\x1bP+q4d73\x1b\\", &["dcs +q4d73", "escape 0 \\"]),
        (b"\x1b_Gi=1;abc\x1b\\.", &["escape 0 \\", "'."]),
        (b"\x1b]0;cancelled\x18.", &["'."]),
        (b"\xc2\x9b5C", &["csi 0 [\"5\"] 0 C"]),
        (b"\xff\xc3a\xe2\x82", &["'a"]),
    ] {
        assert_eq!(found(&[bytes]), expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_is_too_long_is_kept_bounded_and_not_performed() {
    let mut sequences = Sequences::default();
    let mut log = Log::default();
    sequences.feed(b"\x1b]52;c;", &mut log);
    for _ in 0..1000 {
        sequences.feed(&[b'A'; 1000], &mut log);
    }
    assert!(sequences.held.capacity() <= 2 * STRING_BYTES_MAX);
    assert_eq!(sequences.cut(), Cut::Inside(b"\x1b]9999999;"));
    sequences.feed(b"\x07after", &mut log);
    assert_eq!((log.0, sequences.cut()), (vec!["'after".to_owned()], Cut::After(0)));
}

#[test]
fn a_number_beyond_all_bounds_and_too_many_of_them_are_harmless() {
    let many = [b"\x1b[".to_vec(), b"9;".repeat(100), b"99999999999999m.".to_vec()].concat();
    let (mut sequences, mut log) = (Sequences::default(), Log::default());
    sequences.feed(&many, &mut log);
    assert_eq!(log.0.len(), 2);
    assert_eq!(Csi::parse(b"99999999999999", b'C').value(0), u16::MAX);
    assert_eq!(Csi::parse(b"1;2", b'C').count(7), 1);
}

proptest! {
    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut(
        bytes in vec(prop_oneof![
            Just(0x1b_u8), Just(b'['), Just(b']'), Just(b'P'), Just(b'\\'), Just(7), Just(b';'),
            Just(b'm'), Just(0xc3), Just(0xa9), any::<u8>(),
        ], 0..60),
        at in 0_usize..60,
    ) {
        let at = at.min(bytes.len());
        prop_assert_eq!(found(&[&bytes]), found(&[&bytes[..at], &bytes[at..]]));
    }

    /// So who joins may be shown the rest of what was under way.
    #[test]
    fn what_follows_a_cut_means_the_same_to_who_was_not_there_before(
        before in vec(prop_oneof![
            Just(0x1b_u8), Just(b'['), Just(b']'), Just(b'P'), Just(b';'), Just(0xe2), Just(0x82), any::<u8>(),
        ], 0..60),
        after in vec(any::<u8>(), 0..30),
    ) {
        let (mut old, mut old_log) = (Sequences::default(), Log::default());
        old.feed(&before, &mut old_log);
        let Cut::After(bytes) = old.cut() else { unreachable!() };
        old_log = Log::default();
        old.feed(&after, &mut old_log);
        let unfinished = &before[before.len() - usize::try_from(bytes).unwrap()..];
        let (mut new, mut new_log) = (Sequences::default(), Log::default());
        new.feed(unfinished, &mut new_log);
        new_log = Log::default();
        new.feed(&after, &mut new_log);
        prop_assert_eq!(old_log.0, new_log.0);
    }
}
