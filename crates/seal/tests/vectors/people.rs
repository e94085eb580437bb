//! Cases of what people type and keep: passwords, recovery codes, invitations, pairing codes.

use keepsight_ids::B32;
use keepsight_seal::{
    Answer, Draft, HandOver, Invitation, Offer, PairingCode, RecoveryCode, V1, VerifiedEntry, WrapKey,
    found_home, sha256,
};
use keepsight_wire::Signed;
use serde_json::{Value, json};

use crate::chain::{ASH_INVITED, GENESIS, Home, OAK_INVITED, OAK_JOINED};
use crate::fixture::*;
use crate::{Case, opens, refused};

pub fn password() -> Vec<Case> {
    let salt: [u8; 16] = draw(&mut dice("salt"));
    let with = |password: &str, salt: &[u8], iterations: u64| json!({ "password": password, "salt": b64(salt), "iterations": iterations });
    let split = "split";
    vec![
        opens(split, "plain words", "a password of ASCII", with("gravel under the porch", &salt, 600_000)),
        opens(
            split,
            "precomposed",
            "NFKC: e with acute as one character",
            with("caf\u{e9} \u{c5}", &salt, 600_000),
        ),
        opens(
            split,
            "decomposed",
            "the same password as 'precomposed', typed as letters with combining marks: the same halves",
            with("cafe\u{301} A\u{30a}", &salt, 600_000),
        ),
        opens(
            split,
            "compatibility forms",
            "NFKC folds the ligature and the full-width digits",
            with("\u{fb01}re \u{ff11}\u{ff12}", &salt, 600_001),
        ),
        opens(
            split,
            "empty",
            "an empty password is stretched like any other; forms refuse it",
            with("", &salt, 600_000),
        ),
        refused(
            split,
            "password_parameters",
            "one round fewer",
            "a server that asks for fewer rounds wants to guess",
            with("gravel", &salt, 599_999),
        ),
        refused(split, "password_parameters", "one round", "as above", with("gravel", &salt, 1)),
        refused(split, "password_parameters", "no rounds", "as above", with("gravel", &salt, 0)),
        refused(
            split,
            "password_parameters",
            "absurdly many rounds",
            "a server could keep a browser busy for ever",
            with("gravel", &salt, 10_000_001),
        ),
        refused(
            split,
            "malformed",
            "short salt",
            "a salt has 16 bytes",
            with("gravel", &salt[..15], 600_000),
        ),
        refused(split, "malformed", "no salt", "a salt has 16 bytes", with("gravel", b"", 600_000)),
    ]
}

pub fn account() -> Vec<Case> {
    let (elm, oak) = (crate::fixture::account("elm"), crate::fixture::account("oak"));
    let wrap: [u8; 32] = draw(&mut dice("wrap"));
    let wrapped = keys("elm").wrap(elm, &WrapKey::from_bytes(wrap), &mut dice("wrapping nonce"));
    let with = |account, wrap: &[u8], wrapped: &[u8]| json!({ "account": account, "wrap": b64(wrap), "wrapped": b64(wrapped) });
    let (op, code) = ("unwrap", "cannot_open");
    vec![
        opens(op, "right key", "what was wrapped", with(elm, &wrap, &wrapped)),
        refused(
            op,
            code,
            "wrong key",
            "a wrong password gives another key",
            with(elm, &flipped(&wrap, 0), &wrapped),
        ),
        refused(
            op,
            code,
            "another account's",
            "the account is in the associated data: a server can't swap keys",
            with(oak, &wrap, &wrapped),
        ),
        refused(op, code, "altered nonce", "one bit of the nonce", with(elm, &wrap, &flipped(&wrapped, 0))),
        refused(
            op,
            code,
            "altered keys",
            "one bit of the ciphertext",
            with(elm, &wrap, &flipped(&wrapped, 40)),
        ),
        refused(op, code, "altered tag", "one bit of the tag", with(elm, &wrap, &flipped(&wrapped, 91))),
        refused(op, code, "cut", "91 bytes", with(elm, &wrap, &wrapped[..91])),
        refused(op, code, "longer", "93 bytes", with(elm, &wrap, &[&wrapped[..], &[0]].concat())),
        refused(op, code, "nothing", "no bytes", with(elm, &wrap, b"")),
    ]
    .into_iter()
    .chain(hand_overs())
    .collect()
}

