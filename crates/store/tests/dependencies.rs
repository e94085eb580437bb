//! Only this crate may know SQL and object stores: whoever else could read a row or a file would not need a Permit for it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What opens rows and objects.
const GUARDED: [&str; 3] = ["rusqlite", "libsqlite3-sys", "object_store"];
/// The store itself, and the adversary, which damages files on purpose and never ships.
const ALLOWED: [&str; 2] = ["keepsight-store", "keepsight-sim"];

#[test]
fn only_the_store_depends_on_sql_and_objects() {
    let packages = packages();
    assert!(packages.contains_key("keepsight-cloud") && packages.contains_key("keepsight-store"));
    for (package, dependencies) in &packages {
        for guarded in dependencies.iter().filter(|name| GUARDED.contains(&name.as_str())) {
            assert!(
                ALLOWED.contains(&package.as_str()),
                "{package} depends on {guarded}: go through keepsight-store"
            );
        }
    }
    assert!(
        packages["keepsight-store"].iter().any(|name| name == "rusqlite"),
        "the guard names what is used"
    );
}

/// A decision is never taken from a cache, and a caching client knows nothing of what it caches.
#[test]
fn the_gate_does_not_know_the_cache_and_the_cache_does_not_know_keepsight() {
    let packages = packages();
    for decides in ["keepsight-gate", "keepsight-ledger"] {
        let reached = reached(&packages, decides);
        assert!(!reached.contains("keepsight-cache"), "{decides} reaches the cache: {reached:?}");
    }
    assert!(
        reached(&packages, "keepsight-store").contains("keepsight-cache"),
        "the guard names what is used"
    );
    let ours: Vec<_> =
        packages["keepsight-cache"].iter().filter(|name| packages.contains_key(*name)).collect();
    assert_eq!(ours, ["keepsight-world"], "the caching client is of use to others");
}

#[test]
fn nothing_that_ships_depends_on_the_adversary() {
    for (package, dependencies) in packages() {
        assert!(
            !dependencies.iter().any(|name| name == "keepsight-sim"),
            "{package} depends on the simulator"
        );
    }
}

/// The workspace's packages that this one depends on, near or far.
fn reached<'a>(packages: &'a BTreeMap<String, Vec<String>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(package) = next.pop() {
        let ours = packages[package].iter().filter(|name| packages.contains_key(*name));
        next.extend(ours.map(String::as_str).filter(|name| reached.insert(*name)));
    }
    reached
}

/// The workspace's packages and what each of them names itself.
fn packages() -> BTreeMap<String, Vec<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let arguments =
        ["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", manifest];
    let output = Command::new(env!("CARGO")).args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let names = |of: &Value| of["name"].as_str().expect("everything has a name").to_owned();
    let list = |of: &Value, field: &str| of[field].as_array().expect("a list").clone();
    let dependencies = |package: &Value| list(package, "dependencies").iter().map(names).collect();
    list(&metadata, "packages").iter().map(|package| (names(package), dependencies(package))).collect()
}
