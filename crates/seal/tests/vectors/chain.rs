//! Cases of the home's chain and its epochs. `Home` is a chain of honest entries; what is invalid is signed by hand.

use data_encoding::HEXLOWER;
use keepsight_ids::{B32, EpochNo, SlotId, UnixMillis};
use keepsight_seal::*;
use keepsight_wire::people::Right;
use keepsight_wire::{EpochPackage, Signed};
use serde_json::{Value, json};

use crate::fixture::*;
use crate::{Case, opens, refused};

pub const LABEL: &str = "ks/chain-entry/v1";

/// The home at 12 Elm Street: founded by elm; oak joins as a member; the porch agent is added; ash joins as a second owner; oak is removed.
pub struct Home {
    pub entries: Vec<VerifiedEntry>,
    pub packages: Vec<EpochPackage>,
    pub secrets: Vec<EpochSecret>,
}

pub const GENESIS: usize = 0;
pub const OAK_INVITED: usize = 1;
pub const OAK_JOINED: usize = 2;
pub const PORCH_ADDED: usize = 3;
pub const ASH_INVITED: usize = 4;
pub const ASH_JOINED: usize = 5;
pub const OAK_REMOVED: usize = 6;

/// The keys of an invitation don't depend on the beginning that its link names; [`Home::link`] names the right one.
pub fn invited(name: &str) -> Invitation {
    let secret = draw(&mut dice(&format!("invitation of {name}")));
    Invitation::from_secret(home("elm"), slot(name), sha256(b"genesis"), secret)
}

impl Home {
    pub fn new() -> Self {
        let mut rng = dice("home elm");
        let elm = keys("elm");
        let founded = found_home(home("elm"), slot("elm"), account("elm"), &elm, NOW, &mut rng).unwrap();
        let mut home = Self {
            entries: founded.chain.entries().to_vec(),
            packages: vec![founded.epoch],
            secrets: vec![founded.secret],
        };
        home.join("oak", &Slot::member_rights());
        home.next(|draft| {
            draft.add_agent(agent("porch"), keys("porch").sign.public());
        });
        home.join("ash", &Slot::owner_rights());
        let mut draft = Draft::after(home.entries.last().unwrap(), slot("elm"));
        let (secret, package) = draft.remove(slot("oak")).rotate(&home.secrets[0], &mut rng).unwrap();
        let removed = draft.sign(&elm.sign).unwrap();
        home.entries.push(removed);
        home.packages.push(package);
        home.secrets.push(secret);
        home
    }

    fn next(&mut self, change: impl FnOnce(&mut Draft<'_>)) {
        let mut draft = Draft::after(self.entries.last().unwrap(), slot("elm"));
        change(&mut draft);
        let entry = draft.sign(&keys("elm").sign).unwrap();
        self.entries.push(entry);
    }

    fn join(&mut self, name: &str, rights: &[Right]) {
        let invitation = invited(name);
        self.next(|draft| {
            draft.add(Slot::pending(&invitation, rights, NOW));
        });
        let mut draft = Draft::after(self.entries.last().unwrap(), slot(name));
        let joined = draft.accept(account(name), &keys(name)).sign(&invitation.sign()).unwrap();
        self.entries.push(joined);
    }

    /// The link of an invitation into this home.
    pub fn link(&self, name: &str) -> String {
        let mut invitation = invited(name);
        invitation.genesis = self.entries[GENESIS].hash();
        invitation.link("https://cameras.example").to_string()
    }

    pub fn signed(&self, until: usize) -> Vec<Signed> {
        self.entries[..=until].iter().map(|entry| entry.signed().clone()).collect()
    }

    /// The honest entries under the names that the files give them.
    pub fn shared(&self) -> Vec<(String, Value)> {
        let entries = self.entries.iter().enumerate();
        entries.map(|(n, entry)| (format!("elm {n}"), json!(entry.signed()))).collect()
    }

    pub fn chain(&self) -> Chain {
        Chain::verify(home("elm"), &self.signed(self.entries.len() - 1), None).unwrap()
    }

    pub fn pin(&self, at: usize) -> Value {
        let entry = &self.entries[at];
        json!({ "genesis": self.entries[0].hash(), "seq": entry.entry().seq, "hash": entry.hash() })
    }

    /// The honest entries up to `after`, and one more by `by`: the next entry with `change` made to it, signed by `seed`.
    fn forged(
        &self,
        after: usize,
        by: SlotId,
        seed: &SignSecret,
        change: impl FnOnce(&mut Entry),
    ) -> Vec<Signed> {
        let entry = self.draft(after, by, change);
        self.with(after, serde_json::to_vec(&entry).unwrap(), seed)
    }

    fn draft(&self, after: usize, by: SlotId, change: impl FnOnce(&mut Entry)) -> Entry {
        let mut draft = Draft::after(&self.entries[after], by);
        change(draft.entry());
        draft.entry().clone()
    }

    fn with(&self, after: usize, document: Vec<u8>, seed: &SignSecret) -> Vec<Signed> {
        let mut entries = self.signed(after);
        entries.push(raw_sign(LABEL, &document, seed.expose()));
        entries
    }

    fn by_elm(&self, after: usize, change: impl FnOnce(&mut Entry)) -> Vec<Signed> {
        self.forged(after, slot("elm"), &keys("elm").sign, change)
    }

    /// An entry that elm really made, with its text altered and signed again by elm.
    fn edited(&self, from: &str, to: &str) -> Vec<Signed> {
        let entry = serde_json::to_vec(&self.draft(OAK_JOINED, slot("elm"), |_| ())).unwrap();
        self.with(OAK_JOINED, edited(&entry, from, to), &keys("elm").sign)
    }
}

fn input(entries: &[Signed], pin: Value) -> Value {
    json!({ "home": home("elm"), "entries": entries, "pin": pin })
}

fn fresh(entries: &[Signed]) -> Value {
    input(entries, Value::Null)
}

fn bad(code: &'static str, name: &str, why: &'static str, entries: &[Signed]) -> Case {
    refused("verify", code, name, why, fresh(entries))
}

fn find<'a>(entry: &'a mut Entry, name: &str) -> &'a mut Slot {
    let wanted = slot(name);
    entry.slots.iter_mut().find(|slot| slot.slot == wanted).expect("the slot is there")
}