/// Other keys for elm's account, by the old one.
fn hand_overs() -> Vec<Case> {
    let (elm, oak) = (crate::fixture::account("elm"), crate::fixture::account("oak"));
    let (old, new) = (keys("elm"), keys("elm after the loss"));
    let login = |seed| B32(draw(&mut dice(seed)));
    let (password, recovery) = (login("new password's login"), login("new recovery code's login"));
    let made = json!({
        "account": elm, "old_seed": b64(old.sign.expose()), "kem_private": b64(new.kem.expose()),
        "sign_seed": b64(new.sign.expose()), "password_login": password, "recovery_login": recovery,
    });
    let hand_over = HandOver {
        v: V1,
        account: elm,
        kem: new.kem.public(),
        sign: new.sign.public(),
        password: sha256(&password.0),
        recovery: sha256(&recovery.0),
    };
    let good = hand_over.signed(&old.sign);
    let read = |account, key: &keepsight_seal::SignSecret, statement: &Signed| json!({ "account": account, "old_public": key.public(), "statement": statement });
    let labelled = |label, body: &[u8]| raw_sign(label, body, old.sign.expose());
    let edit = |from, to| labelled("ks/account-keys/v1", &edited(&good.body.0, from, to));
    let text = String::from_utf8(good.body.0.clone()).expect("JSON");
    let cut = text.split(",\"recovery\"").next().expect("a part").to_owned() + "}";
    let (op, signature) = ("read_hand_over", "bad_signature");
    vec![
        opens("hand_over", "made", "what a browser signs with the old key", made),
        opens(op, "by the old key", "the server takes it", read(elm, &old.sign, &good)),
        refused(
            op,
            signature,
            "by the new key",
            "the new key can't speak for itself",
            read(elm, &old.sign, &hand_over.signed(&new.sign)),
        ),
        refused(
            op,
            signature,
            "another account's",
            "it counts for the account that it names alone",
            read(oak, &old.sign, &good),
        ),
        refused(
            op,
            signature,
            "under another label",
            "signed as an entry of a chain",
            read(elm, &old.sign, &labelled("ks/chain-entry/v1", &good.body.0)),
        ),
        refused(
            op,
            signature,
            "used already",
            "the account has the new key by then",
            read(elm, &new.sign, &good),
        ),
        refused(
            op,
            "malformed",
            "one key more",
            "what isn't understood is refused",
            read(elm, &old.sign, &edit("{", "{\"also\":1,")),
        ),
        refused(
            op,
            "malformed",
            "without the recovery code",
            "a key is missing",
            read(elm, &old.sign, &labelled("ks/account-keys/v1", cut.as_bytes())),
        ),
        refused(
            op,
            "malformed",
            "of version 2",
            "a later format",
            read(elm, &old.sign, &edit("\"v\":1", "\"v\":2")),
        ),
        refused(
            op,
            "too_large",
            "padded",
            "more than 4 KiB",
            read(elm, &old.sign, &labelled("ks/account-keys/v1", (text + &" ".repeat(4096)).as_bytes())),
        ),
    ]
}

