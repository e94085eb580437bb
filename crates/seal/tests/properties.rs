//! Properties: no input makes a parser panic, and no altered bit goes unnoticed.

mod common;

use common::*;
use keepsight_ids::{B32, SegmentKind, SegmentNo};
use keepsight_seal::*;
use keepsight_wire::Signed;
use proptest::prelude::*;

/// Every parser that reads what comes from outside. Whatever it makes of the bytes, it returns.
fn parse_all(bytes: &[u8]) {
    let _ = Entry::parse(bytes);
    let _ = EventHeader::parse(bytes);
    let _ = SealedName::parse(bytes);
    let _ = Card::parse(bytes);
    let _ = Trailer::parse(bytes);
    let _ = SegmentIdentity::of(bytes);
    let code = PairingCode::from_bytes([0; 15]);
    let _ = Offer::open(&code.key(), bytes, &B32([0; 32]));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = text.parse::<PairingCode>();
        let _ = text.parse::<RecoveryCode>();
        let _ = Invitation::parse(text);
        let _ = parse_lookup(text);
    }
}

/// Texts that look like documents: valid ones with pieces cut out, doubled or exchanged.
fn near_documents() -> impl Strategy<Value = Vec<u8>> {
    let mut home = Home::new(1);
    let (header, mut sealer) = home.record();
    let _ = sealer.seal(SegmentKind::Card, SegmentNo(0), b"").unwrap();
    let documents = vec![
        home.chain.head().signed().body.0.clone(),
        header.body.0,
        br#"{"v":1,"counts":{"init":2,"video":6,"audio":6,"thumbnail":1,"preview":1,"card":1}}"#.to_vec(),
    ];
    let piece = prop::sample::select(vec![
        "null",
        "-1",
        "1e999",
        "9999999999999999999999",
        "[]",
        "{}",
        "\"\"",
        "\"epoch\"",
        "[[[[[[[[",
        "\u{0}",
        ",",
        "1.5",
        "\"slt_\"",
        "true",
    ]);
    (prop::sample::select(documents), 0usize..1000, 0usize..40, piece).prop_map(
        |(mut text, at, len, piece)| {
            let at = at % text.len();
            let end = (at + len).min(text.len());
            text.splice(at..end, piece.bytes());
            text
        },
    )
}

