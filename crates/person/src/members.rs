//! Who belongs to a home: inviting, accepting, removing with a new epoch, leaving.
//!
//! Whatever changes is one entry of the chain, sent with all that belongs to it in one request: the server takes all of it or
//! nothing. If somebody else's entry came first the server answers `conflict`, and the caller may try again.

use std::collections::BTreeSet;

use http::Method;
use keepsight_ids::{EpochNo, HomeId, SlotId};
use keepsight_seal::{
    Chain, Draft, EpochSecrets, Invitation, SealError, SignSecret, Slot, Subject, VerifiedEntry,
    open_for_slot, open_name, seal_to_slot,
};
use keepsight_wire::people::{
    ChainAppend, ChainHead, InvitationAccept, InvitationOpen, InvitationOpened, NewInvitation, Right,
};
use keepsight_wire::{EpochPackage, Signed};

use crate::{Api, OpenHome, Person, PersonError};

impl Person {
    /// Invites somebody with these rights ([`Slot::member_rights`], [`Slot::owner_rights`]). The link to give them is
    /// [`Invitation::link`]; it works once, for seven days.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn invite(&self, home: HomeId, rights: &[Right]) -> Result<Invitation, PersonError> {
        let open = self.open_home(home).await?;
        let slot = SlotId::from_bytes(self.world.random());
        let invitation = Invitation::random(home, slot, open.chain.pin().genesis, &mut self.world.rng());
        let pending = Slot::pending(&invitation, rights, self.now());
        let epoch = open.epoch();
        let secret = open.secrets.get(epoch)?;
        let sealed = seal_to_slot(home, epoch, slot, &pending.kem, secret, &mut self.world.rng())?;
        let mut draft = Draft::after(open.chain.head(), open.slot);
        let entry = draft.add(pending).sign(&self.keys()?.sign)?;
        let token_hash = invitation.token_hash();
        let body =
            ChainAppend { invitation: Some(NewInvitation { slot, token_hash, sealed }), ..append_of(&entry) };
        self.append(&open, entry, &body, None).await?;
        Ok(invitation)
    }

    /// Looks at an invitation: the home's name, before anything is accepted. Works signed out.
    ///
    /// # Errors
    /// [`PersonError::Refused`] for one that was used, revoked or lapsed; [`PersonError::Seal`], such as
    /// [`SealError::NotTheInvitedHome`] for a home that the server made up.
    pub async fn look_at_invitation(api: &Api, invitation: &Invitation) -> Result<String, PersonError> {
        let opened = open_invitation(api, invitation).await?;
        let (chain, secrets) = enter(invitation, &opened, None)?;
        Ok(open_name(&opened.name, &chain, Subject::Home(invitation.home), &secrets)?)
    }

    /// Accepts an invitation: puts this account and its keys into the pending slot. The home that the link names is remembered
    /// before anything is signed or sent.
    ///
    /// # Errors
    /// As [`Person::look_at_invitation`]; [`PersonError::Locked`].
    pub async fn accept(&self, invitation: &Invitation) -> Result<HomeId, PersonError> {
        let (home, slot, keys) = (invitation.home, invitation.slot, self.keys()?);
        let opened = open_invitation(&self.api, invitation).await?;
        let (chain, secrets) = enter(invitation, &opened, self.pin(home).as_ref())?;
        self.raise_pin(chain.pin());
        let epoch = chain.head().entry().epoch;
        let secret = secrets.get(epoch)?;
        let sealed = seal_to_slot(home, epoch, slot, &keys.kem.public(), secret, &mut self.world.rng())?;
        let mut draft = Draft::after(chain.head(), slot);
        let entry = draft.accept(self.account(), &keys).sign(&invitation.sign())?;
        let body = InvitationAccept { ticket: invitation.ticket(), entry: entry.signed().clone(), sealed };
        let _: ChainHead = self.api.post("/invitations/accept", &body).await?;
        self.keep(&OpenHome { chain, secrets, slot }, entry, None)?;
        Ok(home)
    }

    /// Removes a member, or revokes an invitation: their slot goes, a new epoch begins, and names are sealed to it.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn remove_member(&self, home: HomeId, slot: SlotId) -> Result<(), PersonError> {
        let open = self.open_home(home).await?;
        self.rotate_without(&open, &BTreeSet::from([slot])).await
    }

    /// Does what is due after a membership ended without an owner's browser (`rotation_due`): takes the slots out that the server
    /// no longer knows, and begins a new epoch.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn rotate(&self, home: HomeId) -> Result<(), PersonError> {
        let open = self.open_home(home).await?;
        let people = self.people(home).await?;
        let members = people.members.iter().map(|member| member.slot);
        let known: BTreeSet<SlotId> = members.chain(people.invitations.iter().map(|one| one.slot)).collect();
        let listed = open.chain.head().entry().slots.iter().map(|slot| slot.slot);
        let gone = listed.filter(|slot| !known.contains(slot) && *slot != open.slot).collect();
        self.rotate_without(&open, &gone).await
    }

    /// Takes an agent out of the home.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`], [`PersonError::Seal`].
    pub async fn remove_agent(&self, home: HomeId, agent: keepsight_ids::AgentId) -> Result<(), PersonError> {
        let open = self.open_home(home).await?;
        let mut draft = Draft::after(open.chain.head(), open.slot);
        let entry = draft.remove_agent(agent).sign(&self.keys()?.sign)?;
        let body = append_of(&entry);
        self.append(&open, entry, &body, None).await
    }

    /// Leaves a home. The gate acts at once; the next owner's browser begins a new epoch.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn leave(&self, home: HomeId) -> Result<(), PersonError> {
        self.api.tell(Method::DELETE, &format!("/homes/{home}/people/me"), None).await
    }

    /// Without those slots, and without the invitations that have lapsed: their links would go on opening what comes.
    async fn rotate_without(&self, open: &OpenHome, gone: &BTreeSet<SlotId>) -> Result<(), PersonError> {
        let previous = open.secrets.get(open.epoch())?;
        let mut draft = Draft::after(open.chain.head(), open.slot);
        for slot in gone.iter().copied().chain(self.lapsed(open.chain.home()).await?) {
            draft.remove(slot);
        }
        let (secret, package) = draft.rotate(previous, &mut self.world.rng())?;
        let entry = draft.sign(&self.keys()?.sign)?;
        let next = extended(open, &entry, Some((entry.entry().epoch, secret.clone())))?;
        let names = self.names_sealed_anew(open, &next, &self.keys()?.sign).await?;
        let body = ChainAppend { epoch: Some(package), names, ..append_of(&entry) };
        self.append(open, entry, &body, Some(secret)).await
    }

    /// The places of invitations that nobody can accept any more.
    pub(crate) async fn lapsed(&self, home: HomeId) -> Result<Vec<SlotId>, PersonError> {
        let invitations = self.people(home).await?.invitations;
        Ok(invitations.iter().filter(|one| one.lapsed).map(|one| one.slot).collect())
    }

    /// The names of the home and its cameras, sealed to the epoch of `next`. A name that doesn't open stays as it is.
    pub(crate) async fn names_sealed_anew(
        &self,
        open: &OpenHome,
        next: &OpenHome,
        key: &SignSecret,
    ) -> Result<Vec<Signed>, PersonError> {
        let home = open.chain.home();
        let mut shown = vec![(Subject::Home(home), self.home(home).await?.name)];
        let cameras = self.cameras(home).await?;
        shown.extend(cameras.into_iter().map(|camera| (Subject::Camera(camera.camera), camera.name)));
        let opened = shown
            .into_iter()
            .filter_map(|(subject, name)| Some((subject, open.name_of(subject, &name).ok()?)));
        opened.map(|(subject, text)| self.name_signed_by(next, subject, &text, key)).collect()
    }

    pub(crate) async fn append(
        &self,
        open: &OpenHome,
        entry: VerifiedEntry,
        body: &ChainAppend,
        secret: Option<keepsight_seal::EpochSecret>,
    ) -> Result<(), PersonError> {
        let home = open.chain.home();
        let _: ChainHead = self.api.post(&format!("/homes/{home}/chain"), body).await?;
        self.keep(open, entry, secret)
    }

    pub(crate) fn keep(
        &self,
        open: &OpenHome,
        entry: VerifiedEntry,
        secret: Option<keepsight_seal::EpochSecret>,
    ) -> Result<(), PersonError> {
        let epoch = entry.entry().epoch;
        let next = extended(open, &entry, secret.map(|secret| (epoch, secret)))?;
        self.remember(next);
        Ok(())
    }
}

