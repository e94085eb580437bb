//! Writes frames as CMAF: an init segment for each track, and media segments of one `moof` and one `mdat`.
//!
//! Video is track 1, sound is track 2, each in segments of its own. Decode times count from the Event's first frame and there is
//! no edit list: what is shown first is at time 0 (ISO/IEC 14496-12, ISO/IEC 23000-19).

use bytes::Bytes;
use mp4_atom::{
    Audio, Avc1, Avcc, AvccExt, Codec, Dinf, Dref, Encode, Ftyp, Hdlr, Matrix, Mdat, Mdhd, Mdia, Mfhd, Minf,
    Moof, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Styp, Tfdt, Tfhd, Tkhd, Traf, Trak, Trex, Trun,
    TrunEntry, Url, Visual, Vmhd, esds,
};

use crate::cut::Group;
use crate::media::{AudioFormat, AudioFrame, VIDEO_TICKS, VideoFormat};

const VIDEO_TRACK: u32 = 1;
const AUDIO_TRACK: u32 = 2;
/// Sample flags: depends on nothing; and depends on others, not a sync sample.
const KEY: u32 = 0x0200_0000;
const DELTA: u32 = 0x0101_0000;

/// When each frame of a group is decoded and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Decoding time and duration of each frame, in the order of arrival.
    pub samples: Vec<(i64, u32)>,
    /// The end of the last frame.
    pub end_ticks: i64,
}

/// Cameras send when a frame is shown. Sorted, these times are also good decoding times, since a group depends on nothing outside.
pub(crate) fn timing(group: &Group) -> Timing {
    let mut decode: Vec<i64> = group.frames.iter().map(|frame| frame.ticks).collect();
    decode.sort_unstable();
    for i in 1..decode.len() {
        decode[i] = decode[i].max(decode[i - 1] + 1);
    }
    let last = *decode.last().expect("a group has a key frame");
    let usual = (last - decode[0]) / (decode.len() as i64 - 1).max(1);
    let usual = if usual > 0 { usual } else { VIDEO_TICKS / 10 };
    let end_ticks = group.next_ticks.filter(|next| *next > last).unwrap_or(last + usual);
    let ends = decode.iter().skip(1).copied().chain([end_ticks]);
    let durations = decode.iter().zip(ends).map(|(from, to)| u32::try_from(to - from).unwrap_or(u32::MAX));
    Timing { samples: decode.iter().copied().zip(durations).collect(), end_ticks }
}

/// The init segment of the video track.
pub(crate) fn video_init(format: &VideoFormat) -> Bytes {
    let (width, height) = (format.info.width as u16, format.info.height as u16);
    let avc1 = Avc1 {
        visual: Visual { data_reference_index: 1, width, height, ..Visual::default() },
        avcc: avcc(format),
        btrt: None,
        colr: None,
        pasp: None,
        taic: None,
        fiel: None,
        spatial: None,
    };
    let tkhd = Tkhd { width: width.into(), height: height.into(), ..track_header(VIDEO_TRACK) };
    let minf = Minf { vmhd: Some(Vmhd::default()), ..media_information(avc1.into()) };
    init(tkhd, VIDEO_TICKS as u32, *b"vide", minf)
}

/// The init segment of the audio track.
pub(crate) fn audio_init(format: &AudioFormat) -> Bytes {
    let (rate, channels) = (format.info.rate, format.info.channels);
    let mp4a = Mp4a {
        // The field is 16.16 and can't hold 96 kHz; players read the AudioSpecificConfig.
        audio: Audio {
            data_reference_index: 1,
            channel_count: channels,
            sample_size: 16,
            sample_rate: u16::try_from(rate).unwrap_or(0).into(),
        },
        esds: elementary_stream(format),
        btrt: None,
        taic: None,
    };
    let tkhd = Tkhd { volume: 1.into(), alternate_group: 1, ..track_header(AUDIO_TRACK) };
    let minf = Minf { smhd: Some(Smhd::default()), ..media_information(mp4a.into()) };
    init(tkhd, rate, *b"soun", minf)
}

/// A media segment of the video track; `from_ticks` is the Event's beginning.
pub(crate) fn video_segment(sequence: u32, from_ticks: i64, group: &Group, timing: &Timing) -> Bytes {
    let samples = group.frames.iter().zip(&timing.samples).map(|(frame, (decode, duration))| TrunEntry {
        duration: Some(*duration),
        size: Some(frame.data.len() as u32),
        flags: Some(if frame.key { KEY } else { DELTA }),
        cts: Some(frame.ticks - decode),
    });
    let samples: Vec<_> = samples.collect();
    let data = joined(group.frames.iter().map(|frame| &frame.data));
    let decode_ticks = timing.samples[0].0.saturating_sub(from_ticks);
    segment(VIDEO_TRACK, sequence, decode_ticks, samples, data)
}

