//! Key rings from wherever keys are kept: the same ring opens the same values.

use std::process::Command;

use keepsight_cache::{KeyRing, KeyRingError, MasterKey, Memory};

use crate::common::{Origin, SealedNotes, over};

const VARIABLE: &str = "KEEPSIGHT_CACHE_TEST_KEYS";

fn keys() -> Vec<MasterKey> {
    [1, 2].map(|n| MasterKey::new([n; 32])).into()
}

/// The same keys, as text.
fn lines(between: &str) -> String {
    ["01", "02"].map(|pair| pair.repeat(32)).join(between)
}

/// What the keys sealed, this ring opens, and the other way round.
async fn is_of_the_keys(ring: &KeyRing) {
    let (memory, origin) = (Memory::default(), Origin::default());
    let with = |ring: KeyRing| over(memory.clone(), 1).keys(ring).build().typed::<SealedNotes>();
    let (usual, tried) = (with(KeyRing::new(keys()).unwrap()), with(ring.clone()));
    for (n, (writes, reads)) in [(&usual, &tried), (&tried, &usual)].into_iter().enumerate() {
        for notes in [writes, reads] {
            let value = origin.get(notes, 1, &n.to_string()).await.unwrap();
            assert_eq!(value, Some(format!("1/{n} load {n}")));
        }
    }
    let oldest = with(KeyRing::new(keys().into_iter().take(1)).unwrap());
    assert_eq!(origin.get(&oldest, 1, "1").await.unwrap(), Some("1/1 load 2".into()), "the newest sealed");
}

#[tokio::test(start_paused = true)]
async fn a_ring_comes_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, format!("# oldest first\n{}\n\n", lines("\n"))).unwrap();
    is_of_the_keys(&KeyRing::from_file(&file).unwrap()).await;
    std::fs::write(&file, "01".repeat(31)).unwrap();
    assert!(matches!(KeyRing::from_file(&file), Err(KeyRingError::NotAKey(1))));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(KeyRing::from_file(&file), Err(KeyRingError::Unreadable { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_ring_comes_from_a_closure() {
    is_of_the_keys(&KeyRing::from_fn(|| Ok::<_, KeyRingError>(keys())).unwrap()).await;
    assert!(matches!(KeyRing::from_fn(|| Ok(Vec::new())), Err(KeyRingError::Empty)));
    let away = KeyRing::from_fn(|| Err(KeyRingError::NotSet("the vault".to_owned())));
    assert!(matches!(away, Err(KeyRingError::NotSet(_))));
}

/// In a process of its own, since nobody may change the environment of this one.
#[tokio::test(start_paused = true)]
async fn a_ring_comes_from_the_environment() {
    if std::env::var_os(VARIABLE).is_some() {
        return is_of_the_keys(&KeyRing::from_env(VARIABLE).unwrap()).await;
    }
    assert!(matches!(KeyRing::from_env(VARIABLE), Err(KeyRingError::NotSet(_))));
    for (between, good) in [(",", true), ("\n", true), (";", false)] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "ways::rings::a_ring_comes_from_the_environment"]);
        let told = again.env(VARIABLE, lines(between)).output().unwrap();
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("running 1 test"), "{told}");
        assert_eq!(told.contains("1 passed"), good, "{told}");
    }
}
