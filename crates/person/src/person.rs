//! A person: their account, their keys, and what they remember of their homes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{HeaderMap, Method};
use keepsight_ids::{AccountId, B64, HomeId};
use keepsight_seal::{AccountKeys, ITERATIONS_LEAST, PasswordSplit, Pin, RecoveryCode, Slot, split_password};
use keepsight_wire::people::{
    Account, Credentials, NameQuery, PasswordChange, PasswordParameters, RecoveryCredentials, RecoveryOpen,
    RecoveryOpened, RecoveryReplace, Session, SignIn, SignUp, Ticket,
};
use keepsight_world::World;

use crate::{Answer, Api, OpenHome, PersonError};

/// Somebody who is signed in. Shared by reference between tasks.
pub struct Person {
    pub(crate) api: Api,
    pub(crate) world: World,
    pub(crate) account: Account,
    keys: Mutex<Option<AccountKeys>>,
    /// Keys that were replaced, for homes in which they still stand.
    replaced: Mutex<Vec<AccountKeys>>,
    pub(crate) remembered: Mutex<BTreeMap<HomeId, Remembered>>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({}, {})", self.account.name, self.account.account)
    }
}

/// What is known of a home: the pin outlives everything else.
pub(crate) struct Remembered {
    pub(crate) pin: Pin,
    pub(crate) open: Option<Arc<OpenHome>>,
}

/// A new account.
#[derive(Debug)]
pub struct SignedUp {
    /// Its holder, signed in and unlocked.
    pub person: Person,
    /// What they would write down.
    pub recovery: RecoveryCode,
}

impl Person {
    /// Makes an account with keys made here, and signs in. With an invitation's ticket, look at the invitation first
    /// ([`Person::look_at_invitation`]): it refuses a home that the server made up before the server learns of an account.
    ///
    /// # Errors
    /// [`PersonError::Refused`] when sign-up is closed, the ticket no good or the name taken, and the connection's.
    pub async fn sign_up(
        api: Api,
        world: World,
        name: &str,
        password: &str,
        ticket: Option<Ticket>,
    ) -> Result<SignedUp, PersonError> {
        let account = AccountId::from_bytes(world.random());
        let keys = AccountKeys::random(&mut world.rng());
        let recovery = RecoveryCode::random(&mut world.rng());
        let body = SignUp {
            account,
            name: name.to_owned(),
            password: password_credentials(&world, account, &keys, password)?,
            recovery: recovery_credentials(&world, account, &keys, &recovery),
            kem: keys.kem.public().0,
            sign: keys.sign.public().0,
            ticket,
        };
        let account: Account = api.post("/sign-up", &body).await?;
        Ok(SignedUp { person: Self::of(api, world, account, Some(keys)), recovery })
    }

    /// Signs in and unlocks the keys.
    ///
    /// # Errors
    /// [`PersonError::Refused`] for a wrong name or password; [`PersonError::Seal`] for keys that don't open.
    pub async fn sign_in(api: Api, world: World, name: &str, password: &str) -> Result<Self, PersonError> {
        let query = NameQuery { name: name.to_owned() };
        let parameters: PasswordParameters = api.post("/sign-in/parameters", &query).await?;
        let split = stretched(password, &parameters)?;
        let body = SignIn { name: name.to_owned(), login: split.login };
        let account: Account = api.post("/sign-in", &body).await?;
        let person = Self::of(api, world, account, None);
        person.unlock_with(&split)?;
        Ok(person)
    }

    /// Replaces a forgotten password with the recovery code; gives back the person and the next code.
    ///
    /// # Errors
    /// [`PersonError::Refused`] for a wrong name or code; [`PersonError::Seal`].
    pub async fn recover(
        api: Api,
        world: World,
        name: &str,
        code: &RecoveryCode,
        new_password: &str,
    ) -> Result<SignedUp, PersonError> {
        let split = code.split();
        let query = RecoveryOpen { name: name.to_owned(), login: split.login };
        let opened: RecoveryOpened = api.post("/recovery/open", &query).await?;
        let keys = AccountKeys::unwrap(opened.account, &split.wrap, &opened.wrapped.0)?;
        let next = RecoveryCode::random(&mut world.rng());
        let body = RecoveryReplace {
            name: name.to_owned(),
            login: split.login,
            password: password_credentials(&world, opened.account, &keys, new_password)?,
            recovery: recovery_credentials(&world, opened.account, &keys, &next),
        };
        let account: Account = api.post("/recovery/replace", &body).await?;
        Ok(SignedUp { person: Self::of(api, world, account, Some(keys)), recovery: next })
    }

    fn of(api: Api, world: World, account: Account, keys: Option<AccountKeys>) -> Self {
        Self {
            api,
            world,
            account,
            keys: Mutex::new(keys),
            replaced: Mutex::default(),
            remembered: Mutex::default(),
        }
    }

    /// Unlocks the keys.
    ///
    /// # Errors
    /// [`PersonError::Seal`] for a wrong password, or for password parameters too weak to be used.
    pub fn unlock(&self, password: &str) -> Result<(), PersonError> {
        self.unlock_with(&stretched(password, &self.account.parameters)?)
    }

