//! Canonical keys are injective: two different keys never have the same bytes, whatever their parts contain.

use keepsight_cache::{Canonical, CanonicalKey, KeyWriter};
use proptest::prelude::*;

/// Everything that tells one value from another.
#[derive(Debug, Clone, PartialEq)]
struct Whole {
    namespace: String,
    tenant: Vec<Vec<u8>>,
    key: (Vec<u8>, Option<(u64, Vec<u8>)>),
    name: String,
    version: u32,
}

/// A tenant of any number of parts.
struct Parts<'a>(&'a [Vec<u8>]);

impl Canonical for Parts<'_> {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        self.0.iter().for_each(|part| out.part(part));
    }
}

impl Whole {
    fn bytes(&self) -> Vec<u8> {
        let key =
            CanonicalKey::new(&self.namespace, &Parts(&self.tenant), &self.key, &self.name, self.version);
        key.as_bytes().to_vec()
    }
}

/// Bytes that look like what separates parts.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(proptest::sample::select(&b"0123456789:,\0ab"[..]), 0..8),
        proptest::collection::vec(any::<u8>(), 0..4),
    ]
}

fn text() -> impl Strategy<Value = String> {
    "[0-9:,a]{0,6}"
}

fn whole() -> impl Strategy<Value = Whole> {
    let tenant = proptest::collection::vec(tricky(), 0..4);
    let key = (tricky(), proptest::option::of((0u64..20, tricky())));
    (text(), tenant, key, text(), 0u32..12).prop_map(|(namespace, tenant, key, name, version)| Whole {
        namespace,
        tenant,
        key,
        name,
        version,
    })
}

/// Reads a canonical key back: what can be read back in one way only was written by one key only.
fn read(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut parts, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let colon = rest.iter().position(|byte| *byte == b':')?;
        let length: usize = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
        let part = rest.get(colon + 1..colon + 1 + length)?;
        rest = rest[colon + 1 + length..].strip_prefix(b",")?;
        parts.push(part.to_vec());
    }
    Some(parts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn keys_are_told_apart_whatever_their_parts_contain(one in whole(), other in whole()) {
        prop_assert_eq!(one == other, one.bytes() == other.bytes());
    }

    #[test]
    fn a_key_is_read_back_as_what_it_was(whole in whole()) {
        let parts = read(&whole.bytes()).expect("a sequence of parts");
        prop_assert_eq!(parts.len(), 5);
        prop_assert_eq!(&parts[0], whole.namespace.as_bytes());
        prop_assert_eq!(read(&parts[1]).expect("parts of the tenant"), whole.tenant);
        let key = read(&parts[2]).expect("two groups of the key");
        prop_assert_eq!(read(&key[0]), Some(vec![whole.key.0]));
        let option = read(&key[1]).expect("an option");
        prop_assert_eq!(option.len(), 1 + usize::from(whole.key.1.is_some()));
        prop_assert_eq!(&parts[3], whole.name.as_bytes());
        let version = whole.version.to_string();
        prop_assert_eq!(&parts[4], version.as_bytes());
    }
}

#[test]
fn a_move_of_one_byte_between_parts_is_another_key() {
    let key = |tenant: &str, key: &str| CanonicalKey::new("n", &tenant, &key, "t", 1);
    assert_ne!(key("ab", "c"), key("a", "bc"));
    assert_ne!(key("1", "1"), key("", "11"));
    assert_ne!(key("a", "b").location(), key("b", "a").location());
    assert_eq!(key("home-1", "x").as_bytes(), b"1:n,9:6:home-1,,4:1:x,,1:t,1:1,");
}