/// A media segment of the audio track; `from_ticks` is the Event's beginning, in samples.
pub(crate) fn audio_segment(
    sequence: u32,
    from_ticks: i64,
    format: &AudioFormat,
    frames: &[AudioFrame],
) -> Bytes {
    let samples = frames.iter().map(|frame| TrunEntry {
        duration: Some(format.frame_samples),
        size: Some(frame.data.len() as u32),
        flags: Some(KEY),
        cts: None,
    });
    let data = joined(frames.iter().map(|frame| &frame.data));
    let decode_ticks = frames.first().map_or(0, |first| first.ticks.saturating_sub(from_ticks));
    segment(AUDIO_TRACK, sequence, decode_ticks, samples.collect(), data)
}

fn segment(track: u32, sequence: u32, decode_ticks: i64, samples: Vec<TrunEntry>, data: Vec<u8>) -> Bytes {
    let mut moof = Moof {
        mfhd: Mfhd { sequence_number: sequence },
        traf: vec![Traf {
            tfhd: Tfhd { track_id: track, default_base_is_moof: true, ..Tfhd::default() },
            tfdt: Some(Tfdt { base_media_decode_time: u64::try_from(decode_ticks).unwrap_or(0) }),
            trun: vec![Trun { data_offset: Some(0), samples: samples.into() }],
            ..Traf::default()
        }],
    };
    // The offset from the moof to the first sample depends on the moof's own size, which the offset's value does not change.
    let header = encoded(&moof).len() + 8;
    moof.traf[0].trun[0].data_offset = Some(header as i32);
    let brand = Styp {
        major_brand: b"msdh".into(),
        minor_version: 0,
        compatible_brands: vec![b"msdh".into(), b"cmfs".into()],
    };
    let mut out = encoded(&brand);
    out.reserve_exact(header + data.len());
    out.extend_from_slice(&encoded(&moof));
    Mdat { data }.encode(&mut out).expect("a vector takes any bytes");
    out.into()
}

fn joined<'a>(parts: impl Iterator<Item = &'a Bytes>) -> Vec<u8> {
    let mut out = Vec::new();
    parts.for_each(|part| out.extend_from_slice(part));
    out
}

fn init(tkhd: Tkhd, timescale: u32, handler: [u8; 4], minf: Minf) -> Bytes {
    let track_id = tkhd.track_id;
    let ftyp = Ftyp {
        major_brand: b"iso6".into(),
        minor_version: 0,
        compatible_brands: vec![b"iso6".into(), b"cmfc".into(), b"mp41".into()],
    };
    let mdhd = Mdhd { timescale, language: "und".into(), ..Mdhd::default() };
    let hdlr = Hdlr { handler: (&handler).into(), name: String::new() };
    let trak = Trak { tkhd, mdia: Mdia { mdhd, hdlr, minf }, ..Trak::default() };
    let mvhd = Mvhd { timescale: 1000, matrix: upright(), next_track_id: 3, ..Mvhd::default() };
    let trex = Trex { track_id, default_sample_description_index: 1, ..Trex::default() };
    let mvex = Mvex { mehd: None, trex: vec![trex] };
    let moov = Moov { mvhd, mvex: Some(mvex), trak: vec![trak], ..Moov::default() };
    let mut out = encoded(&ftyp);
    out.extend(encoded(&moov));
    out.into()
}

fn media_information(codec: Codec) -> Minf {
    let stbl = Stbl { stsd: Stsd { codecs: vec![codec] }, stco: Some(Stco::default()), ..Stbl::default() };
    let dinf = Dinf { dref: Dref { entries: vec![Url::default().into()] } };
    Minf { dinf, stbl, ..Minf::default() }
}

fn track_header(track_id: u32) -> Tkhd {
    Tkhd { track_id, enabled: true, in_movie: true, matrix: upright(), ..Tkhd::default() }
}

fn upright() -> Matrix {
    Matrix { a: 0x1_0000, d: 0x1_0000, w: 0x4000_0000, ..Matrix::default() }
}

fn avcc(format: &VideoFormat) -> Avcc {
    Avcc {
        configuration_version: 1,
        avc_profile_indication: format.sps[1],
        profile_compatibility: format.sps[2],
        avc_level_indication: format.sps[3],
        length_size: 4,
        sequence_parameter_sets: vec![format.sps.to_vec()],
        picture_parameter_sets: vec![format.pps.to_vec()],
        // Profile 100 (High) is 8 bit 4:2:0; its record must say so (ISO/IEC 14496-15, 5.3.3.1.2).
        ext: (format.sps[1] == 100).then(AvccExt::default),
    }
}

fn elementary_stream(format: &AudioFormat) -> esds::Esds {
    const MPEG4_AUDIO: u8 = 0x40;
    const AUDIO_STREAM: u8 = 5;
    let dec_specific = esds::DecoderSpecific { raw: format.config.to_vec(), ..Default::default() };
    let dec_config = esds::DecoderConfig {
        object_type_indication: MPEG4_AUDIO,
        stream_type: AUDIO_STREAM,
        dec_specific: Some(dec_specific),
        ..Default::default()
    };
    esds::Esds { es_desc: esds::EsDescriptor { es_id: AUDIO_TRACK as u16, dec_config, ..Default::default() } }
}

fn encoded(atom: &impl Encode) -> Vec<u8> {
    let mut out = Vec::new();
    atom.encode(&mut out).expect("a vector takes any bytes, and no field is out of its range");
    out
}

#[cfg(test)]
mod tests;
