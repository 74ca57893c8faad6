use proptest::prelude::*;

use super::*;

fn demo() -> ShareToken {
    let mut bytes = [0; 32];
    for (index, byte) in (0..).zip(bytes.iter_mut()) {
        *byte = index;
    }
    ShareToken::from_bytes(&bytes)
}

const DEMO: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const UID: &str = "7c1b0a52-3f6e-4f0e-9d0b-0f6a3f8f9a11";

// From `printf %s lookupAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 | sha256sum`, and the like.
const LOOKUP: &str = "dae8ef0670e30e05cc3c55e35cc26d0e5ebfd8d3a0294758bc3b57c08b48f91d";
const PROOF: &str = "98de5ce46e21ef6c0e879a5e6e930eebd682398504a4ec090e411b8691dbf8e2";

#[test]
fn a_token_and_its_digests_match_vectors_computed_elsewhere() {
    assert_eq!(demo().expose(), DEMO);
    assert_eq!(demo().lookup().to_string(), LOOKUP);
    assert_eq!(demo().proof(UID).to_string(), PROOF);
}

#[test]
fn debug_output_never_shows_a_token() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "read by Debug only")]
    struct Holder {
        token: Option<ShareToken>,
    }
    let shown = format!("{:?} {:#?}", demo(), Holder { token: Some(demo()) });
    assert!(shown.contains("ShareToken(redacted)"));
    assert!(!shown.contains(DEMO), "{shown}");
}

#[test]
fn only_the_canonical_spelling_is_a_token() {
    assert_eq!(ShareToken::parse(DEMO), Some(demo()));
    let padded = format!("{DEMO}=");
    let spaced = format!(" {DEMO}");
    // The last character carries four bits only; `9` sets one of the other two.
    let stray_bits = format!("{}9", &DEMO[..42]);
    let other_alphabet = format!("+{}", &DEMO[1..]);
    for wrong in ["", "short", &DEMO[..42], &padded, &spaced, &stray_bits, &other_alphabet] {
        assert_eq!(ShareToken::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_proof_holds_for_one_agent_only() {
    assert_ne!(demo().proof(UID), demo().proof("another"));
    assert_ne!(demo().lookup().to_string(), demo().proof("").to_string());
}

#[test]
fn a_digest_is_64_lower_case_digits() {
    assert_eq!(LOOKUP.parse(), Ok(demo().lookup()));
    assert_eq!(LOOKUP.to_uppercase().parse::<TokenLookup>(), Err(DigestError));
    assert_eq!(LOOKUP[1..].parse::<TokenLookup>(), Err(DigestError));
    assert_eq!(format!("{:?}", demo().lookup()), format!("TokenLookup({LOOKUP})"));
}

proptest! {
    #[test]
    fn every_token_reads_back(bytes: [u8; 32]) {
        let token = ShareToken::from_bytes(&bytes);
        prop_assert_eq!(token.expose().len(), 43);
        prop_assert_eq!(token.lookup().to_string().parse(), Ok(token.lookup()));
        prop_assert_eq!(ShareToken::parse(token.expose()), Some(token));
    }
}