    fn unlock_with(&self, split: &PasswordSplit) -> Result<(), PersonError> {
        let keys = AccountKeys::unwrap(self.account.account, &split.wrap, &self.account.wrapped.0)?;
        if (keys.kem.public().0, keys.sign.public().0) != (self.account.kem, self.account.sign) {
            return Err(keepsight_seal::SealError::CannotOpen { what: "account's keys" }.into());
        }
        *self.key_slot() = Some(keys);
        Ok(())
    }

    /// Wipes the keys here, and what they opened. What was seen of the homes stays remembered.
    pub fn lock(&self) {
        *self.key_slot() = None;
        self.replaced_keys().clear();
        for known in self.memory().values_mut() {
            known.open = None;
        }
    }

    /// Changes the password. The other sign-ins end.
    ///
    /// # Errors
    /// [`PersonError::Locked`], [`PersonError::Refused`].
    pub async fn change_password(&mut self, old: &str, new: &str) -> Result<(), PersonError> {
        let keys = self.keys()?;
        let login = stretched(old, &self.account.parameters)?.login;
        let password = password_credentials(&self.world, self.account.account, &keys, new)?;
        let body = PasswordChange { login, password: password.clone() };
        self.api.put("/account/password", &body).await?;
        (self.account.parameters, self.account.wrapped) = (password.parameters, password.wrapped);
        Ok(())
    }

    /// Who they are.
    pub const fn account(&self) -> AccountId {
        self.account.account
    }

    /// What they are called.
    pub fn name(&self) -> &str {
        &self.account.name
    }

    /// The API as this person's browser sees it.
    pub const fn api(&self) -> &Api {
        &self.api
    }

    /// The sign-ins of this account.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn sessions(&self) -> Result<Vec<Session>, PersonError> {
        self.api.get("/account/sessions").await
    }

    /// Ends all sign-ins but this one.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn end_other_sessions(&self) -> Result<(), PersonError> {
        self.api.tell(Method::DELETE, "/account/sessions", None).await
    }

    /// Signs out and locks.
    ///
    /// # Errors
    /// [`PersonError::Refused`] and the connection's.
    pub async fn sign_out(&self) -> Result<(), PersonError> {
        self.lock();
        self.api.tell(Method::POST, "/sign-out", None).await
    }

    /// Sends any request as this person, and gives back the answer as it is. `path` is the whole path, from `/` on.
    ///
    /// # Errors
    /// [`PersonError::Unreachable`], [`PersonError::BadAddress`].
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, PersonError> {
        self.api.request(method, path, HeaderMap::new(), body).await
    }

    /// The unlocked keys, for those who test what a removed person could do with them.
    ///
    /// # Errors
    /// [`PersonError::Locked`].
    pub fn keys(&self) -> Result<AccountKeys, PersonError> {
        self.key_slot().clone().ok_or(PersonError::Locked)
    }

    /// The keys that stand in a slot: these, or ones that were replaced since. These, if neither does.
    pub(crate) fn keys_in(&self, slot: &Slot) -> Result<AccountKeys, PersonError> {
        let now = self.keys()?;
        let stands = |keys: &AccountKeys| keys.sign.public() == slot.sign;
        let older = (!stands(&now)).then(|| self.replaced_keys().iter().find(|keys| stands(keys)).cloned());
        Ok(older.flatten().unwrap_or(now))
    }

    /// Takes in the account's new keys. The old ones stay for the homes in which they stand.
    pub(crate) fn take_keys(&mut self, account: Account, keys: AccountKeys) {
        self.account = account;
        let old = self.key_slot().replace(keys);
        self.replaced_keys().extend(old);
        for known in self.memory().values_mut() {
            known.open = None;
        }
    }

    fn replaced_keys(&self) -> MutexGuard<'_, Vec<AccountKeys>> {
        self.replaced.lock().expect("nothing panics while it holds the keys")
    }

    fn key_slot(&self) -> MutexGuard<'_, Option<AccountKeys>> {
        self.keys.lock().expect("nothing panics while it holds the keys")
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, BTreeMap<HomeId, Remembered>> {
        self.remembered.lock().expect("nothing panics while it holds what is remembered")
    }
}

fn stretched(password: &str, parameters: &PasswordParameters) -> Result<PasswordSplit, PersonError> {
    Ok(split_password(password, &parameters.salt.0, parameters.iterations)?)
}

pub(crate) fn password_credentials(
    world: &World,
    account: AccountId,
    keys: &AccountKeys,
    password: &str,
) -> Result<Credentials, PersonError> {
    let salt: [u8; 16] = world.random();
    let parameters = PasswordParameters { salt: B64(salt.to_vec()), iterations: ITERATIONS_LEAST };
    let split = stretched(password, &parameters)?;
    let wrapped = B64(keys.wrap(account, &split.wrap, &mut world.rng()));
    Ok(Credentials { parameters, login: split.login, wrapped })
}

pub(crate) fn recovery_credentials(
    world: &World,
    account: AccountId,
    keys: &AccountKeys,
    code: &RecoveryCode,
) -> RecoveryCredentials {
    let split = code.split();
    RecoveryCredentials {
        login: split.login,
        wrapped: B64(keys.wrap(account, &split.wrap, &mut world.rng())),
    }
}