fn new_epoch(entry: &mut Entry) {
    entry.epoch = entry.epoch.next();
    entry.epoch_key = EpochSecret::random(&mut dice("another epoch")).public();
}

pub fn chain() -> Vec<Case> {
    let home = Home::new();
    let mut cases = valid(&home);
    cases.extend(pins(&home));
    cases.extend(genesis(&home));
    cases.extend(substituted(&home));
    cases.extend(links(&home));
    cases.extend(authors(&home));
    cases.extend(epoch_rules(&home));
    cases.extend(shapes(&home));
    cases.extend(small_order(&home));
    cases
}

fn valid(home: &Home) -> Vec<Case> {
    let last = home.entries.len() - 1;
    let own = |entry: &mut Entry, name: &str| {
        let new = keys(&format!("{name}, new device"));
        let slot = find(entry, name);
        (slot.kem, slot.sign) = (new.kem.public(), new.sign.public());
    };
    let ok = |name, why, entries: &[Signed]| opens("verify", name, why, fresh(entries));
    vec![
        ok("only the genesis", "a home that has just been founded", &home.signed(GENESIS)),
        ok("an invitation", "a pending slot", &home.signed(OAK_INVITED)),
        ok("an accepted invitation", "the invitee's own keys and account", &home.signed(OAK_JOINED)),
        ok("two owners", "an owner invited another", &home.signed(ASH_JOINED)),
        ok("a member removed", "with a new epoch", &home.signed(last)),
        ok(
            "an agent removed",
            "nobody loses sight, so the epoch may stay",
            &home.by_elm(PORCH_ADDED, |e| e.agents.clear()),
        ),
        ok(
            "a member's new keys",
            "signed by the old ones",
            &home.forged(PORCH_ADDED, slot("oak"), &keys("oak").sign, |e| own(e, "oak")),
        ),
        ok(
            "an owner's new keys",
            "an owner may change more with it",
            &home.by_elm(PORCH_ADDED, |e| {
                own(e, "elm");
                e.agents.clear();
            }),
        ),
        ok(
            "an owner leaves",
            "another owner remains",
            &home.by_elm(ASH_JOINED, |e| {
                e.slots.retain(|s| s.slot != slot("elm"));
                new_epoch(e);
            }),
        ),
        ok(
            "a new epoch without a reason",
            "an owner may begin one at any time",
            &home.by_elm(PORCH_ADDED, new_epoch),
        ),
        ok(
            "an owner's entry that changes nothing",
            "an owner may sign the state as it is",
            &home.by_elm(PORCH_ADDED, |_| ()),
        ),
        ok(
            "rights taken but not review",
            "no new epoch is due",
            &home.by_elm(PORCH_ADDED, |e| find(e, "oak").rights = vec![Right::Review]),
        ),
        opens(
            "verify",
            "pinned at the genesis",
            "as an agent after pairing",
            input(&home.signed(last), home.pin(GENESIS)),
        ),
        opens("verify", "pinned lower", "the chain grew", input(&home.signed(last), home.pin(PORCH_ADDED))),
        opens("verify", "pinned at its head", "nothing new", input(&home.signed(last), home.pin(last))),
    ]
}

