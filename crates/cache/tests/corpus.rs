//! The fuzzers' corpus, replayed, and thousands of small changes to it.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// Calls the check with every file of its corpus, and with `changes` spoilt copies of each.
fn replay(target: &str, changes: u64, check: fn(&[u8])) {
    let folder = corpus(target);
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert!(files.len() >= 5, "{} has a corpus", folder.display());
    let mut state = 1u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as usize % below.max(1)
    };
    for file in files {
        let good = std::fs::read(&file).unwrap();
        check(&good);
        for _ in 0..changes {
            let mut bad = good.clone();
            for _ in 0..=draw(3) {
                spoil(&mut bad, &mut draw);
            }
            check(&bad);
        }
    }
}

fn spoil(bytes: &mut Vec<u8>, draw: &mut impl FnMut(usize) -> usize) {
    const TELLING: &[u8] = b"*$+-:0123456789\r\n";
    if bytes.is_empty() {
        return bytes.push(TELLING[draw(TELLING.len())]);
    }
    let at = draw(bytes.len());
    match draw(5) {
        0 => bytes[at] = TELLING[draw(TELLING.len())],
        1 => bytes[at] ^= 1 << draw(8),
        2 => drop(bytes.remove(at)),
        3 => bytes.insert(at, TELLING[draw(TELLING.len())]),
        _ => {
            let end = at + draw(bytes.len() - at);
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
    }
}

#[test]
fn our_codec_reads_what_a_well_kept_one_reads() {
    replay("resp", 3_000, checks::resp);
}

#[test]
fn a_connection_gives_out_nothing_that_was_not_echoed() {
    replay("conn", 3_000, |data| drop(checks::conn(data)));
}

/// That nothing is given out would be easily promised: what is right is given out.
#[test]
fn a_connection_gives_out_what_was_echoed() {
    use keepsight_cache::conn::Answer::{Done, Refused, Value};
    let answers = |file: &str| checks::conn(&std::fs::read(corpus("conn").join(file)).unwrap());
    let good = [(0, Value(Some("a".into()))), (1, Value(None)), (2, Done)];
    assert_eq!(answers("good"), good);
    assert_eq!(answers("duplicate"), good, "the first of two");
    let [loading, full] = ["LOADING soon", "OOM full"].map(|text| Refused(text.to_owned()));
    assert_eq!(answers("refused"), [(0, loading.clone()), (1, loading), (2, full)]);
    for nothing in ["no_echo", "other_script", "short_array", "wrong_nonce"] {
        assert_eq!(answers(nothing), [], "{nothing}");
    }
}

#[test]
fn nothing_stored_is_believed_unless_it_is_the_keys_own() {
    replay("envelope", 150, checks::envelope);
}