pub(crate) fn append_of(entry: &VerifiedEntry) -> ChainAppend {
    ChainAppend {
        entry: entry.signed().clone(),
        epoch: None::<EpochPackage>,
        invitation: None,
        pairing: None,
        names: Vec::new(),
        resealed: None,
    }
}

pub(crate) fn extended(
    open: &OpenHome,
    entry: &VerifiedEntry,
    secret: Option<(EpochNo, keepsight_seal::EpochSecret)>,
) -> Result<OpenHome, PersonError> {
    let mut next = open.clone();
    next.chain.extend(std::slice::from_ref(entry.signed()))?;
    if let Some((epoch, secret)) = secret {
        next.secrets.add(&next.chain, epoch, secret)?;
    }
    Ok(next)
}

async fn open_invitation(api: &Api, invitation: &Invitation) -> Result<InvitationOpened, PersonError> {
    api.post("/invitations/open", &InvitationOpen { ticket: invitation.ticket() }).await
}

/// Verifies what an invitation shows and opens the epoch's secret with the link's own key.
fn enter(
    invitation: &Invitation,
    opened: &InvitationOpened,
    pin: Option<&keepsight_seal::Pin>,
) -> Result<(Chain, EpochSecrets), SealError> {
    let chain = invitation.verify(&opened.entries, pin)?;
    let epoch = EpochNo(opened.epoch);
    let (enc, ct) = (&opened.sealed.enc, &opened.sealed.ct.0);
    let secret = open_for_slot(&chain, epoch, invitation.slot, &invitation.kem(), enc, ct)?;
    let mut secrets = EpochSecrets::none(invitation.home);
    secrets.add(&chain, epoch, secret)?;
    secrets.get(chain.head().entry().epoch)?;
    Ok((chain, secrets))
}