fn pins(home: &Home) -> Vec<Case> {
    let last = home.entries.len() - 1;
    let pinned =
        |code, name, why, entries: &[Signed], pin| refused("verify", code, name, why, input(entries, pin));
    let other = keys("elm, in another home");
    let other_home = found_home(
        crate::fixture::home("elm"),
        slot("elm"),
        account("elm"),
        &other,
        NOW,
        &mut dice("other genesis"),
    )
    .unwrap();
    let other_home: Vec<Signed> = other_home.chain.entries().iter().map(|e| e.signed().clone()).collect();
    let fork = home.by_elm(ASH_JOINED, |e| e.agents.clear());
    let mut longer_fork = fork.clone();
    let forked = Chain::verify(crate::fixture::home("elm"), &fork, None).unwrap();
    longer_fork
        .push(Draft::after(forked.head(), slot("elm")).sign(&keys("elm").sign).unwrap().signed().clone());
    vec![
        pinned(
            "rollback",
            "rollback by one",
            "oak's removal is hidden",
            &home.signed(ASH_JOINED),
            home.pin(last),
        ),
        pinned(
            "rollback",
            "rollback to the genesis",
            "all members are hidden",
            &home.signed(GENESIS),
            home.pin(last),
        ),
        pinned(
            "fork",
            "fork at the pinned entry",
            "another valid entry with the same number",
            &fork,
            home.pin(OAK_REMOVED),
        ),
        pinned(
            "fork",
            "fork below the pinned entry",
            "longer than what was pinned, and of another past",
            &longer_fork,
            home.pin(OAK_REMOVED),
        ),
        pinned(
            "other_genesis",
            "another genesis",
            "a false home under the same identity",
            &other_home,
            home.pin(GENESIS),
        ),
        pinned("other_genesis", "another genesis, pinned higher", "as above", &other_home, home.pin(last)),
    ]
}

fn genesis(home: &Home) -> Vec<Case> {
    let first = home.entries[0].entry().clone();
    let alone = |change: &dyn Fn(&mut Entry)| {
        let mut entry = first.clone();
        change(&mut entry);
        vec![raw_sign(LABEL, &serde_json::to_vec(&entry).unwrap(), keys("elm").sign.expose())]
    };
    let g = |name, why, change: &dyn Fn(&mut Entry)| bad("bad_genesis", name, why, &alone(change));
    let mut second = first.slots[0].clone();
    (second.slot, second.account) = (slot("oak"), Some(account("oak")));
    vec![
        bad("chain_empty", "no entries", "a server that shows nothing", &[]),
        g("genesis with a number", "seq is 0", &|e| e.seq = 1),
        g("genesis with a past", "prev is null", &|e| e.prev = Some(B32([7; 32]))),
        g("genesis of a later epoch", "the first epoch is 1", &|e| e.epoch = EpochNo(2)),
        g("genesis of two", "exactly one slot", &|e| e.slots.push(second.clone())),
        g("genesis of nobody", "exactly one slot", &|e| e.slots.clear()),
        g("genesis with an agent", "agents come by pairing", &|e| {
            e.agents.push(AgentPlace { agent: agent("porch"), sign: keys("porch").sign.public() })
        }),
        g("genesis by a member", "its slot manages", &|e| e.slots[0].rights = Slot::member_rights().to_vec()),
        g("genesis of a pending slot", "its slot has an account", &|e| e.slots[0].account = None),
        g("genesis by another slot", "by names its slot", &|e| e.by = slot("oak")),
        bad(
            "bad_entry_signature",
            "genesis signed by another key",
            "the key in its slot signs",
            &[raw_sign(LABEL, &serde_json::to_vec(&first).unwrap(), keys("oak").sign.expose())],
        ),
        bad(
            "bad_entry_signature",
            "genesis signed under another label",
            "labels keep documents apart",
            &[raw_sign("ks/name/v1", &serde_json::to_vec(&first).unwrap(), keys("elm").sign.expose())],
        ),
        bad(
            "bad_genesis",
            "the chain begins later",
            "the first entry is missing",
            &home.signed(PORCH_ADDED)[1..],
        ),
    ]
}

/// What a server can try that has every public byte and no member's key.
fn substituted(home: &Home) -> Vec<Case> {
    let server = keys("a server");
    let forge = |change: &dyn Fn(&mut Entry)| home.forged(PORCH_ADDED, slot("elm"), &server.sign, change);
    let joined = |change: &dyn Fn(&mut Entry)| {
        let mut entry = home.entries[OAK_JOINED].entry().clone();
        change(&mut entry);
        let mut entries = home.signed(OAK_INVITED);
        let signature = home.entries[OAK_JOINED].signed().signature.clone();
        entries.push(Signed { body: keepsight_ids::B64(serde_json::to_vec(&entry).unwrap()), signature });
        entries
    };
    vec![
        bad(
            "substituted_member_key",
            "a member's key substituted",
            "signed by the server's own key",
            &forge(&|e| find(e, "oak").kem = server.kem.public()),
        ),
        bad(
            "substituted_member_key",
            "a member's signing key substituted",
            "as above",
            &forge(&|e| find(e, "oak").sign = server.sign.public()),
        ),
        bad(
            "substituted_member_key",
            "an owner's key substituted",
            "as above",
            &forge(&|e| find(e, "elm").kem = server.kem.public()),
        ),
        bad(
            "substituted_member_key",
            "an invitee's key substituted",
            "the acceptance altered in passing, its signature kept",
            &joined(&|e| find(e, "oak").kem = server.kem.public()),
        ),
        bad(
            "substituted_member_key",
            "an account substituted",
            "as above",
            &joined(&|e| find(e, "oak").account = Some(account("a server"))),
        ),
        bad(
            "substituted_agent_key",
            "an agent's key substituted",
            "false Events would look real",
            &forge(&|e| e.agents[0].sign = server.sign.public()),
        ),
        bad(
            "substituted_agent_key",
            "an agent added",
            "as above",
            &forge(&|e| e.agents.push(AgentPlace { agent: agent("server"), sign: server.sign.public() })),
        ),
        bad(
            "substituted_epoch",
            "an epoch substituted where a box was added",
            "the box may be the owner's; the graver change names the refusal",
            &forge(&|e| {
                e.agents.push(AgentPlace { agent: agent("server"), sign: server.sign.public() });
                new_epoch(e);
            }),
        ),
        bad(
            "substituted_epoch",
            "an epoch substituted",
            "Events would be sealed to the server",
            &forge(&new_epoch),
        ),
        bad(
            "substituted_epoch",
            "an epoch's key substituted",
            "as above, under the same number",
            &forge(&|e| e.epoch_key = server.kem.public()),
        ),
        bad(
            "bad_entry_signature",
            "a slot added",
            "the server invites itself",
            &forge(&|e| {
                e.slots.push(Slot {
                    slot: slot("server"),
                    account: Some(account("a server")),
                    kem: server.kem.public(),
                    sign: server.sign.public(),
                    ..e.slots[0].clone()
                })
            }),
        ),
        bad(
            "bad_entry_signature",
            "a member's rights widened",
            "nobody of the home signed it",
            &forge(&|e| find(e, "oak").rights.push(Right::Manage)),
        ),
        bad(
            "unknown_author",
            "an author of its own",
            "by names a slot that the entry itself brings",
            &home.forged(PORCH_ADDED, slot("server"), &server.sign, |e| {
                e.slots.push(Slot {
                    slot: slot("server"),
                    account: Some(account("a server")),
                    kem: server.kem.public(),
                    sign: server.sign.public(),
                    ..e.slots[0].clone()
                })
            }),
        ),
    ]
}

