//! Values that say whose they are: key, version and length stand in front, and every byte behind follows from them.
//!
//! So a value of another key, a torn one, and one that was never written can all be told from the right one without asking anybody.

use bytes::Bytes;

/// How many items each tenant has.
const ITEMS: usize = 32;

/// The name of the key with this number: `tenant-3/item-17`.
pub fn key_name(key: usize) -> String {
    format!("tenant-{}/item-{}", key / ITEMS, key % ITEMS)
}

/// The name of a key's tenant.
pub fn tenant_name(key: usize) -> String {
    format!("tenant-{}", key / ITEMS)
}

/// All keys of a key's tenant, if there are so many keys.
pub fn tenant_keys(key: usize, keys: usize) -> std::ops::Range<usize> {
    let first = key / ITEMS * ITEMS;
    first..keys.min(first + ITEMS)
}

/// The number of the key with this name.
pub fn key_number(name: &str) -> Option<usize> {
    let (tenant, item) = name.strip_prefix("tenant-")?.split_once("/item-")?;
    let (tenant, item): (usize, usize) = (tenant.parse().ok()?, item.parse().ok()?);
    (item < ITEMS).then_some(tenant.checked_mul(ITEMS)? + item)
}

/// What a value says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The number of its key.
    pub key: usize,
    /// Its version of that key, from 1.
    pub version: u64,
}

/// The value of this key and version, `length` bytes long or a little more where that is too short to say so.
pub fn encode(key: usize, version: u64, length: usize) -> Bytes {
    let mut text = header(key, version, length).into_bytes();
    text.extend(filler(key, version, length.saturating_sub(text.len())));
    text.into()
}

/// What this value states, if every one of its bytes is as it must be.
pub fn decode(value: &[u8]) -> Option<Stated> {
    let end = value.iter().take(80).position(|&byte| byte == b'|')?;
    let line = std::str::from_utf8(&value[..end]).ok()?;
    let mut words = line.split(' ');
    let (name, version, length) = (words.next()?, words.next()?.strip_prefix('v')?, words.next()?);
    let (key, version, length) = (key_number(name)?, version.parse().ok()?, length.parse::<usize>().ok()?);
    let is_whole = value.len() == length.max(end + 1) && words.next().is_none();
    let rest = &value[end + 1..];
    (is_whole && rest == filler(key, version, rest.len())).then_some(Stated { key, version })
}

/// The beginning of a value, as it is looked for in traces.
pub fn header_of(value: &[u8]) -> &[u8] {
    let end = value.iter().take(80).position(|&byte| byte == b'|').unwrap_or(value.len().min(40));
    &value[..end]
}

fn header(key: usize, version: u64, length: usize) -> String {
    format!("{} v{version} {length}|", key_name(key))
}

const TAG: usize = 16;

// Copied and compared in one go: a value can have megabytes.
fn filler(key: usize, version: u64, length: usize) -> Vec<u8> {
    let mut filler = tag(key, version).repeat(length.div_ceil(TAG));
    filler.truncate(length);
    filler
}

fn tag(key: usize, version: u64) -> [u8; TAG] {
    let mixed = crate::dice::Dice::new(key as u64).at(version);
    let mut tag = [0; TAG];
    for (place, byte) in tag.iter_mut().enumerate() {
        *byte = b"0123456789abcdef"[(mixed >> (4 * place) & 15) as usize];
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_states_its_key_and_version() {
        for length in [0, 60, 100, 4096] {
            let value = encode(77, 12, length);
            assert_eq!(decode(&value), Some(Stated { key: 77, version: 12 }));
            assert_eq!(value.len(), length.max(value.iter().position(|&byte| byte == b'|').unwrap() + 1));
        }
        assert_eq!(key_number(&key_name(77)), Some(77));
        assert_eq!((tenant_name(77), tenant_keys(77, 90)), ("tenant-2".to_owned(), 64..90));
    }

    #[test]
    fn a_value_that_was_torn_or_glued_states_nothing() {
        let (one, other) = (encode(3, 1, 200), encode(4, 1, 200));
        assert_eq!(decode(&one[..199]), None);
        assert_eq!(decode(&[&one[..100], &other[100..]].concat()), None);
        assert_eq!(decode(&[&one[..], b"x"].concat()), None);
        for foreign in [&b"OK"[..], b"", b"1", b"message", b"tenant-1/item-2 v1 9"] {
            assert_eq!(decode(foreign), None);
        }
    }
}
