//! What a type must say of itself to be cached.

use std::hash::Hash;
use std::time::Duration;

use crate::codec::Codec;
use crate::key::{Canonical, CanonicalKey};

/// How strongly a stored value is tied to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The whole key stands in clear beside the value and is compared. Readable with `redis-cli`; who can write to the server can forge it.
    Bound,
    /// The value is encrypted and authenticated together with its whole key (AES-256-GCM). Needs a [`KeyRing`](crate::KeyRing).
    Sealed,
}

/// A kind of value that is cached: its name, its key, how long it lives, and how strongly it is tied to its key.
///
/// ```
/// use std::time::Duration;
/// use keepsight_cache::{Cached, Json, Level};
///
/// struct Profiles;
///
/// impl Cached for Profiles {
///     type Tenant = u64;
///     type Key = (u64, String);
///     type Value = String;
///     type Codec = Json;
///     const NAMESPACE: &'static str = "shop";
///     const NAME: &'static str = "profile";
///     const VERSION: u32 = 1;
///     const LEVEL: Level = Level::Bound;
///     const LIFETIME: Duration = Duration::from_secs(60);
///     fn tenant(key: &Self::Key) -> u64 {
///         key.0
///     }
/// }
/// ```
pub trait Cached: Send + Sync + 'static {
    /// Whose a value is: what [`Typed::invalidate_tenant`](crate::Typed::invalidate_tenant) names.
    type Tenant: Canonical + Send + Sync;
    /// What tells the values of this type apart, tenant included.
    type Key: Canonical + Clone + Eq + Hash + Send + Sync + 'static;
    /// What is cached. Callers share it in an [`Arc`](std::sync::Arc).
    type Value: Send + Sync + 'static;
    /// How it becomes bytes.
    type Codec: Codec<Self::Value>;

    /// Keeps the application's values apart from others' on the same server.
    const NAMESPACE: &'static str;
    /// This type's name, unique in its namespace.
    const NAME: &'static str;
    /// Raised whenever the value's form or meaning changes: values of other versions are never seen.
    const VERSION: u32;
    /// How strongly values are tied to their keys.
    const LEVEL: Level;
    /// How long a value may be used after it was loaded. Its end is jittered: up to a tenth earlier.
    const LIFETIME: Duration;
    /// How long "there is no such thing" may be believed. Zero: it is never stored.
    const ABSENT_LIFETIME: Duration = Duration::from_secs(5);

    /// Whose the value of this key is. It must depend on the key alone.
    fn tenant(key: &Self::Key) -> Self::Tenant;
}

/// The whole name of a value of this type.
pub(crate) fn canonical_key<T: Cached>(key: &T::Key) -> CanonicalKey {
    #[cfg(feature = "sabotage")]
    if crate::sabotage::active(crate::sabotage::Mutant::DropTenant) {
        return CanonicalKey::without_tenant(T::NAMESPACE, &T::tenant(key), key, T::NAME, T::VERSION);
    }
    CanonicalKey::new(T::NAMESPACE, &T::tenant(key), key, T::NAME, T::VERSION)
}