fn links(home: &Home) -> Vec<Case> {
    let strange = keys("street nobody knows");
    let foreign = crate::fixture::home("oak street");
    let other =
        found_home(foreign, slot("elm"), account("elm"), &strange, NOW, &mut dice("oak street")).unwrap();
    let other: Vec<Signed> = other.chain.entries().iter().map(|e| e.signed().clone()).collect();
    let mut gap = home.signed(PORCH_ADDED);
    gap.remove(OAK_INVITED);
    let mut twice = home.signed(PORCH_ADDED);
    twice.insert(OAK_INVITED, twice[OAK_INVITED].clone());
    let mut cut_signature = home.signed(OAK_INVITED);
    cut_signature[OAK_INVITED].signature.0.pop();
    let mut respaced = home.signed(PORCH_ADDED);
    let body = &mut respaced[OAK_JOINED].body.0;
    *body = edited(body, "{\"v\":1,", "{\"v\":1, ");
    vec![
        bad("foreign_home", "another home's chain", "a cache that mixes up two homes", &other),
        bad(
            "foreign_home",
            "another home's entry",
            "a home never changes its identity",
            &home.by_elm(PORCH_ADDED, |e| e.home = foreign),
        ),
        bad("chain_gap", "an entry missing", "numbers rise by one", &gap),
        bad("chain_gap", "an entry twice", "numbers rise by one", &twice),
        bad(
            "chain_gap",
            "a number skipped",
            "as above, signed by an owner",
            &home.by_elm(PORCH_ADDED, |e| e.seq += 1),
        ),
        bad(
            "broken_link",
            "another past",
            "prev is the hash of the entry before",
            &home.by_elm(PORCH_ADDED, |e| e.prev = Some(B32([9; 32]))),
        ),
        bad(
            "broken_link",
            "no past",
            "prev is null in the genesis only",
            &home.by_elm(PORCH_ADDED, |e| e.prev = None),
        ),
        bad("bad_entry_signature", "a signature cut short", "64 bytes", &cut_signature),
        bad("malformed", "encoded anew", "the same meaning in other bytes is another document", &respaced),
        bad(
            "unknown_author",
            "a removed member writes on",
            "oak is not in the entry before",
            &home.forged(OAK_REMOVED, slot("oak"), &keys("oak").sign, |_| ()),
        ),
        bad(
            "bad_entry_signature",
            "signed by another member",
            "by names elm, oak signed",
            &home.forged(PORCH_ADDED, slot("elm"), &keys("oak").sign, |_| ()),
        ),
        bad(
            "bad_entry_signature",
            "signed by the invitation's old key",
            "the invitee's own key took its place",
            &home.forged(PORCH_ADDED, slot("oak"), &invited("oak").sign(), |_| ()),
        ),
    ]
}

