//! A home's life: who can open what, before and after somebody comes or goes.

mod common;

use common::*;
use keepsight_ids::{AccountId, AgentId, B32, EpochNo, SegmentKind, SegmentNo, SlotId, UnixMillis};
use keepsight_seal::*;

fn verified(home: &Home, header: &keepsight_wire::Signed) -> VerifiedHeader {
    EventHeader::verify(header, &home.chain, &ASKED).unwrap()
}

#[test]
fn a_member_sees_what_was_before_them_and_nothing_after_they_were_removed() {
    let mut home = Home::new(1);
    let (before, _) = home.record();
    let oak = home.join(20, &Slot::member_rights());
    let (during, mut sealer) = home.record();
    let sealed = sealer.seal(SegmentKind::Video, SegmentNo(0), b"seen by oak").unwrap();
    let oaks = home.secrets_of(&oak).unwrap();
    verified(&home, &before).open(&oaks).unwrap();
    let opener = verified(&home, &during).open(&oaks).unwrap();
    assert_eq!(opener.open(SegmentKind::Video, SegmentNo(0), &sealed).unwrap(), b"seen by oak");

    home.remove(oak.slot);
    let (after, _) = home.record();
    assert!(matches!(home.secrets_of(&oak), Err(SealError::EpochNotOpen { epoch: EpochNo(2) })));
    // With every key they ever had, and every byte that the server has.
    assert!(matches!(verified(&home, &after).open(&oaks), Err(SealError::EpochNotOpen { .. })));
    assert!(matches!(
        verified(&home, &after).open_as_guest(oak.slot, &oak.keys.kem),
        Err(SealError::NoRecipient { .. })
    ));
    for package in &home.packages[1..] {
        for sealed in &package.sealed {
            let epoch = EpochNo(package.epoch);
            for slot in [oak.slot, sealed.slot] {
                let opened =
                    open_for_slot(&home.chain, epoch, slot, &oak.keys.kem, &sealed.enc, &sealed.ct.0);
                assert!(matches!(opened, Err(SealError::CannotOpen { .. })));
            }
        }
    }
    // Until its agent has read the new entry, the home seals to the old epoch, which oak can open: only the gate holds then.
    verified(&home, &during).open(&oaks).unwrap();
    // The owner opens all of it.
    for header in [&before, &during, &after] {
        verified(&home, header).open(&home.secrets()).unwrap();
    }
}

#[test]
fn an_invitation_opens_the_home_only_until_it_is_accepted_by_its_own_account() {
    let mut home = Home::new(2);
    let slot = SlotId::from_bytes([30; 16]);
    let invitation = Invitation::random(HOME, slot, home.chain.pin().genesis, &mut home.rng);
    assert_eq!(invitation.is_in(&home.chain), Err(SealError::InvitationNotListed));
    home.by_owner(|draft, _| {
        draft.add(Slot::pending(&invitation, &Slot::member_rights(), NOW));
    });
    invitation.is_in(&home.chain).unwrap();
    let keys = AccountKeys::random(&mut home.rng);
    let mut draft = Draft::after(home.chain.head(), slot);
    let joined = draft.accept(AccountId::from_bytes([30; 16]), &keys).sign(&invitation.sign()).unwrap();
    home.chain.extend(&[joined.signed().clone()]).unwrap();
    assert_eq!(invitation.is_in(&home.chain), Err(SealError::InvitationNotListed));
    // A second use of the link signs with a key that has gone.
    let mut draft = Draft::after(home.chain.head(), slot);
    let again = draft.replace_own_keys(&AccountKeys::random(&mut home.rng)).sign(&invitation.sign());
    assert_eq!(again.unwrap_err(), SealError::SubstitutedMemberKey { slot });
}

