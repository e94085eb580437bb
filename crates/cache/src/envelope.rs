//! What is stored: a value together with the whole key that it was stored for, its two generation numbers, and the end of its life.
//!
//! Level `bound` is one readable line before the payload, and the key in it is compared. Level `sealed` encrypts payload and end of life, and authenticates
//! them with the key, which itself is not in there. What does not open under the expected key is [`NotOpened::Foreign`]: somebody else's answer.
//!
//! Invariant: nothing of a payload is looked at before its key was found to be the expected one, whole.

use bytes::Bytes;

use crate::key::CanonicalKey;
#[cfg(feature = "sabotage")]
use crate::sabotage::{Mutant, active};
use crate::seal::Sealer;

const BOUND: &[u8] = b"ks1b ";
const SEALED: &[u8] = b"ks1s";
// `ks1b V 00000000 0000000000000000 0000000000000000 0000000000000000 `: state, load time, end of life, both generations, in hexadecimal.
const BOUND_HEADER: usize = 5 + 2 + 9 + 17 + 17 + 17;
const SEALED_HEADER: usize = 4 + 8 + 8 + 8 + 16 + 8;
const SEALED_INNER: usize = 1 + 4 + 8;

/// The generation numbers of type and tenant that a value belongs to. Random, so that one that was lost never comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generations {
    pub of_type: u64,
    pub of_tenant: u64,
}

/// What is known of a value beside its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub generations: Generations,
    /// The value is that there is none.
    pub absent: bool,
    /// The end of its life, in milliseconds since 1970 UTC.
    pub expires_unix_ms: u64,
    /// How long its load took, for early refresh.
    pub load_ms: u32,
}

/// Why an envelope was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// It was stored under another key, or is damaged: whoever delivered it cannot be trusted.
    Foreign,
    /// It is sealed with a key that is not in the ring, or at another level than this type's.
    Unreadable,
}

/// Makes and opens envelopes of one cache.
pub(crate) enum Level {
    Bound,
    Sealed(std::sync::Arc<Sealer>),
}

impl Level {
    /// The bytes to store.
    pub fn close(&self, key: &CanonicalKey, facts: Facts, payload: &[u8]) -> Bytes {
        match self {
            Self::Bound => close_bound(key, facts, payload),
            Self::Sealed(sealer) => close_sealed(sealer, key, facts, payload),
        }
    }

    /// The facts and payload of an envelope that was stored under this key. The payload lies in the envelope, or in the scratch buffer.
    pub fn open<'a>(
        &self,
        key: &CanonicalKey,
        envelope: &'a [u8],
        scratch: &'a mut Vec<u8>,
    ) -> Result<(Facts, &'a [u8]), NotOpened> {
        match self {
            Self::Bound => open_bound(key, envelope),
            Self::Sealed(sealer) => open_sealed(sealer, key, envelope, scratch),
        }
    }
}

fn close_bound(key: &CanonicalKey, facts: Facts, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(BOUND_HEADER + key.as_bytes().len() + 10 + payload.len());
    out.extend_from_slice(BOUND);
    out.extend_from_slice(if facts.absent { b"A " } else { b"V " });
    push_hex(&mut out, u64::from(facts.load_ms), 8);
    push_hex(&mut out, facts.expires_unix_ms, 16);
    push_hex(&mut out, facts.generations.of_type, 16);
    push_hex(&mut out, facts.generations.of_tenant, 16);
    out.extend_from_slice(key.as_bytes());
    out.push(b' ');
    push_hex(&mut out, payload.len() as u64, 8);
    *out.last_mut().expect("just written") = b'\n';
    out.extend_from_slice(payload);
    out.into()
}

fn open_bound<'a>(key: &CanonicalKey, envelope: &'a [u8]) -> Result<(Facts, &'a [u8]), NotOpened> {
    let foreign = NotOpened::Foreign;
    if envelope.starts_with(SEALED) {
        return Err(NotOpened::Unreadable);
    }
    let rest = envelope.strip_prefix(BOUND).ok_or(foreign)?;
    let (state, rest) = rest.split_at_checked(2).ok_or(foreign)?;
    let (load_ms, rest) = take_hex(rest, 8).ok_or(foreign)?;
    let (expires_unix_ms, rest) = take_hex(rest, 16).ok_or(foreign)?;
    let (of_type, rest) = take_hex(rest, 16).ok_or(foreign)?;
    let (of_tenant, rest) = take_hex(rest, 16).ok_or(foreign)?;
    let rest = after_key(key, rest).ok_or(foreign)?;
    let (length, payload) = take_hex_until(rest, 8, b'\n').ok_or(foreign)?;
    let absent = match state {
        b"V " => false,
        b"A " => true,
        _ => return Err(foreign),
    };
    if payload.len() as u64 != length {
        return Err(foreign);
    }
    let generations = Generations { of_type, of_tenant };
    let facts = Facts { generations, absent, expires_unix_ms, load_ms: load_ms as u32 };
    Ok((facts, payload))
}