fn authors(home: &Home) -> Vec<Case> {
    let by_oak =
        |change: &dyn Fn(&mut Entry)| home.forged(PORCH_ADDED, slot("oak"), &keys("oak").sign, change);
    let pending = |change: &dyn Fn(&mut Entry)| {
        home.forged(OAK_INVITED, slot("oak"), &invited("oak").sign(), |e| {
            let own = keys("oak");
            let slot = find(e, "oak");
            (slot.account, slot.kem, slot.sign) = (Some(account("oak")), own.kem.public(), own.sign.public());
            change(e);
        })
    };
    let other = keys("somebody");
    let late = UnixMillis(NOW.0 + 1);
    vec![
        bad(
            "foreign_slot_replaced",
            "an owner replaces a member's key",
            "each member's keys are their own to change",
            &home.by_elm(PORCH_ADDED, |e| find(e, "oak").kem = other.kem.public()),
        ),
        bad(
            "foreign_slot_replaced",
            "an owner replaces another owner's signing key",
            "as above",
            &home.by_elm(ASH_JOINED, |e| find(e, "ash").sign = other.sign.public()),
        ),
        bad(
            "foreign_slot_replaced",
            "an owner moves a slot to another account",
            "a slot stays with its account",
            &home.by_elm(PORCH_ADDED, |e| find(e, "oak").account = Some(account("somebody"))),
        ),
        bad(
            "foreign_slot_replaced",
            "an owner moves their own slot to another account",
            "a slot stays with its account",
            &home.by_elm(ASH_JOINED, |e| find(e, "elm").account = Some(account("somebody"))),
        ),
        bad(
            "foreign_slot_replaced",
            "an owner accepts for the invitee",
            "only the invitation's own key does",
            &home.by_elm(OAK_INVITED, |e| find(e, "oak").account = Some(account("oak"))),
        ),
        bad(
            "no_owner",
            "the last owner leaves",
            "nobody could change the home",
            &home.by_elm(PORCH_ADDED, |e| {
                e.slots.retain(|s| s.slot != slot("elm"));
                new_epoch(e);
            }),
        ),
        bad(
            "no_owner",
            "the last owner gives up managing",
            "as above",
            &home.by_elm(PORCH_ADDED, |e| find(e, "elm").rights = Slot::member_rights().to_vec()),
        ),
        bad(
            "no_owner",
            "only a pending owner is left",
            "an invitation may never be accepted",
            &home.by_elm(ASH_INVITED, |e| {
                e.slots.retain(|s| s.slot != slot("elm"));
                new_epoch(e);
            }),
        ),
        bad(
            "not_an_owner",
            "a member gives themselves rights",
            "members change only their own keys",
            &by_oak(&|e| find(e, "oak").rights.push(Right::Manage)),
        ),
        bad(
            "not_an_owner",
            "a member invites",
            "members change only their own keys",
            &by_oak(&|e| e.slots.push(Slot::pending(&invited("ash"), &Slot::member_rights(), NOW))),
        ),
        bad(
            "not_an_owner",
            "a member removes another agent",
            "members change only their own keys",
            &by_oak(&|e| e.agents.clear()),
        ),
        bad(
            "not_an_owner",
            "a member removes themselves",
            "leaving is the server's and the next owner's doing",
            &by_oak(&|e| {
                e.slots.retain(|s| s.slot != slot("oak"));
                new_epoch(e);
            }),
        ),
        bad(
            "not_an_owner",
            "a member begins an epoch",
            "members change only their own keys",
            &by_oak(&new_epoch),
        ),
        bad(
            "not_an_owner",
            "a member moves to another account",
            "a slot stays with its account",
            &by_oak(&|e| find(e, "oak").account = Some(account("somebody"))),
        ),
        bad(
            "not_an_owner",
            "a member becomes pending",
            "a slot stays with its account",
            &by_oak(&|e| find(e, "oak").account = None),
        ),
        bad(
            "not_an_owner",
            "a member's time prolonged",
            "members change only their own keys",
            &by_oak(&|e| find(e, "oak").from = late),
        ),
        bad(
            "nothing_changed",
            "a member's entry that changes nothing",
            "who may only replace their own keys can't lengthen the chain otherwise",
            &by_oak(&|_| ()),
        ),
        bad(
            "invitation_overreach",
            "an invitee takes more rights",
            "an invitation gives what it gives",
            &pending(&|e| find(e, "oak").rights = Slot::owner_rights().to_vec()),
        ),
        bad(
            "invitation_overreach",
            "an invitee adds an agent",
            "an invitation changes its own slot only",
            &pending(&|e| {
                e.agents.push(AgentPlace { agent: agent("porch"), sign: keys("porch").sign.public() })
            }),
        ),
        bad(
            "invitation_overreach",
            "an invitee replaces the owner's key",
            "an invitation changes its own slot only",
            &pending(&|e| find(e, "elm").kem = other.kem.public()),
        ),
        bad(
            "invitation_overreach",
            "an invitee stays pending",
            "other keys without an account: whoever has the link would lock the invitee out unseen",
            &pending(&|e| find(e, "oak").account = None),
        ),
        bad(
            "repeated_account",
            "an invitee with the owner's account",
            "an account has one slot",
            &pending(&|e| find(e, "oak").account = Some(account("elm"))),
        ),
    ]
}