#[test]
fn a_segment_is_sealed_once_and_the_trailer_counts_them() {
    let mut home = Home::new(3);
    let secrets = home.secrets();
    let (header, mut sealer) = home.record();
    sealer.seal(SegmentKind::Init, SegmentNo(0), b"i").unwrap();
    sealer.seal(SegmentKind::Video, SegmentNo(0), b"v").unwrap();
    sealer.seal(SegmentKind::Audio, SegmentNo(0), b"a").unwrap();
    assert_eq!(
        sealer.seal(SegmentKind::Video, SegmentNo(0), b"other").unwrap_err(),
        SealError::SealedTwice { kind: SegmentKind::Video, number: SegmentNo(0) }
    );
    sealer.seal(SegmentKind::Video, SegmentNo(1), b"v").unwrap();
    let trailer = sealer.seal_trailer().unwrap();
    assert!(sealer.seal_trailer().is_err());
    let opener = verified(&home, &header).open(&secrets).unwrap();
    let trailer = opener.open(SegmentKind::Trailer, SegmentNo(0), &trailer).unwrap();
    let trailer = Trailer::parse(&trailer).unwrap();
    assert_eq!(trailer.counts, Counts { init: 1, video: 2, audio: 1, ..Counts::default() });
    assert_eq!(
        trailer.missing(&Counts { init: 1, video: 1, audio: 1, ..Counts::default() }),
        [SegmentKind::Video]
    );
    assert!(trailer.missing(&trailer.counts).is_empty());
}

#[test]
fn a_removed_agent_seals_nothing_more_and_what_it_made_stays() {
    let mut home = Home::new(4);
    let (header, _) = home.record();
    home.by_owner(|draft, _| {
        draft.remove_agent(PORCH);
    });
    verified(&home, &header).open(&home.secrets()).unwrap();
    let begun = EventSealer::begin(&home.chain, PORCH, &home.porch, HALL, FIRST, NOW, true, &mut home.rng);
    assert_eq!(begun.unwrap_err(), SealError::AgentNotListed { agent: PORCH });
    // In a later epoch it is nobody, even with its own right key.
    home.remove(SlotId::from_bytes([99; 16]));
    let forged = header_of(&home, &header, |header| header.epoch = EpochNo(2));
    let refused = EventHeader::verify(&forged, &home.chain, &ASKED);
    assert_eq!(refused.unwrap_err(), SealError::AgentNotListed { agent: PORCH });
}

fn header_of(
    home: &Home,
    signed: &keepsight_wire::Signed,
    change: impl FnOnce(&mut EventHeader),
) -> keepsight_wire::Signed {
    let mut header = EventHeader::parse(&signed.body.0).unwrap();
    change(&mut header);
    let body = serde_json::to_vec(&header).unwrap();
    let key = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(home.porch.expose()).unwrap();
    let message = [SignatureLabel::EventHeader.text().as_bytes(), &[0], &body].concat();
    let signature = keepsight_ids::B64(key.sign(&message).as_ref().to_vec());
    keepsight_wire::Signed { body: keepsight_ids::B64(body), signature }
}

#[test]
fn the_server_checks_an_events_agent_without_any_secret() {
    let mut home = Home::new(5);
    let (header, _) = home.record();
    let place = *home.chain.head().entry().agent(PORCH).unwrap();
    assert_eq!(EventHeader::signed_by_agent(&header, &place).unwrap().camera, HALL);
    let other = AgentPlace { agent: AgentId::from_bytes([8; 16]), ..place };
    assert!(matches!(
        EventHeader::signed_by_agent(&header, &other),
        Err(SealError::AgentNotListed { agent }) if agent == PORCH
    ));
    let wrong_key = AgentPlace { sign: SignSecret::random(&mut home.rng).public(), ..place };
    assert!(matches!(EventHeader::signed_by_agent(&header, &wrong_key), Err(SealError::BadSignature { .. })));
}

#[test]
fn a_package_that_does_not_fit_its_entry_is_found_without_a_key() {
    let mut home = Home::new(6);
    let oak = home.join(20, &Slot::member_rights());
    home.remove(oak.slot);
    let entry = home.chain.head().entry().clone();
    let good = home.packages[1].clone();
    check_package(&entry, &good).unwrap();
    let altered = |change: &dyn Fn(&mut keepsight_wire::EpochPackage)| {
        let mut package = good.clone();
        change(&mut package);
        check_package(&entry, &package)
    };
    assert!(matches!(altered(&|p| p.epoch = 1), Err(SealError::BadPackage(_))));
    assert!(matches!(altered(&|p| p.previous = None), Err(SealError::BadPackage(_))));
    assert!(matches!(altered(&|p| p.sealed.clear()), Err(SealError::BadPackage(_))));
    assert!(matches!(altered(&|p| p.sealed.push(p.sealed[0].clone())), Err(SealError::BadPackage(_))));
    assert!(matches!(altered(&|p| p.sealed[0].slot = oak.slot), Err(SealError::BadPackage(_))));
    assert!(matches!(altered(&|p| p.sealed[0].ct.0.push(0)), Err(SealError::BadPackage(_))));
}

