//! The little of H.264 that recording needs: splitting, framing and recognising NAL units. Nothing here trusts a length.

use bytes::{BufMut, Bytes, BytesMut};

/// NAL unit types of ITU-T H.264, table 7-1.
const SPS: u8 = 7;
const PPS: u8 = 8;
const AUD: u8 = 9;

/// The NAL units of a byte stream (Annex B), without their start codes.
pub(crate) fn split_annex_b(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(bytes);
    std::iter::from_fn(move || {
        let from = rest?;
        let end = find_start_code(from).unwrap_or(from.len());
        rest = after_start_code(&from[end..]);
        Some(trim_zeros(&from[..end]))
    })
    .filter(|nal| !nal.is_empty())
}

/// The NAL units of a sample with four-byte lengths; stops at the first length that does not fit.
pub(crate) fn split_lengths(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let nal = after.get(..u32::from_be_bytes(*length) as usize)?;
        rest = &after[nal.len()..];
        Some(nal)
    })
}

/// What an encoder wrote, taken apart: parameter sets, and the picture as a sample with four-byte lengths.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct AccessUnit {
    pub sps: Option<Bytes>,
    pub pps: Option<Bytes>,
    pub sample: Bytes,
}

/// Takes a byte stream of one picture apart.
pub(crate) fn access_unit(annex_b: &[u8]) -> AccessUnit {
    let mut unit = AccessUnit::default();
    let mut sample = BytesMut::with_capacity(annex_b.len() + 16);
    for nal in split_annex_b(annex_b) {
        match nal[0] & 31 {
            SPS => unit.sps = Some(Bytes::copy_from_slice(nal)),
            PPS => unit.pps = Some(Bytes::copy_from_slice(nal)),
            AUD => {}
            _ => {
                sample.put_u32(nal.len() as u32);
                sample.put_slice(nal);
            }
        }
    }
    unit.sample = sample.freeze();
    unit
}

/// A sample with four-byte lengths as a byte stream for a decoder, after the parameter sets if they are given.
pub(crate) fn annex_b(sets: Option<(&[u8], &[u8])>, sample: &[u8]) -> Vec<u8> {
    const START: [u8; 4] = [0, 0, 0, 1];
    let mut out = Vec::with_capacity(sample.len() + 128);
    let sets = sets.into_iter().flat_map(|(sps, pps)| [sps, pps]);
    for nal in sets.chain(split_lengths(sample)) {
        out.extend_from_slice(&START);
        out.extend_from_slice(nal);
    }
    out
}

fn find_start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|three| three == [0, 0, 1])
}

fn after_start_code(bytes: &[u8]) -> Option<&[u8]> {
    find_start_code(bytes).map(|at| &bytes[at + 3..])
}

/// The zero before a four-byte start code belongs to nothing.
fn trim_zeros(nal: &[u8]) -> &[u8] {
    let end = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &nal[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_encoders_picture_is_taken_apart_and_put_together() {
        let stream = [
            &[0, 0, 0, 1, 9, 0xf0][..],
            &[0, 0, 0, 1, 0x67, 1, 2],
            &[0, 0, 1, 0x68, 3],
            &[0, 0, 1, 0x65, 4, 5],
        ]
        .concat();
        let unit = access_unit(&stream);
        assert_eq!(unit.sps.as_deref(), Some(&[0x67, 1, 2][..]));
        assert_eq!(unit.pps.as_deref(), Some(&[0x68, 3][..]));
        assert_eq!(&unit.sample[..], [0, 0, 0, 3, 0x65, 4, 5]);
        let again = annex_b(Some((&[0x67, 1, 2], &[0x68, 3])), &unit.sample);
        assert_eq!(access_unit(&again), unit);
    }

    proptest! {
        #[test]
        fn any_bytes_are_split_without_panic(bytes: Vec<u8>) {
            let total: usize = split_annex_b(&bytes).map(<[u8]>::len).sum();
            prop_assert!(total <= bytes.len());
            let total: usize = split_lengths(&bytes).map(<[u8]>::len).sum();
            prop_assert!(total <= bytes.len());
            access_unit(&bytes);
            annex_b(None, &bytes);
        }
    }
}