fn epoch_rules(home: &Home) -> Vec<Case> {
    let key = |name: &str| EpochSecret::random(&mut dice(name)).public();
    vec![
        bad(
            "rotation_missing",
            "a member removed and the key stays",
            "the removed would open what comes",
            &home.by_elm(PORCH_ADDED, |e| e.slots.retain(|s| s.slot != slot("oak"))),
        ),
        bad(
            "rotation_missing",
            "an invitation revoked and the key stays",
            "its holder has the key already",
            &home.by_elm(OAK_INVITED, |e| e.slots.retain(|s| s.slot != slot("oak"))),
        ),
        bad(
            "rotation_missing",
            "review taken and the key stays",
            "as above",
            &home.by_elm(PORCH_ADDED, |e| find(e, "oak").rights = vec![Right::Live]),
        ),
        bad(
            "rotation_missing",
            "a member narrowed to a camera and the key stays",
            "the home's key opens every camera",
            &home.by_elm(PORCH_ADDED, |e| find(e, "oak").cameras = Some(vec![camera("hall")])),
        ),
        bad(
            "rotation_missing",
            "a member exchanged",
            "one slot went, another came",
            &home.by_elm(PORCH_ADDED, |e| {
                e.slots.retain(|s| s.slot != slot("oak"));
                e.slots.push(Slot::pending(&invited("ash"), &Slot::member_rights(), NOW));
            }),
        ),
        bad(
            "epoch_jump",
            "an epoch skipped",
            "epochs rise by one",
            &home.by_elm(PORCH_ADDED, |e| {
                e.epoch = EpochNo(3);
                e.epoch_key = key("skipped");
            }),
        ),
        bad(
            "epoch_jump",
            "an epoch backwards",
            "epochs rise by one",
            &home.by_elm(OAK_REMOVED, |e| {
                e.epoch = EpochNo(1);
                e.epoch_key = home.secrets[0].public();
            }),
        ),
        bad(
            "epoch_jump",
            "epoch zero",
            "the first epoch is 1",
            &home.by_elm(PORCH_ADDED, |e| e.epoch = EpochNo(0)),
        ),
        bad(
            "epoch_key_mixed",
            "the same epoch with another key",
            "a number has one key",
            &home.by_elm(PORCH_ADDED, |e| e.epoch_key = key("mixed")),
        ),
        bad(
            "epoch_key_mixed",
            "the next epoch with the same key",
            "a new number brings a new key",
            &home.by_elm(PORCH_ADDED, |e| e.epoch = EpochNo(2)),
        ),
    ]
}

fn shapes(home: &Home) -> Vec<Case> {
    let many_slots = home.by_elm(OAK_JOINED, |e| {
        for n in e.slots.len()..=MAX_SLOTS {
            let name = format!("guest {n}");
            e.slots.push(Slot::pending(&invited(&name), &[Right::Live], NOW));
        }
    });
    let many_agents = home.by_elm(OAK_JOINED, |e| {
        for n in 0..=MAX_AGENTS {
            e.agents.push(AgentPlace { agent: agent(&format!("{n}")), sign: keys("porch").sign.public() });
        }
    });
    let large = home.edited("{\"v\":1,", &format!("{{\"v\":1,{}", " ".repeat(64 * 1024)));
    let m = |name, why, from: &str, to: &str| bad("malformed", name, why, &home.edited(from, to));
    vec![
        bad(
            "repeated_slot",
            "a slot twice",
            "slots are unique",
            &home.by_elm(PORCH_ADDED, |e| {
                let mut twin = e.slots[1].clone();
                twin.account = None;
                e.slots.push(twin);
            }),
        ),
        bad(
            "repeated_account",
            "an account twice",
            "an account has one slot",
            &home.by_elm(PORCH_ADDED, |e| {
                let mut twin = e.slots[1].clone();
                twin.slot = slot("twin");
                e.slots.push(twin);
            }),
        ),
        bad(
            "repeated_agent",
            "an agent twice",
            "an agent has one key",
            &home.by_elm(PORCH_ADDED, |e| {
                let twin = e.agents[0];
                e.agents.push(twin);
            }),
        ),
        bad(
            "malformed",
            "a right twice",
            "rights are a set",
            &home.by_elm(PORCH_ADDED, |e| find(e, "oak").rights.push(Right::Live)),
        ),
        bad(
            "malformed",
            "a camera twice",
            "cameras are a set",
            &home.by_elm(PORCH_ADDED, |e| {
                find(e, "oak").cameras = Some(vec![camera("hall"), camera("hall")]);
                new_epoch(e);
            }),
        ),
        bad("too_many", "65 slots", "a home has at most 64", &many_slots),
        bad("too_many", "17 agents", "a home has at most 16", &many_agents),
        bad("too_large", "more than 64 KiB", "an entry has at most 65,536 bytes", &large),
        m("unknown key", "documents are strict", "{\"v\":1,", "{\"v\":1,\"note\":\"x\","),
        m("unknown key in a slot", "at every depth", "{\"slot\":", "{\"note\":1,\"slot\":"),
        m("duplicate key", "two readers could read two things", "\"epoch\":1,", "\"epoch\":1,\"epoch\":1,"),
        m(
            "duplicate key, written with an escape",
            "the same key in other characters",
            "\"epoch\":1,",
            "\"epoch\":1,\"\\u0065poch\":1,",
        ),
        m("duplicate key in a slot", "at every depth", "\"until\":null,", "\"until\":null,\"until\":null,"),
        m("missing key", "what is absent stands as null", "\"until\":null,", ""),
        m("another version", "only version 1 is known", "\"v\":1", "\"v\":2"),
        m("version as text", "a number", "\"v\":1", "\"v\":\"1\""),
        m("an unknown right", "rights are a closed list", "\"live\"", "\"fly\""),
        m("a right in capitals", "text forms are exact", "\"live\"", "\"Live\""),
        m("a camera for a slot", "another kind of identity", "\"slot\":\"slt_", "\"slot\":\"cam_"),
        m("an identity in capitals", "an identity has one text form", "\"slot\":\"slt_", "\"slot\":\"SLT_"),
        m("a short key", "keys have 32 bytes", "\"kem\":\"", "\"kem\":\"AAAA\",\"kem_\":\""),
        m("a padded key", "base64url without padding", "\",\"sign\":\"", "=\",\"sign\":\""),
        m("a negative number", "numbers count", "\"seq\":3", "\"seq\":-3"),
        m("a fraction", "whole numbers", "\"seq\":3", "\"seq\":3.5"),
        m(
            "a number beyond 2^53",
            "every reader reads the same",
            "\"from\":1700000000000",
            "\"from\":9007199254740993",
        ),
        m("an epoch beyond 32 bits", "it is sealed as 32 bits", "\"epoch\":1,", "\"epoch\":4294967297,"),
        m("a space", "an entry has one form, and no padding", "{\"v\":1,", "{\"v\":1, "),
        m("padded", "as above, 60,000 times", "{\"v\":1,", &format!("{{\"v\":1,{}", " ".repeat(60_000))),
        m("a line's end behind", "as above", "\"agents\":[]}", "\"agents\":[]}\n"),
        m("a character as an escape", "as above", "\"live\"", "\"l\\u0069ve\""),
        m(
            "keys in another order",
            "as above",
            "\"from\":1700000000000,\"until\":null,",
            "\"until\":null,\"from\":1700000000000,",
        ),
        m("a place from before 1970", "times count from 1970", "\"from\":1700000000000", "\"from\":-1"),
        m("a place until before 1970", "times count from 1970", "\"until\":null", "\"until\":-1"),
        m("something behind", "one document", "\"agents\":[]}", "\"agents\":[]}{}"),
        m("a byte order mark", "documents begin with {", "{\"v\":1", "\u{feff}{\"v\":1"),
        m("not JSON", "a comma too many", "\"agents\":[]", "\"agents\":[],"),
    ]
}