pub fn recovery() -> Vec<Case> {
    let text = RecoveryCode::from_bytes(draw(&mut dice("recovery"))).text().to_string();
    let zeros = RecoveryCode::from_bytes([0; 20]).text().to_string();
    let with = |text: &str| json!({ "text": text });
    let mistyped = |at: usize| {
        let mut digits: Vec<char> = text.chars().collect();
        digits[at] = if digits[at] == '7' { '8' } else { '7' };
        digits.into_iter().collect::<String>()
    };
    let swapped = {
        let mut digits: Vec<char> = text.chars().collect();
        let at = (0..3).find(|at| digits[*at] != digits[at + 1]).expect("two different neighbours");
        digits.swap(at, at + 1);
        digits.into_iter().collect::<String>()
    };
    let (op, code) = ("read", "recovery_code");
    vec![
        opens(op, "as written", "nine groups of four", with(&text)),
        opens(op, "lower case", "case doesn't matter", with(&text.to_lowercase())),
        opens(op, "spaces", "spaces for dashes, and around", with(&format!("  {} ", text.replace('-', " ")))),
        opens(op, "no dashes", "all in one", with(&text.replace('-', ""))),
        opens(
            op,
            "letters for digits",
            "O is read as 0, I and L as 1",
            with(&zeros.replacen("0000", "oO0o", 1).replace('1', "l")),
        ),
        refused(op, code, "mistyped", "one character of the code", with(&mistyped(1))),
        refused(
            op,
            code,
            "mistyped check",
            "one character of the last group",
            with(&mistyped(text.len() - 1)),
        ),
        refused(op, code, "two swapped", "two neighbours swapped", with(&swapped)),
        refused(
            op,
            code,
            "a character that is never used",
            "U isn't in the alphabet",
            with(&format!("U{}", &text[1..])),
        ),
        refused(
            op,
            code,
            "not ASCII",
            "a Cyrillic letter that looks like one of the alphabet",
            with(&format!("\u{410}{}", &text[1..])),
        ),
        refused(op, code, "a group missing", "eight groups", with(&text[..text.len() - 5])),
        refused(op, code, "a group too many", "ten groups", with(&format!("{text}-0000"))),
        refused(op, code, "nothing", "no text", with("")),
        refused(op, code, "a pairing code", "six groups", with("0123-4567-89AB-CDEF-GHJK-MNPQ")),
    ]
}

pub fn invitation() -> Vec<Case> {
    let mut cases = links();
    cases.extend(entering());
    cases
}

fn links() -> Vec<Case> {
    let secret = draw(&mut dice("invitation"));
    let invited = Invitation::from_secret(home("elm"), slot("oak"), sha256(b"genesis"), secret);
    let link = invited.link("https://cameras.example/").to_string();
    let fragment = invited.fragment().to_string();
    let [home, slot, secret, genesis] = fragment.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let with = |link: &str| json!({ "link": link });
    let (op, code) = ("read", "invitation_link");
    let of = |secret: &str, genesis: &str| with(&format!("{home}.{slot}.{secret}.{genesis}"));
    let bad = |name, why, input: Value| refused(op, code, name, why, input);
    vec![
        opens(op, "link", "the whole link", with(&link)),
        opens(op, "fragment", "what follows the #", with(&fragment)),
        opens(op, "copied with spaces", "white space around is forgiven", with(&format!(" {link}\n"))),
        bad("short secret", "a secret of 15 bytes", of(&secret[..20], genesis)),
        bad("long secret", "a secret of 17 bytes", of(&b64(&[7; 17]), genesis)),
        bad("padded secret", "base64url has no padding here", of(&format!("{secret}=="), genesis)),
        bad(
            "stray bits in the secret",
            "the last character carries bits that mean nothing",
            of(&format!("{}B", &secret[..21]), genesis),
        ),
        bad("standard base64", "+ and / are not of base64url", of("+/AAAAAAAAAAAAAAAAAAAA", genesis)),
        bad("cut off", "the last character is missing", with(&fragment[..fragment.len() - 1])),
        bad("short beginning", "a hash of 31 bytes", of(secret, &b64(&[7; 31]))),
        bad("long beginning", "a hash of 33 bytes", of(secret, &b64(&[7; 33]))),
        bad("empty beginning", "nothing after the last dot", of(secret, "")),
        bad("padded beginning", "base64url has no padding here", of(secret, &format!("{genesis}="))),
        bad(
            "stray bits in the beginning",
            "the last character carries bits that mean nothing",
            of(secret, &format!("{}B", "A".repeat(42))),
        ),
        bad("beginning in hexadecimal", "one text form only", of(secret, &"ab".repeat(32))),
        bad("secret and beginning swapped", "each has its place", of(genesis, secret)),
        bad("a camera for the home", "another kind of identity", with(&fragment.replacen("hom_", "cam_", 1))),
        bad("upper case home", "an identity has one text form", with(&fragment.replacen("hom_", "HOM_", 1))),
        bad(
            "the form before",
            "three parts: it doesn't say where the home begins",
            with(&format!("{home}.{slot}.{secret}")),
        ),
        bad("home and slot only", "two parts", with(&format!("{home}.{slot}"))),
        bad("a part too many", "five parts", with(&format!("{fragment}.x"))),
        bad("nothing", "no text", with("")),
    ]
}

