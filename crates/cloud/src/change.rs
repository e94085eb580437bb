//! Writing to the truth, and telling why not: one place for what every refusal means to a caller.

use keepsight_gate::{Change, ChangeError, Changed, Permit, Refusal};

use crate::cloud::Cloud;
use crate::edge::fault::{Code, Fault, Outcome};
use crate::feed::What;

impl Cloud {
    /// Makes a change, and tells the home's open streams that something is new.
    pub(crate) async fn change(&self, permit: Permit, change: Change) -> Outcome<Changed> {
        let home = permit.home();
        let changed = self.gate.change(permit, change).await?;
        if let Some(home) = home {
            self.feed.tell(home, What::Home);
        }
        Ok(changed)
    }
}

impl From<ChangeError> for Fault {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Denied(denied) => denied.into(),
            ChangeError::Refused(refusal) => refusal.into(),
            ChangeError::Contended => Self::unavailable("overtaken by other changes every time"),
            ChangeError::Unknown(why) => {
                let message = "It is not known whether the change was made. Look at how things are before you try again.";
                Self::new(Code::Unavailable, message).logged(why).retry_after(2)
            }
            other => Self::unavailable(other),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NameTaken => Self::conflict("Another account has this name. Choose another."),
            Refusal::IdTaken => Self::conflict("This id is in use. Make a new one."),
            Refusal::NoTicket => Self::new(
                Code::NotAllowed,
                "Signing up needs a set-up link or an invitation that is still good.",
            ),
            Refusal::CredentialReplaced => wrong_sign_in(),
            Refusal::ChainMoved => Self::conflict(
                "The home has changed meanwhile. Read its chain again and make the change anew.",
            ),
            Refusal::NoOwnerLeft => Self::conflict("A home needs at least one owner."),
            Refusal::NotFound => Self::not_found(),
            Refusal::Gone => Self::new(Code::Gone, "This has been used or has lapsed. Ask for a new one."),
            Refusal::AlreadyThere => Self::conflict("This is there already."),
            Refusal::Limit(what) => Self::conflict(format!("The limit of {what} is reached.")),
            other => Self::conflict("This can't be done as things are.").logged(other),
        }
    }
}

/// One answer for a wrong name, a wrong password and a wrong recovery code.
pub(crate) fn wrong_sign_in() -> Fault {
    Fault::new(Code::WrongSignIn, "The name or the secret is wrong.")
}