/// What comes after the key, if the whole key is this one.
fn after_key<'a>(key: &CanonicalKey, rest: &'a [u8]) -> Option<&'a [u8]> {
    #[cfg(feature = "sabotage")]
    if active(Mutant::NoBinding) || active(Mutant::CompareHashesOnly) {
        let end = rest.windows(2).position(|pair| pair == b", ")?;
        let same = crate::hashing::hash_of(&rest[..=end]) == crate::hashing::hash_of(key.as_bytes());
        return (same || active(Mutant::NoBinding)).then(|| &rest[end + 2..]);
    }
    rest.strip_prefix(key.as_bytes())?.strip_prefix(b" ")
}

fn close_sealed(sealer: &Sealer, key: &CanonicalKey, facts: Facts, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(SEALED_HEADER + SEALED_INNER + payload.len() + 16);
    let (key_id, process, counter) = sealer.next();
    out.extend_from_slice(SEALED);
    out.extend_from_slice(&key_id);
    out.extend_from_slice(&facts.generations.of_type.to_be_bytes());
    out.extend_from_slice(&facts.generations.of_tenant.to_be_bytes());
    out.extend_from_slice(&process);
    out.extend_from_slice(&counter.to_be_bytes());
    let mut associated = Vec::new();
    associated_data(&mut associated, &out, key);
    out.push(u8::from(facts.absent));
    out.extend_from_slice(&facts.load_ms.to_be_bytes());
    out.extend_from_slice(&facts.expires_unix_ms.to_be_bytes());
    out.extend_from_slice(payload);
    sealer.seal(counter, &associated, &mut out, SEALED_HEADER);
    out.into()
}

fn open_sealed<'a>(
    sealer: &Sealer,
    key: &CanonicalKey,
    envelope: &[u8],
    inner: &'a mut Vec<u8>,
) -> Result<(Facts, &'a [u8]), NotOpened> {
    if envelope.starts_with(BOUND) {
        return Err(NotOpened::Unreadable);
    }
    let (header, sealed) = envelope.split_at_checked(SEALED_HEADER).ok_or(NotOpened::Foreign)?;
    let fields = header.strip_prefix(SEALED).ok_or(NotOpened::Foreign)?;
    let (key_id, fields) = take::<8>(fields);
    let (of_type, fields) = take::<8>(fields);
    let (of_tenant, fields) = take::<8>(fields);
    let (process, fields) = take::<16>(fields);
    let (counter, _) = take::<8>(fields);
    let opener = sealer.opener(key_id, process).ok_or(NotOpened::Unreadable)?;
    // Associated data and sealed bytes in one buffer: a get should not allocate more than it must.
    inner.clear();
    associated_data(inner, header, key);
    let start = inner.len();
    inner.extend_from_slice(sealed);
    let (associated, buffer) = inner.split_at_mut(start);
    let length = opener.open(u64::from_be_bytes(counter), associated, buffer).ok_or(NotOpened::Foreign)?;
    if length < SEALED_INNER {
        return Err(NotOpened::Foreign);
    }
    let (absent, rest) = take::<1>(&inner[start..start + length]);
    let (load_ms, rest) = take::<4>(rest);
    let (expires, payload) = take::<8>(rest);
    let generations =
        Generations { of_type: u64::from_be_bytes(of_type), of_tenant: u64::from_be_bytes(of_tenant) };
    let facts = Facts {
        generations,
        absent: absent != [0],
        expires_unix_ms: u64::from_be_bytes(expires),
        load_ms: u32::from_be_bytes(load_ms),
    };
    Ok((facts, payload))
}

/// What is authenticated beside the payload: the clear header, and the whole key.
fn associated_data(out: &mut Vec<u8>, header: &[u8], key: &CanonicalKey) {
    out.extend_from_slice(header);
    #[cfg(feature = "sabotage")]
    if active(Mutant::CompareHashesOnly) {
        return out.extend_from_slice(&crate::hashing::hash_of(key.as_bytes()).to_be_bytes());
    } else if active(Mutant::NoBinding) {
        return;
    }
    out.extend_from_slice(key.as_bytes());
}

fn take<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    let (taken, rest) = bytes.split_first_chunk::<N>().expect("the caller compared the length");
    (*taken, rest)
}

fn push_hex(out: &mut Vec<u8>, number: u64, digits: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for n in (0..digits).rev() {
        out.push(DIGITS[(number >> (4 * n)) as usize & 15]);
    }
    out.push(b' ');
}

fn take_hex(bytes: &[u8], digits: usize) -> Option<(u64, &[u8])> {
    take_hex_until(bytes, digits, b' ')
}

fn take_hex_until(bytes: &[u8], digits: usize, end: u8) -> Option<(u64, &[u8])> {
    let (text, rest) = bytes.split_at_checked(digits)?;
    let mut number = 0;
    for digit in text {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number = (number << 4) | u64::from(value);
    }
    Some((number, rest.strip_prefix(&[end])?))
}