/// What a server may show to somebody with a link: the home that the link names, in which the place is still open.
fn entering() -> Vec<Case> {
    let real = Home::new();
    let invented = invented(&real.entries[OAK_INVITED]);
    let (op, link) = ("enter", real.link("oak"));
    let with =
        |link: &str, entries: &[Signed], pin: Value| json!({ "link": link, "entries": entries, "pin": pin });
    let fresh = |entries: &[Signed]| with(&link, entries, Value::Null);
    let invited = real.signed(OAK_INVITED);
    vec![
        opens(op, "open invitation", "the home that the link names", fresh(&invited)),
        opens(
            op,
            "a home that is known here",
            "by somebody who was in it before",
            with(&link, &invited, real.pin(GENESIS)),
        ),
        refused(
            op,
            "not_the_invited_home",
            "an invented home",
            "the same identity and the same open place with the same keys, under an owner of the server's own",
            fresh(&invented),
        ),
        opens(
            op,
            "an invented home under its own link",
            "nothing else is wrong with it: the beginning in the link alone tells it from the real one",
            with(&naming(&link, &invented[0]), &invented, Value::Null),
        ),
        refused(
            op,
            "not_the_invited_home",
            "a link with another beginning",
            "the real home, and a link that names another",
            with(&naming(&link, &invented[0]), &invited, Value::Null),
        ),
        refused(
            op,
            "other_genesis",
            "another home is known here",
            "what this device has seen before counts as well",
            with(
                &link,
                &invited,
                json!({ "genesis": sha256(b"another"), "seq": 0, "hash": sha256(b"another") }),
            ),
        ),
        refused(
            op,
            "rollback",
            "older than what is known here",
            "an invitation doesn't take back what was seen",
            with(&link, &invited, real.pin(OAK_JOINED)),
        ),
        refused(
            op,
            "invitation_not_listed",
            "already accepted",
            "the place holds the invitee's own keys now",
            fresh(&real.signed(OAK_JOINED)),
        ),
        refused(
            op,
            "invitation_not_listed",
            "not yet made",
            "the place is not there",
            fresh(&real.signed(GENESIS)),
        ),
        refused(
            op,
            "invitation_not_listed",
            "another's invitation",
            "the place is open for ash, and the link's keys are oak's",
            with(
                &link.replace(&slot("oak").to_string(), &slot("ash").to_string()),
                &real.signed(ASH_INVITED),
                Value::Null,
            ),
        ),
        refused(op, "chain_empty", "nothing", "no entries", fresh(&[])),
    ]
}

/// A home that a server makes up for oak: it knows the real one's identity and the public keys of the open place, and signs with
/// keys of its own.
fn invented(invitation: &VerifiedEntry) -> Vec<Signed> {
    let (mut rng, theirs) = (dice("the server's home"), keys("the server"));
    let place = invitation.entry().slot(slot("oak")).expect("oak is invited").clone();
    let owner = slot("the server");
    let founded =
        found_home(home("elm"), owner, crate::fixture::account("the server"), &theirs, NOW, &mut rng);
    let chain = founded.expect("anybody can found a home").chain;
    let pending = Draft::after(chain.head(), owner).add(place).sign(&theirs.sign).expect("its owner invites");
    vec![chain.head().signed().clone(), pending.signed().clone()]
}