#[test]
fn a_chain_that_was_extended_badly_is_as_it_was() {
    let mut home = Home::new(7);
    let before = home.chain.clone();
    let good = Draft::after(before.head(), ELM).sign(&home.owner.sign).unwrap();
    let mut bad = good.signed().clone();
    bad.body.0[10] ^= 1;
    assert!(home.chain.extend(&[good.signed().clone(), bad]).is_err());
    assert_eq!(home.chain, before);
    // Entries that are known already may come again, and must be the same.
    home.chain.extend(&home.signed()).unwrap();
    assert_eq!(home.chain, before);
    let mut draft = Draft::after(&before.entries()[0], ELM);
    let fork = draft.remove_agent(PORCH).sign(&home.owner.sign).unwrap();
    assert_eq!(home.chain.extend(&[fork.signed().clone()]), Err(SealError::Fork { seq: 1 }));
}

#[test]
fn a_member_with_new_keys_opens_old_and_new_epochs_after_a_rotation() {
    let mut home = Home::new(8);
    let oak = home.join(20, &Slot::member_rights());
    let new = AccountKeys::random(&mut home.rng);
    let mut draft = Draft::after(home.chain.head(), oak.slot);
    let replaced = draft.replace_own_keys(&new).sign(&oak.keys.sign).unwrap();
    home.chain.extend(&[replaced.signed().clone()]).unwrap();
    home.remove(SlotId::from_bytes([99; 16]));
    let renewed = Member { slot: oak.slot, keys: new };
    let secrets = home.secrets_of(&renewed).unwrap();
    assert!(secrets.get(EpochNo(1)).is_ok() && secrets.get(EpochNo(2)).is_ok());
    assert!(matches!(home.secrets_of(&oak), Err(SealError::CannotOpen { .. })));
}

#[test]
fn drafts_refuse_what_the_rules_refuse_before_anything_is_sent() {
    let mut home = Home::new(9);
    let oak = home.join(20, &Slot::member_rights());
    let mut by_oak = Draft::after(home.chain.head(), oak.slot);
    let refused = by_oak.remove_agent(PORCH).sign(&oak.keys.sign);
    assert!(matches!(refused, Err(SealError::NotAnOwner { .. })));
    let mut without_rotation = Draft::after(home.chain.head(), ELM);
    let refused = without_rotation.remove(oak.slot).sign(&home.owner.sign);
    assert!(matches!(refused, Err(SealError::RotationMissing { .. })));
    let mut wrong_previous = Draft::after(home.chain.head(), ELM);
    let refused = wrong_previous.rotate(&EpochSecret::random(&mut home.rng), &mut Dice(1));
    assert!(matches!(refused, Err(SealError::EpochMismatch { .. })));
}

#[test]
fn a_guests_window_and_cameras_decide_what_is_sealed_to_them() {
    let home = Home::new(10);
    let guest = |from, until| Slot {
        account: Some(AccountId::from_bytes([1; 16])),
        cameras: Some(vec![HALL]),
        from: UnixMillis(from),
        until,
        ..home.chain.head().entry().slots[0].clone()
    };
    assert!(guest(5, None).is_guest_of(HALL, UnixMillis(5)));
    assert!(!guest(5, None).is_guest_of(HALL, UnixMillis(4)));
    assert!(!guest(5, Some(UnixMillis(9))).is_guest_of(HALL, UnixMillis(9)));
    assert!(!guest(5, None).is_guest_of(keepsight_ids::CameraId::from_bytes([7; 16]), UnixMillis(5)));
    assert!(!Slot { account: None, ..guest(5, None) }.is_guest_of(HALL, UnixMillis(5)));
    assert!(!guest(5, None).holds_epochs());
}

