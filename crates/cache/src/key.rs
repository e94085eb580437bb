//! Canonical keys: the whole name of a cached value, as bytes that no other value can have.
//!
//! Every part is a netstring (`6:home-1,`): its decimal length, a colon, its bytes, a comma. A sequence of parts can be read back in one way only, so two
//! different keys never have the same bytes, whatever the parts contain. The text form is readable with `redis-cli`.
//!
//! Invariant: a canonical key is namespace, tenant, key, type name and version, in this order and nothing else. What a map or a server is addressed by may be
//! a hash of it; what decides is the whole of it.

use std::fmt;

use aws_lc_rs::digest;

/// Something that has exactly one canonical form, and shares it with nothing that is unequal.
///
/// What an implementation must guarantee: equal values write the same parts, unequal values write different ones. Writing every field as a part of its own,
/// in a fixed order, does that.
pub trait Canonical {
    /// Writes the parts.
    fn write_parts(&self, out: &mut KeyWriter<'_>);
}

/// Writes the parts of a canonical key.
#[derive(Debug)]
pub struct KeyWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> KeyWriter<'a> {
    /// Appends to these bytes.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Writes one part: any bytes.
    pub fn part(&mut self, bytes: &[u8]) {
        push_decimal(self.out, bytes.len() as u64);
        self.out.push(b':');
        self.out.extend_from_slice(bytes);
        self.out.push(b',');
    }

    /// Writes one part whose content is parts again.
    pub fn group(&mut self, parts: &dyn Canonical) {
        let start = self.out.len();
        parts.write_parts(&mut KeyWriter { out: self.out });
        let content = self.out.len() - start;
        push_decimal(self.out, content as u64);
        self.out.push(b':');
        let prefix = self.out.len() - start - content;
        self.out[start..].rotate_right(prefix);
        self.out.push(b',');
    }

    fn number(&mut self, number: u64) {
        let mut digits = Vec::with_capacity(20);
        push_decimal(&mut digits, number);
        self.part(&digits);
    }
}

fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

impl Canonical for str {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        out.part(self.as_bytes());
    }
}

impl Canonical for String {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        out.part(self.as_bytes());
    }
}

impl Canonical for [u8] {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        out.part(self);
    }
}

impl Canonical for Vec<u8> {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        out.part(self);
    }
}

impl<const N: usize> Canonical for [u8; N] {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        out.part(self);
    }
}

impl<T: Canonical + ?Sized> Canonical for &T {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        (**self).write_parts(out);
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn write_parts(&self, out: &mut KeyWriter<'_>) {
        match self {
            None => out.part(b"0"),
            Some(value) => {
                out.part(b"1");
                out.group(value);
            }
        }
    }
}

/// Nothing: the tenant of what belongs to nobody.
impl Canonical for () {
    fn write_parts(&self, _: &mut KeyWriter<'_>) {}
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Canonical for $number {
            fn write_parts(&self, out: &mut KeyWriter<'_>) {
                out.number(u64::from(*self));
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, bool);

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Canonical),+> Canonical for ($($name,)+) {
            fn write_parts(&self, out: &mut KeyWriter<'_>) {
                #[allow(non_snake_case, reason = "one name for a type and its value")]
                let ($($name,)+) = self;
                $(out.group($name);)+
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

/// The whole name of one cached value.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CanonicalKey {
    bytes: Vec<u8>,
    // Where namespace and tenant end.
    owner: usize,
}

impl CanonicalKey {
    /// The key of a value: everything that tells it from every other value.
    pub fn new(
        namespace: &str,
        tenant: &dyn Canonical,
        key: &dyn Canonical,
        type_name: &str,
        version: u32,
    ) -> Self {
        let mut bytes = Vec::with_capacity(96);
        let mut out = KeyWriter::new(&mut bytes);
        out.part(namespace.as_bytes());
        out.group(tenant);
        let owner = out.out.len();
        out.group(key);
        out.part(type_name.as_bytes());
        out.number(u64::from(version));
        Self { bytes, owner }
    }

    /// The fault of the incident: whose it is, is forgotten.
    #[cfg(feature = "sabotage")]
    pub(crate) fn without_tenant(
        namespace: &str,
        tenant: &dyn Canonical,
        key: &dyn Canonical,
        type_name: &str,
        version: u32,
    ) -> Self {
        let (mut of_tenant, mut of_key) = (Vec::new(), Vec::new());
        tenant.write_parts(&mut KeyWriter::new(&mut of_tenant));
        key.write_parts(&mut KeyWriter::new(&mut of_key));
        if let Some(at) = of_key.windows(of_tenant.len()).position(|part| part == of_tenant) {
            of_key.drain(at..at + of_tenant.len());
        }
        Self::new(namespace, &(), &of_key, type_name, version)
    }

    /// The key under which a generation number is kept: of a tenant, or of a type. Its four parts keep it apart from every value's five.
    pub(crate) fn generation(namespace: &str, of: &str, name: &dyn Canonical) -> Self {
        let mut bytes = Vec::with_capacity(64);
        let mut out = KeyWriter::new(&mut bytes);
        out.part(namespace.as_bytes());
        out.part(b"generation");
        out.part(of.as_bytes());
        out.group(name);
        Self { bytes, owner: 0 }
    }

    /// The bytes that are compared or authenticated.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Namespace and tenant: the key's first two parts.
    pub(crate) fn owner(&self) -> &[u8] {
        &self.bytes[..self.owner]
    }

    /// Where a server keeps it. Two keys may share a location; what is found there is believed only under its own key.
    pub fn location(&self) -> Location {
        let hash = digest::digest(&digest::SHA256, &self.bytes);
        let mut short = [0; 16];
        short.copy_from_slice(&hash.as_ref()[..16]);
        Location(short)
    }
}

impl fmt::Debug for CanonicalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CanonicalKey({})", self.bytes.escape_ascii())
    }
}

/// Where a value is kept: a short hash of its canonical key, without any of the user's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location([u8; 16]);

impl Location {
    /// A location by its number, for tests of backends.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Some of its bits, for telling stripes apart.
    pub(crate) fn bits(self) -> usize {
        usize::from_le_bytes(*self.0.first_chunk().expect("16 bytes are more than a word"))
    }

    /// Its 32 hexadecimal digits.
    pub fn hex(self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }
}
