//! Account names: what is a name, and when two are the same.

use unicode_normalization::UnicodeNormalization;

use crate::edge::fault::{Fault, Outcome};

/// A name as its person writes it, and in the form that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) shown: String,
    pub(crate) key: String,
}

impl Name {
    /// 1 to 64 characters, none of them invisible; compared without regard to case and compatible forms (NFKC).
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let shown: String = text.trim().nfc().collect();
        let count = shown.chars().count();
        if !(1..=64).contains(&count) {
            return Err(Fault::bad_request("name: a name has 1 to 64 characters"));
        }
        if shown.chars().any(is_invisible) {
            return Err(Fault::bad_request("name: a name has no control or invisible characters"));
        }
        Ok(Self { key: key(&shown), shown })
    }
}

/// The form that is compared. Lower-casing can undo a normal form, and the other way round, so both are done until it rests.
pub(crate) fn key(text: &str) -> String {
    let step = |text: &str| text.nfkc().collect::<String>().to_lowercase();
    let mut now = step(text.trim());
    for _ in 0..4 {
        let next = step(&now);
        if next == now {
            break;
        }
        now = next;
    }
    now.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_look_alike_by_case_or_form_are_one() {
        for (one, other) in
            [("Elm", "elm"), ("ｅｌｍ", "elm"), ("e\u{301}", "É"), ("12 Elm  Street", "12 elm street")]
        {
            assert_eq!(key(one), key(other));
        }
    }

    #[test]
    fn empty_long_and_invisible_names_are_refused() {
        for bad in ["", "  ", "elm\u{200b}", "el\nm", "\u{202e}mle", &"x".repeat(65)] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Name::parse(" 12 Elm Street ").unwrap().shown, "12 Elm Street");
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in ".{0,40}") {
            prop_assert_eq!(key(&key(&text)), key(&text));
        }
    }
}