#[test]
fn an_agent_signs_in_with_the_certificate_that_it_sees() {
    let key = SignSecret::random(&mut Dice(11));
    let (seen, other) = (Some(B32([1; 32])), Some(B32([2; 32])));
    let signature = sign_session(&key, b"challenge", seen);
    verify_session(&key.public(), b"challenge", seen, &signature).unwrap();
    for (challenge, tls) in [(&b"challenge"[..], other), (b"challenge", None), (b"challengf", seen)] {
        assert!(verify_session(&key.public(), challenge, tls, &signature).is_err());
    }
    let stranger = SignSecret::random(&mut Dice(12)).public();
    assert!(verify_session(&stranger, b"challenge", seen, &signature).is_err());
}

#[test]
fn an_agent_believes_an_offer_by_an_owner_of_the_home_only() {
    let mut home = Home::new(12);
    let oak = home.join(20, &Slot::member_rights());
    let genesis = home.chain.pin().genesis;
    let offer = |slot, sign| Offer { v: V1, home: HOME, genesis, slot, sign, tls: None };
    home.chain.confirms(&offer(ELM, home.owner.sign.public())).unwrap();
    for (slot, sign) in [
        (oak.slot, oak.keys.sign.public()),
        (ELM, oak.keys.sign.public()),
        (SlotId::from_bytes([77; 16]), home.owner.sign.public()),
    ] {
        assert_eq!(home.chain.confirms(&offer(slot, sign)), Err(SealError::OfferNotByOwner));
    }
}

#[test]
fn a_server_takes_only_so_many_entries_of_a_member_and_always_more_of_an_owner() {
    let mut home = Home::new(13);
    let mut oak = home.join(20, &Slot::member_rights());
    let replaced = |home: &mut Home, oak: &mut Member| {
        let new = AccountKeys::random(&mut home.rng);
        let mut draft = Draft::after(home.chain.head(), oak.slot);
        let entry = draft.replace_own_keys(&new).sign(&oak.keys.sign).unwrap();
        let accepted = home.chain.accept(entry.signed()).map(drop);
        home.chain.extend(&[entry.signed().clone()]).expect("who reads it believes it either way");
        oak.keys = new;
        accepted
    };
    // Accepting the invitation was the first.
    for n in 1..MAX_OWN_ENTRIES {
        assert_eq!(replaced(&mut home, &mut oak), Ok(()), "{n}");
    }
    let full = SealError::TooMany { what: "", limit: MAX_OWN_ENTRIES };
    assert_eq!(replaced(&mut home, &mut oak).unwrap_err().code(), full.code());
    let by_owner = Draft::after(home.chain.head(), ELM).sign(&home.owner.sign).unwrap();
    home.chain.accept(by_owner.signed()).unwrap();
    // An owner's new keys are not counted, nor is another member's.
    let mut ash = home.join(21, &Slot::member_rights());
    assert_eq!(replaced(&mut home, &mut ash), Ok(()));
}

#[test]
fn the_second_half_of_a_homes_room_is_for_owners() {
    let mut home = Home::new(14);
    let oak = home.join(20, &Slot::member_rights());
    let genesis = home.chain.pin().genesis;
    let guest = Invitation::random(HOME, SlotId::from_bytes([40; 16]), genesis, &mut home.rng);
    let cameras = (0..1500u32).map(|n| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        keepsight_ids::CameraId::from_bytes(bytes)
    });
    let guest =
        Slot { cameras: Some(cameras.collect()), ..Slot::pending(&guest, &Slot::member_rights(), NOW) };
    let mut entry = Draft::after(home.chain.head(), ELM).add(guest).sign(&home.owner.sign).unwrap();
    let mut bytes = 0;
    loop {
        home.chain.extend(&[entry.signed().clone()]).unwrap();
        bytes += entry.signed().body.0.len();
        if bytes > MAX_CHAIN_BYTES / 2 {
            break;
        }
        entry = Draft::after(home.chain.head(), ELM).sign(&home.owner.sign).unwrap();
    }
    let by_owner = Draft::after(home.chain.head(), ELM).sign(&home.owner.sign).unwrap();
    home.chain.accept(by_owner.signed()).unwrap();
    let new = AccountKeys::random(&mut home.rng);
    let mut draft = Draft::after(home.chain.head(), oak.slot);
    let by_oak = draft.replace_own_keys(&new).sign(&oak.keys.sign).unwrap();
    assert!(matches!(home.chain.accept(by_oak.signed()), Err(SealError::TooLarge { .. })));
}
