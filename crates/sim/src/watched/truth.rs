//! Truth, watched.

use async_trait::async_trait;
use keepsight_gate::{
    Author, Committed, FenceQuery, FenceReply, Lane, Permit, TokenHash, TruthError, Write, WriteError,
};
use keepsight_ids::AgentId;
use keepsight_ledger::Locked;
use keepsight_store::StoreError;
use keepsight_store::truth::{
    AccountRow, AgentKeyRow, CameraRow, ChainEntryRow, HomeAgentRow, HomeLimits, HomeRow, MemberRow,
    OfferRow, OfferedInvitationRow, OpenInvitationRow, OwnEpochRow, OwnHomeRow, PairingRow, PersonNameRow,
    RetentionRow, ServiceRow, SessionRow, SignInRow, Truth,
};

use super::Watched;

#[async_trait]
impl<S: Truth> keepsight_gate::Truth for Watched<S> {
    async fn fence(&self, lane: Lane, query: FenceQuery) -> Result<FenceReply, TruthError> {
        let reply = self.inner.fence(lane, query.clone()).await;
        self.book.fence(&query, reply.as_ref().ok());
        reply
    }

    fn close(&self, lane: Lane) {
        self.book.plain("close");
        self.inner.close(lane);
    }

    async fn commit(&self, write: Write) -> Result<Committed, WriteError> {
        match &write.author {
            Author::Permit(permit) => self.book.about("commit", permit),
            Author::Operator => self.book.plain("commit"),
        }
        self.inner.commit(write).await
    }
}

/// Functions that take a Permit and perhaps one thing more.
macro_rules! under_a_permit {
    ($($name:ident($($arg:ident: $ty:ty)?) -> $out:ty;)*) => {
        #[async_trait]
        impl<S: Truth> Truth for Watched<S> {
            async fn start_service(&self, secret: [u8; 32], setup: TokenHash) -> Result<ServiceRow, StoreError> {
                self.book.plain("start_service");
                self.inner.start_service(secret, setup).await
            }

            async fn retention_rules(&self) -> Result<Vec<RetentionRow>, StoreError> {
                self.book.plain("retention_rules");
                self.inner.retention_rules().await
            }

            async fn sweep(&self) -> Result<u64, StoreError> {
                self.book.plain("truth_sweep");
                self.inner.sweep().await
            }

            $(async fn $name(&self, permit: &Permit $(, $arg: $ty)?) -> Result<$out, StoreError> {
                self.book.about(stringify!($name), permit);
                self.inner.$name(permit $(, $arg)?).await
            })*
        }
    };
}

under_a_permit! {
    service() -> ServiceRow;
    sign_in_data(name_key: &str) -> Option<SignInRow>;
    agent_key(agent: AgentId) -> Option<AgentKeyRow>;
    pairing_offer(lookup: &str) -> Option<OfferRow>;
    account() -> Locked<Option<AccountRow>>;
    sessions() -> Locked<Vec<SessionRow>>;
    touch_session() -> ();
    homes() -> Locked<Vec<OwnHomeRow>>;
    home() -> Locked<Option<HomeRow>>;
    limits() -> HomeLimits;
    chain(after: Option<u64>) -> Locked<Vec<ChainEntryRow>>;
    epochs() -> Locked<Vec<OwnEpochRow>>;
    members() -> Locked<Vec<MemberRow>>;
    invitations() -> Locked<Vec<OpenInvitationRow>>;
    names() -> Locked<Vec<PersonNameRow>>;
    pairing(lookup: &str) -> Locked<Option<PairingRow>>;
    agents() -> Locked<Vec<HomeAgentRow>>;
    cameras() -> Locked<Vec<CameraRow>>;
    invitation() -> Locked<Option<OfferedInvitationRow>>;
}