/// The link, with another entry as the beginning.
fn naming(link: &str, genesis: &Signed) -> String {
    let (rest, _) = link.rsplit_once('.').expect("four parts");
    format!("{rest}.{}", sha256(&genesis.body.0))
}

fn offer(tls: Option<B32>) -> Offer {
    let sign = keys("elm").sign.public();
    Offer { v: V1, home: home("elm"), genesis: sha256(b"genesis"), slot: slot("elm"), sign, tls }
}

pub fn pairing() -> Vec<Case> {
    let code = PairingCode::from_bytes(draw(&mut dice("pairing")));
    let mut cases = pairing_codes(&code.text());
    cases.extend(offers(&code));
    cases.extend(answers(&code));
    cases
}

fn pairing_codes(text: &str) -> Vec<Case> {
    let with = |text: &str| json!({ "text": text });
    let (op, code) = ("read_code", "pairing_code");
    vec![
        opens(op, "as written", "six groups of four", with(text)),
        opens(
            op,
            "lower case with spaces",
            "case, spaces and dashes don't matter",
            with(&text.to_lowercase().replace('-', " ")),
        ),
        opens(op, "letters for digits", "O is 0, I and L are 1", with("OOOO-IIII-LLLL-oooo-iiii-llll")),
        refused(
            op,
            code,
            "a character that is never used",
            "U isn't in the alphabet",
            with("U000-0000-0000-0000-0000-0000"),
        ),
        refused(op, code, "a group missing", "five groups", with(&text[..text.len() - 5])),
        refused(op, code, "a group too many", "seven groups", with(&format!("{text}-0000"))),
        refused(op, code, "nothing", "no text", with("")),
    ]
}

fn other_code(code: &PairingCode) -> PairingCode {
    let text = code.text();
    let last = if text.ends_with('7') { "8" } else { "7" };
    format!("{}{last}", &text[..text.len() - 1]).parse().expect("still a code")
}

fn offers(code: &PairingCode) -> Vec<Case> {
    let tls = sha256(b"certificate");
    let (bytes, mac) = offer(Some(tls)).seal(&code.key());
    let (plain, plain_mac) = offer(None).seal(&code.key());
    let with = |code: &PairingCode, offer: &[u8], mac: B32, seen: Option<B32>| json!({ "code": *code.text(), "offer": b64(offer), "mac": mac, "tls_seen": seen });
    let remade = |from: &str, to: &str| {
        let altered = edited(&bytes, from, to);
        let mac = maced(code, "offer", &altered);
        with(code, &altered, mac, Some(tls))
    };
    let (op, bad) = ("open_offer", "pairing_mac");
    let (_, as_answer) = (0, maced(code, "answer", &bytes));
    vec![
        opens(op, "offer", "with the certificate that the agent sees", with(code, &bytes, mac, Some(tls))),
        opens(
            op,
            "offer without a certificate",
            "a server behind a proxy states none; the agent sees the proxy's",
            with(code, &plain, plain_mac, Some(tls)),
        ),
        opens(op, "offer without TLS", "neither states nor sees one", with(code, &plain, plain_mac, None)),
        refused(
            op,
            "other_certificate",
            "another certificate",
            "somebody is between the agent and the server",
            with(code, &bytes, mac, Some(sha256(b"another"))),
        ),
        refused(
            op,
            "other_certificate",
            "no certificate seen",
            "the server states TLS and the agent sees none",
            with(code, &bytes, mac, None),
        ),
        refused(
            op,
            bad,
            "another code",
            "the last character of the secret part differs",
            with(&other_code(code), &bytes, mac, Some(tls)),
        ),
        refused(
            op,
            bad,
            "altered home",
            "made by a server that doesn't know the secret",
            with(code, &edited(&bytes, "hom_", "hom_"), flip32(mac), Some(tls)),
        ),
        refused(op, bad, "altered offer", "one byte", with(code, &flipped(&bytes, 12), mac, Some(tls))),
        refused(
            op,
            bad,
            "an answer's MAC",
            "labels keep offers and answers apart",
            with(code, &bytes, as_answer, Some(tls)),
        ),
        refused(op, "malformed", "unknown key", "documents are strict", remade("\"v\":1", "\"v\":1,\"x\":1")),
        refused(
            op,
            "malformed",
            "duplicate key",
            "documents are strict",
            remade("\"v\":1", "\"v\":1,\"v\":1"),
        ),
        refused(op, "malformed", "another version", "only version 1 is known", remade("\"v\":1", "\"v\":2")),
    ]
}

