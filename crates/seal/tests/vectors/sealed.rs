//! Cases of what is sealed: HPKE itself, headers, segments, their JSON, and names.

use keepsight_ids::{B32, EpochNo, SegmentKind, SegmentNo};
use keepsight_seal::*;
use keepsight_wire::Signed;
use serde_json::{Value, json};

use crate::chain::{Home, OAK_JOINED, OAK_REMOVED, PORCH_ADDED};
use crate::fixture::*;
use crate::{Case, opens, refused};

const HEADER: &str = "ks/event-header/v1";
const NAME: &str = "ks/name/v1";

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hexadecimal")
}

/// The keys of RFC 9180's published base-mode vector for X25519, HKDF-SHA256 and AES-256-GCM.
struct Rfc9180 {
    material: Vec<u8>,
    private: [u8; 32],
    public: [u8; 32],
    info: Vec<u8>,
    plain: Vec<u8>,
}

fn rfc9180() -> Rfc9180 {
    let key = |text| hex(text).try_into().expect("32 bytes");
    Rfc9180 {
        material: hex("2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9"),
        private: key("497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d"),
        public: key("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c"),
        info: hex("4f6465206f6e2061204772656369616e2055726e"),
        plain: hex("4265617574792069732074727574682c20747275746820626561757479"),
    }
}

#[test]
fn the_published_ciphertext_of_the_suite_comes_out() {
    let Rfc9180 { material, public, info, plain, .. } = rfc9180();
    let (enc, ct) = hpke_seal_with(&public, &info, &plain, b"Count-0", &material);
    assert_eq!(enc[..], hex("6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256"));
    assert_eq!(
        ct,
        hex("e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a")
    );
}