proptest! {
    #[test]
    fn parsers_return_for_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse_all(&bytes);
    }

    #[test]
    fn parsers_return_for_any_text(text in ".{0,200}") {
        parse_all(text.as_bytes());
    }

    #[test]
    fn parsers_return_for_what_is_nearly_a_document(text in near_documents()) {
        parse_all(&text);
    }

    #[test]
    fn what_an_altered_chain_says_is_never_believed(entry in 0usize..6, at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut home = Home::new(2);
        let oak = home.join(20, &Slot::member_rights());
        home.remove(oak.slot);
        let mut entries = home.signed();
        let entry = entry % entries.len();
        let (body, signature) = (entries[entry].body.0.len(), entries[entry].signature.0.len());
        let at = at.index(body + signature);
        let altered: &mut Signed = &mut entries[entry];
        match at.checked_sub(body) {
            None => altered.body.0[at] ^= 1 << bit,
            Some(at) => altered.signature.0[at] ^= 1 << bit,
        }
        prop_assert!(Chain::verify(HOME, &entries, None).is_err());
        // Somebody who has seen the home refuses the altered body too, whatever they have seen of it.
        for seen in home.chain.entries() {
            let pin = Pin { seq: seen.entry().seq, hash: seen.hash(), ..home.chain.pin() };
            prop_assert!(Chain::verify(HOME, &entries, Some(&pin)).is_err());
        }
    }

    #[test]
    fn an_altered_header_never_opens(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut home = Home::new(3);
        let secrets = home.secrets();
        let (mut header, _) = home.record();
        let body = header.body.0.len();
        let at = at.index(body + header.signature.0.len());
        match at.checked_sub(body) {
            None => header.body.0[at] ^= 1 << bit,
            Some(at) => header.signature.0[at] ^= 1 << bit,
        }
        let opened = EventHeader::verify(&header, &home.chain, &ASKED).and_then(|header| header.open(&secrets));
        prop_assert!(opened.is_err());
    }

    #[test]
    fn a_segment_opens_as_itself_and_as_nothing_else(
        plain in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0u8..7, number: u32, other_kind in 0u8..7, other: u32,
    ) {
        let mut home = Home::new(4);
        let secrets = home.secrets();
        let (header, mut sealer) = home.record();
        let (kind, number) = (SegmentKind::from_number(kind).unwrap(), SegmentNo(number));
        let sealed = sealer.seal(kind, number, &plain).unwrap();
        let opener = EventHeader::verify(&header, &home.chain, &ASKED).unwrap().open(&secrets).unwrap();
        prop_assert_eq!(opener.open(kind, number, &sealed).unwrap(), plain);
        let (other_kind, other) = (SegmentKind::from_number(other_kind).unwrap(), SegmentNo(other));
        if (other_kind, other) != (kind, number) {
            prop_assert!(opener.open(other_kind, other, &sealed).is_err());
        }
    }

    #[test]
    fn codes_and_links_are_read_as_they_were_written(fifteen: [u8; 15], twenty: [u8; 20], sixteen: [u8; 16], genesis: [u8; 32]) {
        let code = PairingCode::from_bytes(fifteen);
        let read: PairingCode = code.text().to_lowercase().parse().unwrap();
        prop_assert_eq!(read.text(), code.text());
        let lookup = code.lookup();
        prop_assert_eq!(parse_lookup(&lookup).unwrap(), &lookup);
        let recovery = RecoveryCode::from_bytes(twenty);
        let read: RecoveryCode = recovery.text().replace('-', " ").parse().unwrap();
        prop_assert_eq!(read.text(), recovery.text());
        let invitation = Invitation::from_secret(HOME, ELM, B32(genesis), sixteen);
        let read = Invitation::parse(&invitation.link("https://cameras.example")).unwrap();
        prop_assert_eq!((read.token(), read.genesis), (invitation.token(), invitation.genesis));
    }
}

#[test]
fn every_flipped_bit_of_a_segment_is_refused() {
    let mut home = Home::new(5);
    let secrets = home.secrets();
    let (header, mut sealer) = home.record();
    let sealed = sealer.seal(SegmentKind::Video, SegmentNo(7), b"a hall").unwrap();
    let opener = EventHeader::verify(&header, &home.chain, &ASKED).unwrap().open(&secrets).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(opener.open(SegmentKind::Video, SegmentNo(7), &altered).is_err(), "bit {bit}");
    }
}

#[test]
fn every_flipped_bit_of_wrapped_keys_is_refused() {
    let mut rng = Dice(6);
    let account = keepsight_ids::AccountId::from_bytes([1; 16]);
    let (keys, wrap) = (AccountKeys::random(&mut rng), WrapKey::from_bytes([7; 32]));
    let wrapped = keys.wrap(account, &wrap, &mut rng);
    assert_eq!(AccountKeys::unwrap(account, &wrap, &wrapped).unwrap(), keys);
    for bit in 0..wrapped.len() * 8 {
        let mut altered = wrapped.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(AccountKeys::unwrap(account, &wrap, &altered).is_err(), "bit {bit}");
    }
}

#[test]
fn every_slip_of_one_character_in_a_recovery_code_is_noticed() {
    let text = RecoveryCode::random(&mut Dice(7)).text();
    for (at, digit) in text.char_indices().filter(|(_, digit)| *digit != '-') {
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().filter(|other| *other != digit) {
            let mut slipped = text.to_string();
            slipped.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
            match slipped.parse::<RecoveryCode>() {
                // Four characters catch all but one slip in about a million, and this code has none of those.
                Ok(_) => panic!("{slipped} was taken for {}", *text),
                Err(refused) => assert!(matches!(refused, SealError::RecoveryCode(_))),
            }
        }
    }
}