/// Keys that nobody made honestly: sealing to one fails, and whether one signed is answered in different ways.
fn small_order(home: &Home) -> Vec<Case> {
    let points = |eighth: [&str; 2]| {
        let both = [format!("00{}", "00".repeat(31)), format!("01{}", "00".repeat(31))];
        let high = ["ec", "ed", "ee"].map(|low| format!("{low}{}7f", "ff".repeat(30)));
        let hex = both.into_iter().chain(high).chain(eighth.map(str::to_owned));
        hex.map(|hex| B32(HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap())).collect::<Vec<_>>()
    };
    let names = ["zero", "one", "p - 1", "p", "p + 1", "of order 8", "another of order 8"];
    let kem = points([
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ]);
    let sign = points([
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ]);
    let by_oak =
        |change: &dyn Fn(&mut Entry)| home.forged(PORCH_ADDED, slot("oak"), &keys("oak").sign, change);
    let mut cases = Vec::new();
    for (name, (kem, sign)) in names.into_iter().zip(kem.iter().zip(&sign)) {
        let why = "a member's new key to which nobody can seal an epoch";
        let entries = by_oak(&|e| find(e, "oak").kem = KemPublic(*kem));
        cases.push(bad("malformed", &format!("a small key in a slot: {name}"), why, &entries));
        let why = "whether it signed would be answered in different ways";
        let entries = by_oak(&|e| find(e, "oak").sign = SignPublic(*sign));
        cases.push(bad("malformed", &format!("a small signing key in a slot: {name}"), why, &entries));
    }
    let mut top = kem[0];
    top.0[31] = 0x80;
    cases.extend([
        bad(
            "malformed",
            "a small key with its highest bit set",
            "the bit is ignored when sealing",
            &by_oak(&|e| find(e, "oak").kem = KemPublic(top)),
        ),
        bad(
            "malformed",
            "a small epoch key",
            "Events could not be sealed to it",
            &home.by_elm(PORCH_ADDED, |e| {
                e.epoch = e.epoch.next();
                e.epoch_key = KemPublic(kem[1]);
            }),
        ),
        bad(
            "malformed",
            "a small key of an agent",
            "as a member's",
            &home.by_elm(PORCH_ADDED, |e| e.agents[0].sign = SignPublic(sign[0])),
        ),
    ]);
    cases
}