pub fn hpke() -> Vec<Case> {
    let Rfc9180 { material, private, public, info, plain } = rfc9180();
    let (enc, ct) = hpke_seal_with(&public, &info, &plain, b"", &material);
    let seal = |plain: &[u8], info: &[u8]| {
        json!({
            "recipient_public": b64(&public), "ephemeral_material": b64(&material),
            "ephemeral_private": b64(&derived_private(&material)), "info": b64(info), "plain": b64(plain),
        })
    };
    let open = |private: &[u8], public: &[u8], info: &[u8], enc: &[u8], ct: &[u8]| {
        json!({
            "recipient_private": b64(private), "recipient_public": b64(public),
            "info": b64(info), "enc": b64(enc), "ct": b64(ct),
        })
    };
    let with = |info: &[u8], enc: &[u8], ct: &[u8]| open(&private, &public, info, enc, ct);
    let elm = keys("elm").kem;
    let (with_aad, aad_ct) = hpke_seal_with(&public, &info, &plain, b"Count-0", &material);
    let code = "cannot_open";
    vec![
        opens(
            "seal",
            "published keys",
            "recipient, ephemeral key and info of the vector published with RFC 9180 for this suite; its enc comes out",
            seal(&plain, &info),
        ),
        opens("seal", "nothing", "an empty text", seal(b"", &info)),
        opens("seal", "no info", "an empty info", seal(&plain, b"")),
        opens("open", "published keys", "what was sealed above", with(&info, &enc, &ct)),
        refused(
            "open",
            code,
            "another key",
            "not the recipient's",
            open(elm.expose(), &elm.public().0.0, &info, &enc, &ct),
        ),
        refused("open", code, "another info", "one bit", with(&flipped(&info, 3), &enc, &ct)),
        refused("open", code, "no info", "an empty info", with(b"", &enc, &ct)),
        refused(
            "open",
            code,
            "with an aad",
            "sealed with an aad, which the formats leave empty",
            with(&info, &with_aad, &aad_ct),
        ),
        refused("open", code, "altered text", "one bit", with(&info, &enc, &flipped(&ct, 0))),
        refused("open", code, "altered tag", "one bit", with(&info, &enc, &flipped(&ct, ct.len() - 1))),
        refused("open", code, "altered encapsulated key", "one bit", with(&info, &flipped(&enc, 0), &ct)),
        refused(
            "open",
            code,
            "low-order key: zero",
            "the shared secret would be zero",
            with(&info, &[0; 32], &ct),
        ),
        refused(
            "open",
            code,
            "low-order key: one",
            "the shared secret would be zero",
            with(&info, &[&[1][..], &[0; 31]].concat(), &ct),
        ),
        refused(
            "open",
            code,
            "low-order key: order eight",
            "the shared secret would be zero",
            with(&info, &hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"), &ct),
        ),
        refused("open", code, "shorter than a tag", "15 bytes", with(&info, &enc, &ct[..15])),
        refused("open", code, "nothing", "no bytes", with(&info, &enc, b"")),
    ]
}

pub fn primitives() -> Vec<Case> {
    let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let elm = keys("elm").sign;
    let document = br#"{"v":1}"#;
    let signed = raw_sign(HEADER, document, elm.expose());
    let verify = |label: &str, public: &SignPublic, signed: &Signed| json!({ "public": public, "label": label, "signed": signed });
    let altered = |at: usize| {
        let mut signed = signed.clone();
        signed.signature.0[at] ^= 1;
        signed
    };
    let mut other_body = signed.clone();
    other_body.body.0.push(b' ');
    let mut short = signed.clone();
    short.signature.0.pop();
    let mut longer = signed.clone();
    longer.signature.0.push(0);
    let (op, code) = ("verify", "bad_signature");
    vec![
        opens(
            "hkdf",
            "RFC 5869, test case 3",
            "no salt and no info; the first 32 bytes of its OKM",
            json!({ "secret": b64(&[0x0b; 22]), "info": "" }),
        ),
        opens(
            "hkdf",
            "with info",
            "a label and an identity",
            json!({ "secret": b64(&[7; 32]), "info": b64(b"ks/seg/v1\x01") }),
        ),
        opens(
            "sign",
            "RFC 8032's first key",
            "the key of test 1, over a labelled document",
            json!({ "seed": b64(&seed), "label": "ks/name/v1", "document": b64(document) }),
        ),
        opens(op, "signed", "under its label", verify(HEADER, &elm.public(), &signed)),
        refused(
            op,
            code,
            "another label",
            "a signature is for one purpose",
            verify(NAME, &elm.public(), &signed),
        ),
        refused(
            op,
            code,
            "a label that runs into the document",
            "label and document are kept apart by a zero byte",
            verify("ks/event-header/v1\0", &elm.public(), &signed),
        ),
        refused(op, code, "another key", "oak's", verify(HEADER, &keys("oak").sign.public(), &signed)),
        refused(op, code, "altered first half", "one bit of R", verify(HEADER, &elm.public(), &altered(0))),
        refused(op, code, "altered second half", "one bit of S", verify(HEADER, &elm.public(), &altered(40))),
        refused(op, code, "another document", "a space more", verify(HEADER, &elm.public(), &other_body)),
        refused(op, code, "short signature", "63 bytes", verify(HEADER, &elm.public(), &short)),
        refused(op, code, "long signature", "65 bytes", verify(HEADER, &elm.public(), &longer)),
    ]
}

struct Recorded {
    home: Home,
    header: Signed,
    sealer: EventSealer,
}

/// An Event of the hall camera, recorded by the porch agent in the home's first epoch.
fn recorded() -> Recorded {
    let home = Home::new();
    let chain = Chain::verify(crate::fixture::home("elm"), &home.signed(PORCH_ADDED), None).unwrap();
    let (header, sealer) = EventSealer::begin(
        &chain,
        agent("porch"),
        &keys("porch").sign,
        camera("hall"),
        event("first"),
        NOW,
        true,
        &mut dice("event"),
    )
    .unwrap();
    Recorded { home, header, sealer }
}

fn hall() -> Value {
    json!({ "home": home("elm"), "camera": camera("hall"), "event": event("first") })
}

fn secrets(home: &Home) -> Value {
    json!({ "1": b64(home.secrets[0].expose()), "2": b64(home.secrets[1].expose()) })
}

pub fn header() -> Vec<Case> {
    let recorded = recorded();
    let mut cases = headers(&recorded);
    cases.extend(header_shapes(&recorded));
    cases.extend(guests());
    cases
}

fn with_header(home: &Home, until: usize, asked: &Value, header: &Signed, secrets: &Value) -> Value {
    let entries = home.signed(until);
    json!({ "home": crate::fixture::home("elm"), "entries": entries, "asked": asked, "header": header, "secrets": secrets })
}

fn resigned(header: &Signed, change: impl FnOnce(&mut EventHeader)) -> Signed {
    let mut document = EventHeader::parse(&header.body.0).unwrap();
    change(&mut document);
    raw_sign(HEADER, &serde_json::to_vec(&document).unwrap(), keys("porch").sign.expose())
}

fn headers(Recorded { home, header, .. }: &Recorded) -> Vec<Case> {
    let all = secrets(home);
    let first = json!({ "1": all["1"] });
    let now = |header: &Signed| with_header(home, OAK_REMOVED, &hall(), header, &all);
    let asked = |part: &str, value: Value| {
        let mut asked = hall();
        asked[part] = value;
        with_header(home, OAK_REMOVED, &asked, header, &all)
    };
    let changed = |change: &dyn Fn(&mut EventHeader)| now(&resigned(header, change));
    let second_key = ContentKey::random(&mut dice("a second key"));
    let (op, misfiled) = ("open", "not_what_was_asked_for");
    let by = |signer: &str| now(&raw_sign(HEADER, &header.body.0, keys(signer).sign.expose()));
    let removed_agent = {
        let mut entries = home.signed(OAK_REMOVED);
        let mut draft = Draft::after(&home.entries[OAK_REMOVED], slot("elm"));
        entries.push(draft.remove_agent(agent("porch")).sign(&keys("elm").sign).unwrap().signed().clone());
        json!({ "home": crate::fixture::home("elm"), "entries": entries, "asked": hall(), "header": header, "secrets": all })
    };
    vec![
        opens(
            op,
            "an Event",
            "of the first epoch, by its people then",
            with_header(home, PORCH_ADDED, &hall(), header, &first),
        ),
        opens(
            op,
            "an Event of an older epoch",
            "the home has moved on; its people hold the old secret too",
            now(header),
        ),
        opens(
            op,
            "an Event of an agent removed later",
            "it belonged to the home when it made it",
            removed_agent,
        ),
        refused(
            op,
            misfiled,
            "another home asked for",
            "the answer was mixed up",
            asked("home", json!(crate::fixture::home("oak street"))),
        ),
        refused(
            op,
            misfiled,
            "another camera asked for",
            "the answer was mixed up",
            asked("camera", json!(camera("garden"))),
        ),
        refused(
            op,
            misfiled,
            "another Event asked for",
            "the answer was mixed up",
            asked("event", json!(event("second"))),
        ),
        refused(
            op,
            "agent_not_listed",
            "before the agent was added",
            "no entry of the chain lists it",
            with_header(home, OAK_JOINED, &hall(), header, &first),
        ),
        refused(
            op,
            "agent_not_listed",
            "another agent",
            "the chain doesn't list it in that epoch",
            changed(&|h| h.agent = agent("server")),
        ),
        refused(op, "bad_signature", "signed by a server", "not the agent's key", by("a server")),
        refused(op, "bad_signature", "signed by an owner", "owners don't record", by("elm")),
        refused(
            op,
            "bad_signature",
            "signed under another label",
            "labels keep documents apart",
            now(&raw_sign(NAME, &header.body.0, keys("porch").sign.expose())),
        ),
        refused(
            op,
            "bad_signature",
            "a later time put in",
            "the signature is over the exact bytes",
            now(&Signed {
                body: keepsight_ids::B64(edited(&header.body.0, "\"captured\":17", "\"captured\":18")),
                signature: header.signature.clone(),
            }),
        ),
        refused(
            op,
            "bad_signature",
            "encoded anew",
            "the same meaning in other bytes",
            now(&Signed {
                body: keepsight_ids::B64(edited(&header.body.0, "{\"v\":1,", "{\"v\":1, ")),
                signature: header.signature.clone(),
            }),
        ),
        refused(
            op,
            "unknown_epoch",
            "an epoch that the home never had",
            "sealed to nobody knows whom",
            changed(&|h| h.epoch = EpochNo(3)),
        ),
        refused(
            op,
            "cannot_open",
            "another epoch stated",
            "the epoch is in the info",
            changed(&|h| h.epoch = EpochNo(2)),
        ),
        refused(
            op,
            "epoch_not_open",
            "the secret is not at hand",
            "a device that is locked, or a member of a later epoch only",
            with_header(home, OAK_REMOVED, &hall(), header, &json!({ "2": all["2"] })),
        ),
        refused(
            op,
            "cannot_open",
            "another camera's content key",
            "the recipient was copied from an Event of another camera",
            changed(&|h| h.recipients[0] = sealed_for(home, "garden", "first")),
        ),
        refused(
            op,
            "cannot_open",
            "another Event's content key",
            "the recipient was copied from another Event",
            changed(&|h| h.recipients[0] = sealed_for(home, "hall", "second")),
        ),
        refused(
            op,
            "cannot_open",
            "altered content key",
            "one bit",
            changed(&|h| h.recipients[0].ct.0[0] ^= 1),
        ),
        refused(
            op,
            "cannot_open",
            "a short content key",
            "the ciphertext is cut",
            changed(&|h| {
                h.recipients[0].ct.0.pop();
            }),
        ),
        refused(
            op,
            "cannot_open",
            "low-order encapsulated key",
            "the content key would be known to all",
            changed(&|h| h.recipients[0].enc = B32([0; 32])),
        ),
        refused(
            op,
            "commitment",
            "another commitment",
            "one header could mean two keys",
            changed(&|h| h.commitment = second_key.commitment()),
        ),
        refused(op, "commitment", "no commitment", "zeros", changed(&|h| h.commitment = B32([0; 32]))),
    ]
}

fn sealed_for(home: &Home, camera_name: &str, event_name: &str) -> Recipient {
    let chain = Chain::verify(crate::fixture::home("elm"), &home.signed(PORCH_ADDED), None).unwrap();
    let (other, _) = EventSealer::begin(
        &chain,
        agent("porch"),
        &keys("porch").sign,
        camera(camera_name),
        event(event_name),
        NOW,
        true,
        &mut dice("event"),
    )
    .unwrap();
    EventHeader::parse(&other.body.0).unwrap().recipients.remove(0)
}

fn header_shapes(Recorded { home, header, .. }: &Recorded) -> Vec<Case> {
    let all = secrets(home);
    let signed = |document: &[u8]| {
        let header = raw_sign(HEADER, document, keys("porch").sign.expose());
        with_header(home, OAK_REMOVED, &hall(), &header, &all)
    };
    let edit = |from: &str, to: &str| signed(&edited(&header.body.0, from, to));
    let change = |change: &dyn Fn(&mut EventHeader)| {
        with_header(home, OAK_REMOVED, &hall(), &resigned(header, change), &all)
    };
    let m = |name, why, input| refused("open", "malformed", name, why, input);
    vec![
        m("sealed to nobody", "the epoch is exactly once there", change(&|h| h.recipients.clear())),
        m(
            "sealed to the epoch twice",
            "the epoch is exactly once there",
            change(&|h| {
                let twin = h.recipients[0].clone();
                h.recipients.push(twin);
            }),
        ),
        m(
            "a guest first",
            "the epoch comes first",
            change(&|h| {
                let mut guest = h.recipients[0].clone();
                guest.to = To::Slot(slot("guest"));
                h.recipients.insert(0, guest);
            }),
        ),
        m("a guest only", "the epoch comes first", change(&|h| h.recipients[0].to = To::Slot(slot("guest")))),
        m(
            "a guest twice",
            "each recipient once",
            change(&|h| {
                let mut guest = h.recipients[0].clone();
                guest.to = To::Slot(slot("guest"));
                h.recipients.push(guest.clone());
                h.recipients.push(guest);
            }),
        ),
        m("an unknown recipient", "epoch or a slot", edit("\"to\":\"epoch\"", "\"to\":\"everybody\"")),
        m("unknown key", "documents are strict", edit("{\"v\":1,", "{\"v\":1,\"note\":1,")),
        m("unknown key in a recipient", "at every depth", edit("{\"to\":", "{\"note\":1,\"to\":")),
        m(
            "duplicate key",
            "two readers could read two things",
            edit("\"epoch\":1,", "\"epoch\":1,\"epoch\":1,"),
        ),
        m("missing key", "all keys stand", edit("\"clock_known\":true,", "")),
        m("another version", "only version 1 is known", edit("\"v\":1", "\"v\":2")),
        m("clock_known as a number", "true or false", edit("\"clock_known\":true", "\"clock_known\":1")),
        m(
            "a time beyond 2^53",
            "every reader reads the same",
            edit("\"captured\":1700000000000", "\"captured\":9007199254740993"),
        ),
        m(
            "an Event for the camera",
            "another kind of identity",
            edit("\"camera\":\"cam_", "\"camera\":\"evt_"),
        ),
        m("not JSON", "cut off", signed(&header.body.0[..header.body.0.len() - 1])),
        refused(
            "open",
            "too_large",
            "more than 64 KiB",
            "a header has at most 65,536 bytes",
            edit("{\"v\":1,", &format!("{{\"v\":1,{}", " ".repeat(64 * 1024))),
        ),
    ]
}

/// A home with a guest of the hall camera.
fn guests() -> Vec<Case> {
    let home = Home::new();
    let guest = keys("guest");
    let mut entries = home.signed(OAK_REMOVED);
    let chain = |entries: &[Signed]| Chain::verify(crate::fixture::home("elm"), entries, None).unwrap();
    let before = chain(&entries);
    let mut draft = Draft::after(before.head(), slot("elm"));
    let pending = Slot {
        cameras: Some(vec![camera("hall")]),
        ..Slot::pending(&crate::chain::invited("guest"), &[keepsight_wire::people::Right::Review], NOW)
    };
    entries.push(draft.add(pending).sign(&keys("elm").sign).unwrap().signed().clone());
    let before = chain(&entries);
    let mut draft = Draft::after(before.head(), slot("guest"));
    entries.push(
        draft
            .accept(account("guest"), &guest)
            .sign(&crate::chain::invited("guest").sign())
            .unwrap()
            .signed()
            .clone(),
    );
    let with_guest = chain(&entries);
    let recorded = |name: &str| {
        EventSealer::begin(
            &with_guest,
            agent("porch"),
            &keys("porch").sign,
            camera(name),
            event("first"),
            NOW,
            true,
            &mut dice("guests"),
        )
        .unwrap()
        .0
    };
    let input = |name: &str, slot_name: &str, kem: &KemSecret| {
        let mut asked = hall();
        asked["camera"] = json!(camera(name));
        json!({
            "home": crate::fixture::home("elm"), "entries": entries, "asked": asked, "header": recorded(name),
            "slot": slot(slot_name), "kem_private": b64(kem.expose()),
        })
    };
    let op = "open_as_guest";
    vec![
        opens(
            op,
            "a guest's Event",
            "sealed to the guest of this camera as well",
            input("hall", "guest", &guest.kem),
        ),
        refused(
            op,
            "no_recipient",
            "a camera that the guest may not see",
            "sealed to the epoch only",
            input("garden", "guest", &guest.kem),
        ),
        refused(
            op,
            "no_recipient",
            "a member as guest",
            "members open by the epoch",
            input("hall", "ash", &keys("ash").kem),
        ),
        refused(
            op,
            "cannot_open",
            "another's key",
            "not the guest's",
            input("hall", "guest", &keys("ash").kem),
        ),
    ]
}

pub fn segment() -> Vec<Case> {
    let Recorded { header, mut sealer, home } = recorded();
    let chain = home.chain();
    let asked = Asked { home: crate::fixture::home("elm"), camera: camera("hall"), event: event("first") };
    let mut epochs = EpochSecrets::none(asked.home);
    epochs.add(&chain, EpochNo(1), home.secrets[0].clone()).unwrap();
    let opener = EventHeader::verify(&header, &chain, &asked).unwrap().open(&epochs).unwrap();
    let key = opener.content_key().expose();
    let hash = sha256(&header.body.0);
    let input = |kind: &str, number: u64, key: &[u8], hash: B32, sealed: &[u8]| {
        let mut asked = hall();
        (asked["kind"], asked["number"]) = (json!(kind), json!(number));
        json!({ "asked": asked, "header_sha256": hash, "content_key": b64(key), "sealed": b64(sealed) })
    };
    let mut seal = |kind, number, plain: &[u8]| sealer.seal(kind, SegmentNo(number), plain).unwrap();
    let video = seal(SegmentKind::Video, 3, b"four seconds of a hall");
    let audio = seal(SegmentKind::Audio, 3, b"four seconds of steps");
    let empty = seal(SegmentKind::Preview, 0, b"");
    let far = seal(SegmentKind::Video, u32::MAX, b"the last number");
    let trailer = sealer.seal_trailer().unwrap();
    let with = |sealed: &[u8]| input("video", 3, key, hash, sealed);
    let asked_for = |part: &str, value: Value| {
        let mut input = with(&video);
        input["asked"][part] = value;
        input
    };
    let at = |from: usize, bytes: &[u8]| {
        let mut altered = video.clone();
        altered[from..from + bytes.len()].copy_from_slice(bytes);
        with(&altered)
    };
    let (op, misfiled, code) = ("open", "not_what_was_asked_for", "cannot_open");
    vec![
        opens(op, "video", "a segment", with(&video)),
        opens(op, "audio", "each kind has its own key", input("audio", 3, key, hash, &audio)),
        opens(op, "empty", "no bytes inside", input("preview", 0, key, hash, &empty)),
        opens(
            op,
            "the last number",
            "numbers are 32 bits here and 64 in the identity",
            input("video", u64::from(u32::MAX), key, hash, &far),
        ),
        opens(
            op,
            "trailer",
            "the counts of what was sealed before it",
            input("trailer", 0, key, hash, &trailer),
        ),
        refused(
            op,
            misfiled,
            "another home asked for",
            "compared before opening",
            asked_for("home", json!(crate::fixture::home("oak street"))),
        ),
        refused(
            op,
            misfiled,
            "another camera asked for",
            "compared before opening",
            asked_for("camera", json!(camera("garden"))),
        ),
        refused(
            op,
            misfiled,
            "another Event asked for",
            "compared before opening",
            asked_for("event", json!(event("second"))),
        ),
        refused(
            op,
            misfiled,
            "another kind asked for",
            "compared before opening",
            asked_for("kind", json!("audio")),
        ),
        refused(
            op,
            misfiled,
            "another number asked for",
            "compared before opening",
            asked_for("number", json!(4)),
        ),
        refused(
            op,
            misfiled,
            "a home put in",
            "the identity in clear was altered",
            at(0, crate::fixture::home("oak street").as_bytes()),
        ),
        refused(
            op,
            misfiled,
            "one bit of the identity",
            "the identity in clear was altered",
            with(&flipped(&video, 20)),
        ),
        refused(op, code, "renamed", "number 4 is asked for and stated, and 3 was sealed", {
            let mut input = at(49, &4u64.to_be_bytes());
            input["asked"]["number"] = json!(4);
            input
        }),
        refused(op, code, "another kind stated", "audio 3 under the name of video 3", {
            let mut renamed = audio.clone();
            renamed[48] = 1;
            with(&renamed)
        }),
        refused(
            op,
            code,
            "another header",
            "the header's hash is authenticated",
            input("video", 3, key, sha256(b"another header"), &video),
        ),
        refused(op, code, "another key", "one bit", input("video", 3, &flipped(key, 0), hash, &video)),
        refused(op, code, "altered text", "one bit", with(&flipped(&video, IDENTITY_LEN))),
        refused(op, code, "altered tag", "one bit", with(&flipped(&video, video.len() - 1))),
        refused(op, code, "cut", "the last byte is missing", with(&video[..video.len() - 1])),
        refused(op, code, "longer", "a byte more", with(&[&video[..], &[0]].concat())),
        refused(op, "malformed", "an unknown kind", "kinds are 0 to 6", at(48, &[7])),
        refused(
            op,
            "malformed",
            "a number beyond 32 bits",
            "no Event has so many",
            at(49, &(1u64 << 32).to_be_bytes()),
        ),
        refused(op, "malformed", "an identity only", "no tag", with(&video[..IDENTITY_LEN])),
        refused(
            op,
            "malformed",
            "72 bytes",
            "a byte short of identity and tag",
            with(&video[..IDENTITY_LEN + 15]),
        ),
        refused(op, "malformed", "nothing", "no bytes", with(b"")),
    ]
}

const CARD: &str = r#"{"v":1,"label":"motion","duration_ms":12000,"pre_roll_ms":5000,"preview_frames":10,"motion":{"x":0.1,"y":0.2,"w":0.3,"h":0.4},"activity":[[5000,9000]],"video":{"codec":"avc1.64001f","width":1920,"height":1080,"segments_ms":[2000,2000]},"audio":{"codec":"mp4a.40.2","rate":16000}}"#;
const TRAILER: &str = r#"{"v":1,"counts":{"init":2,"video":6,"audio":6,"thumbnail":1,"preview":1,"card":1}}"#;

pub fn content() -> Vec<Case> {
    let edit = |text: &str, from: &str, to: &str| {
        let text = String::from_utf8(edited(text.as_bytes(), from, to)).expect("UTF-8");
        json!({ "document": text })
    };
    let card = |from: &str, to: &str| edit(CARD, from, to);
    let trailer = |from: &str, to: &str| edit(TRAILER, from, to);
    let bad_card = |name, why, input| refused("card", "malformed", name, why, input);
    let bad_trailer = |name, why, input| refused("trailer", "malformed", name, why, input);
    vec![
        opens("card", "card", "as an agent writes it", card("", "")),
        opens("card", "card without sound or motion", "null where there is none", {
            let text = CARD
                .replace(r#"{"codec":"mp4a.40.2","rate":16000}"#, "null")
                .replace(r#"{"x":0.1,"y":0.2,"w":0.3,"h":0.4}"#, "null");
            json!({ "document": text })
        }),
        opens("card", "motion at the edge", "whole numbers are fractions too", card("\"x\":0.1", "\"x\":0")),
        bad_card("unknown label", "motion or manual", card("\"motion\",", "\"person\",")),
        bad_card("unknown key", "documents are strict", card("{\"v\":1,", "{\"v\":1,\"note\":1,")),
        bad_card(
            "duplicate key",
            "two readers could read two things",
            card("\"width\":1920,", "\"width\":1920,\"width\":1920,"),
        ),
        bad_card("missing key", "null stands as null", card("\"pre_roll_ms\":5000,", "")),
        bad_card("an activity of three", "from and until", card("[5000,9000]", "[5000,9000,1]")),
        bad_card(
            "a negative duration",
            "durations count",
            card("\"duration_ms\":12000", "\"duration_ms\":-1"),
        ),
        bad_card("another version", "only version 1 is known", card("\"v\":1", "\"v\":2")),
        opens("trailer", "trailer", "as an agent writes it", trailer("", "")),
        bad_trailer("a kind missing", "each kind is counted, with 0 for none", trailer("\"audio\":6,", "")),
        bad_trailer(
            "an unknown kind",
            "the kinds are a closed list",
            trailer("\"audio\":6,", "\"audio\":6,\"smell\":1,"),
        ),
        bad_trailer(
            "the trailer counted",
            "it doesn't count itself",
            trailer("\"card\":1", "\"card\":1,\"trailer\":1"),
        ),
        bad_trailer("a negative count", "counts count", trailer("\"audio\":6", "\"audio\":-6")),
        bad_trailer("a count as text", "a number", trailer("\"audio\":6", "\"audio\":\"6\"")),
        bad_trailer("an array", "an object", json!({ "document": "[1,[2,6,6,1,1,1]]" })),
        bad_trailer("nothing", "no text", json!({ "document": "" })),
    ]
}

pub fn name() -> Vec<Case> {
    let home = Home::new();
    let chain = home.chain();
    let all = secrets(&home);
    let make = |chain: &Chain, subject, by, signer: &str, text: &str| {
        make_name(chain, subject, by, &keys(signer).sign, text, NOW, &mut dice("name")).unwrap()
    };
    let whole = Subject::Home(crate::fixture::home("elm"));
    let hall = Subject::Camera(camera("hall"));
    let input = |subject: Subject, name: &Signed, secrets: &Value| json!({ "home": crate::fixture::home("elm"), "entries": home.signed(OAK_REMOVED), "subject": subject, "name": name, "secrets": secrets });
    let (elm, porch) = (NamedBy::Slot(slot("elm")), NamedBy::Agent(agent("porch")));
    let good = make(&chain, whole, elm, "elm", "12 Elm Street");
    let of = |subject, name: &Signed| input(subject, name, &all);
    let early = Chain::verify(crate::fixture::home("elm"), &home.signed(PORCH_ADDED), None).unwrap();
    let raw = |change: &dyn Fn(&mut SealedName)| {
        let mut name = SealedName::parse(&good.body.0).unwrap();
        change(&mut name);
        of(whole, &raw_sign(NAME, &serde_json::to_vec(&name).unwrap(), keys("elm").sign.expose()))
    };
    let sealed_text = |text: &[u8]| {
        let info = [
            b"ks/name/v1",
            &crate::fixture::home("elm").as_bytes()[..],
            crate::fixture::home("elm").as_bytes(),
            &2u32.to_be_bytes(),
        ]
        .concat();
        let key = home.secrets[1].public().0.0;
        let (enc, ct) = hpke_seal_raw(&key, &info, text, b"", &mut dice("odd name"));
        raw(&|name| (name.recipients[0].enc, name.recipients[0].ct.0) = (B32(enc), ct.clone()))
    };
    let op = "open";
    vec![
        opens(op, "a home's name", "by an owner", of(whole, &good)),
        opens(
            op,
            "a camera's name by its agent",
            "the agent added it",
            of(hall, &make(&chain, hall, porch, "porch", "Hall")),
        ),
        opens(
            op,
            "a camera's name by an owner",
            "renamed",
            of(hall, &make(&chain, hall, elm, "elm", "Hallway, 1st floor \u{1f6aa}")),
        ),
        opens(
            op,
            "a name of an older epoch",
            "not sealed anew yet",
            of(whole, &make(&early, whole, elm, "elm", "Elm")),
        ),
        opens(
            op,
            "64 characters",
            "characters, not bytes",
            of(whole, &make(&chain, whole, elm, "elm", &"\u{e9}".repeat(64))),
        ),
        refused(
            op,
            "author_not_listed",
            "a home's name by an agent",
            "agents name cameras only",
            of(whole, &make(&chain, whole, porch, "porch", "Mine")),
        ),
        refused(
            op,
            "author_not_listed",
            "by a member",
            "owners name",
            of(hall, &make(&early, hall, NamedBy::Slot(slot("oak")), "oak", "Oak's")),
        ),
        refused(
            op,
            "author_not_listed",
            "by somebody removed",
            "oak is in no entry of the second epoch",
            of(hall, &make(&chain, hall, NamedBy::Slot(slot("oak")), "oak", "Oak's")),
        ),
        refused(
            op,
            "author_not_listed",
            "by an unknown agent",
            "the chain doesn't list it",
            of(hall, &make(&chain, hall, NamedBy::Agent(agent("server")), "a server", "Bath")),
        ),
        refused(
            op,
            "bad_signature",
            "signed by a server",
            "not the owner's key",
            of(whole, &make(&chain, whole, elm, "a server", "False")),
        ),
        refused(
            op,
            "bad_signature",
            "signed by another owner",
            "by names elm, ash signed",
            of(whole, &make(&chain, whole, elm, "ash", "False")),
        ),
        refused(
            op,
            "not_what_was_asked_for",
            "another camera's name",
            "two cameras' names swapped",
            of(Subject::Camera(camera("garden")), &make(&chain, hall, porch, "porch", "Hall")),
        ),
        refused(op, "not_what_was_asked_for", "the home's name for a camera", "swapped", of(hall, &good)),
        refused(
            op,
            "foreign_home",
            "another home's name",
            "the answer was mixed up",
            raw(&|name| {
                name.home = crate::fixture::home("oak street");
                name.subject = Subject::Home(name.home);
            }),
        ),
        refused(
            op,
            "malformed",
            "another home as subject",
            "a home names itself",
            raw(&|name| name.subject = Subject::Home(crate::fixture::home("oak street"))),
        ),
        refused(
            op,
            "unknown_epoch",
            "an epoch that the home never had",
            "sealed to nobody knows whom",
            raw(&|name| name.epoch = EpochNo(9)),
        ),
        refused(
            op,
            "cannot_open",
            "another epoch stated",
            "the epoch is in the info",
            raw(&|name| name.epoch = EpochNo(1)),
        ),
        refused(op, "cannot_open", "altered name", "one bit", raw(&|name| name.recipients[0].ct.0[0] ^= 1)),
        refused(
            op,
            "epoch_not_open",
            "the secret is not at hand",
            "a device that is locked",
            input(whole, &good, &json!({ "1": all["1"] })),
        ),
        refused(op, "malformed", "an empty name", "1 to 64 characters", sealed_text(b"")),
        refused(op, "malformed", "65 characters", "1 to 64 characters", sealed_text(&[b'a'; 65])),
        refused(op, "malformed", "not UTF-8", "text", sealed_text(&[0xff, 0xfe])),
        refused(
            op,
            "malformed",
            "sealed to nobody",
            "the epoch is exactly once there",
            raw(&|name| name.recipients.clear()),
        ),
        refused(
            op,
            "malformed",
            "unknown key",
            "documents are strict",
            of(
                whole,
                &raw_sign(
                    NAME,
                    &edited(&good.body.0, "{\"v\":1,", "{\"v\":1,\"note\":1,"),
                    keys("elm").sign.expose(),
                ),
            ),
        ),
    ]
}