fn answers(code: &PairingCode) -> Vec<Case> {
    let tls = sha256(b"certificate");
    let (offered, _) = offer(Some(tls)).seal(&code.key());
    let answer = |offer: &[u8], tls| Answer::to(offer, agent("porch"), keys("porch").sign.public(), tls);
    let (bytes, mac) = answer(&offered, Some(tls)).seal(&code.key());
    let (foreign, foreign_mac) = answer(b"another offer", Some(tls)).seal(&code.key());
    let (relayed, relayed_mac) = answer(&offered, Some(sha256(b"another"))).seal(&code.key());
    let (bare, bare_mac) = answer(&offered, None).seal(&code.key());
    let with = |code: &PairingCode, answer: &[u8], mac: B32| json!({ "code": *code.text(), "offer": b64(&offered), "answer": b64(answer), "mac": mac });
    let remade = |from: &str, to: &str| {
        let altered = edited(&bytes, from, to);
        let mac = maced(code, "answer", &altered);
        with(code, &altered, mac)
    };
    let (op, bad) = ("open_answer", "pairing_mac");
    vec![
        opens(op, "answer", "to this offer, with the same certificate", with(code, &bytes, mac)),
        refused(
            op,
            "other_offer",
            "an answer to another offer",
            "its hash is of other bytes",
            with(code, &foreign, foreign_mac),
        ),
        refused(
            op,
            "other_certificate",
            "the agent saw another certificate",
            "somebody is between the agent and the server",
            with(code, &relayed, relayed_mac),
        ),
        refused(
            op,
            "other_certificate",
            "the agent saw no certificate",
            "somebody took the TLS off",
            with(code, &bare, bare_mac),
        ),
        refused(
            op,
            bad,
            "another code",
            "the agent was given another code",
            with(&other_code(code), &bytes, mac),
        ),
        refused(
            op,
            bad,
            "substituted agent key",
            "a server that puts in its own key",
            with(code, &flipped(&bytes, bytes.len() / 2), mac),
        ),
        refused(
            op,
            bad,
            "an offer's MAC",
            "labels keep offers and answers apart",
            with(code, &bytes, maced(code, "offer", &bytes)),
        ),
        refused(op, "malformed", "unknown key", "documents are strict", remade("\"v\":1", "\"v\":1,\"x\":1")),
        refused(op, "malformed", "a slot for the agent", "another kind of identity", remade("agt_", "slt_")),
    ]
}

fn flip32(mut mac: B32) -> B32 {
    mac.0[0] ^= 1;
    mac
}

/// HMAC-SHA256 with the code's key, made apart from the crate: `HKDF(secret, "ks/pair/v1" || lookup)`.
fn maced(code: &PairingCode, label: &str, bytes: &[u8]) -> B32 {
    let raw = data_encoding_of(code);
    let info = [b"ks/pair/v1", &raw[..5]].concat();
    let derived = primitive_run("hkdf", &json!({ "secret": b64(&raw[5..]), "info": b64(&info) }));
    let key: Value = derived.expect("HKDF gives 32 bytes");
    let key = crate::run::bytes32(&key, "okm");
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let message = [label.as_bytes(), &[0], bytes].concat();
    B32(aws_lc_rs::hmac::sign(&key, &message).as_ref().try_into().expect("32 bytes"))
}

fn data_encoding_of(code: &PairingCode) -> Vec<u8> {
    let mut spec = data_encoding::Specification::new();
    spec.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    let encoding = spec.encoding().expect("an alphabet");
    encoding.decode(code.text().replace('-', "").as_bytes()).expect("a code")
}