pub fn epochs() -> Vec<Case> {
    let home = Home::new();
    let last = home.entries.len() - 1;
    let entries = home.signed(last);
    let input = |name: &str, kem: &KemSecret, packages: &[EpochPackage]| {
        json!({
            "home": crate::fixture::home("elm"), "entries": entries, "slot": slot(name),
            "kem_private": b64(kem.expose()), "packages": packages,
        })
    };
    let elm = keys("elm").kem;
    let own = |packages: &[EpochPackage]| input("elm", &elm, packages);
    let [first, second] = home.packages.as_slice() else { panic!("two epochs") };
    let altered = |change: &dyn Fn(&mut EpochPackage)| {
        let mut second = second.clone();
        change(&mut second);
        own(&[first.clone(), second])
    };
    let server = EpochSecret::random(&mut dice("a server's epoch"));
    let resealed = {
        let mut entry = home.entries[last].entry().clone();
        entry.slots.retain(|s| s.slot == slot("elm"));
        seal_package(&entry, &server, Some(&home.secrets[0]), &mut dice("resealed")).unwrap()
    };
    let other_home = {
        let mut entry = home.entries[last].entry().clone();
        entry.home = crate::fixture::home("oak street");
        seal_package(&entry, &home.secrets[1], Some(&home.secrets[0]), &mut dice("other home")).unwrap()
    };
    let swapped_previous = {
        let entry = home.entries[last].entry().clone();
        seal_package(&entry, &home.secrets[1], Some(&server), &mut dice("swapped")).unwrap()
    };
    let first_entry = home.entries[GENESIS].entry();
    let low_order = keepsight_ids::B32([0; 32]);
    vec![
        opens("open", "both epochs", "the newest directly, the first through it", own(&home.packages)),
        opens(
            "open",
            "in any order",
            "packages are sorted by the reader",
            own(&[second.clone(), first.clone()]),
        ),
        opens(
            "open",
            "only the newest package",
            "the first epoch's secret is inside",
            own(std::slice::from_ref(second)),
        ),
        opens("open", "the first sealed to keys long replaced", "its secret comes through the second", {
            let mut old = first.clone();
            old.sealed[0].ct.0[0] ^= 1;
            own(&[old, second.clone()])
        }),
        opens(
            "open",
            "a later owner",
            "ash sees the home's whole history",
            input("ash", &keys("ash").kem, &home.packages),
        ),
        opens(
            "open",
            "no way back",
            "without the previous secret only the newest opens, and what is sealed directly",
            altered(&|p| p.previous = None),
        ),
        refused(
            "open",
            "epoch_not_open",
            "a removed member",
            "the newest epoch isn't sealed to oak",
            input("oak", &keys("oak").kem, &home.packages),
        ),
        refused("open", "epoch_not_open", "no packages", "a server that sends nothing", own(&[])),
        refused(
            "open",
            "epoch_not_open",
            "only an old package",
            "the newest is missing",
            own(std::slice::from_ref(first)),
        ),
        refused(
            "open",
            "cannot_open",
            "another's key",
            "ash's key doesn't open what is sealed to elm",
            input("elm", &keys("ash").kem, &home.packages),
        ),
        refused(
            "open",
            "epoch_mismatch",
            "a secret of the server's own",
            "its public key isn't the chain's",
            own(&[first.clone(), resealed]),
        ),
        refused(
            "open",
            "epoch_mismatch",
            "another past secret",
            "the secret inside isn't the first epoch's",
            own(&[swapped_previous]),
        ),
        refused(
            "open",
            "cannot_open",
            "sealed for another home",
            "the home is in the info",
            own(&[other_home]),
        ),
        refused(
            "open",
            "cannot_open",
            "the first epoch's package under the second's number",
            "the epoch is in the info",
            altered(&|p| p.sealed.clone_from(&first.sealed)),
        ),
        refused(
            "open",
            "cannot_open",
            "ash's secret in elm's place",
            "the slot is in the info",
            altered(&|p| {
                let ash = p.sealed.iter().find(|s| s.slot == slot("ash")).unwrap().clone();
                let elm = p.sealed.iter_mut().find(|s| s.slot == slot("elm")).unwrap();
                (elm.enc, elm.ct) = (ash.enc, ash.ct);
            }),
        ),
        refused("open", "unknown_epoch", "an epoch that the chain never had", "the server invents one", {
            let mut entry = first_entry.clone();
            entry.epoch = EpochNo(3);
            own(&[
                first.clone(),
                second.clone(),
                seal_package(&entry, &server, None, &mut dice("invented")).unwrap(),
            ])
        }),
        refused(
            "open",
            "cannot_open",
            "altered secret",
            "one bit of the ciphertext",
            altered(&|p| {
                for s in &mut p.sealed {
                    s.ct.0[5] ^= 1;
                }
            }),
        ),
        refused(
            "open",
            "cannot_open",
            "altered encapsulated key",
            "one bit",
            altered(&|p| {
                for s in &mut p.sealed {
                    s.enc.0[3] ^= 1;
                }
            }),
        ),
        refused(
            "open",
            "cannot_open",
            "low-order encapsulated key",
            "the shared secret would be known to all",
            altered(&|p| {
                for s in &mut p.sealed {
                    s.enc = low_order;
                }
            }),
        ),
        refused(
            "open",
            "cannot_open",
            "cut ciphertext",
            "47 bytes",
            altered(&|p| {
                for s in &mut p.sealed {
                    s.ct.0.pop();
                }
            }),
        ),
        refused(
            "open",
            "cannot_open",
            "altered previous secret",
            "one bit",
            altered(&|p| p.previous.as_mut().unwrap().ct.0[0] ^= 1),
        ),
    ]
}
