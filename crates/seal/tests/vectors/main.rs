//! The shared vectors: makes every case again, runs it, and compares the whole with the committed files.
//!
//! Nothing in them is random: keys and nonces come from a counted hash. With `KEEPSIGHT_WRITE_VECTORS=1` the files are written
//! instead, and the difference is for a person to read before it is committed.

mod chain;
mod fixture;
mod people;
mod run;
mod sealed;

use std::path::PathBuf;

use serde_json::{Value, json};

/// One vector while it is being made.
struct Case {
    name: String,
    why: &'static str,
    operation: &'static str,
    input: Value,
    refused: Option<&'static str>,
}

fn opens(operation: &'static str, name: &str, why: &'static str, input: Value) -> Case {
    let name = name.to_owned();
    Case { name, why, operation, input, refused: None }
}

fn refused(operation: &'static str, code: &'static str, name: &str, why: &'static str, input: Value) -> Case {
    let name = name.to_owned();
    Case { name, why, operation, input, refused: Some(code) }
}

fn written(file: &str, about: &str, cases: Vec<Case>) -> String {
    let shared = chain::Home::new().shared();
    let cases: Vec<Value> = cases.into_iter().map(|case| outcome(file, case)).collect();
    let mut whole = json!({ "format": "ks/vectors/v1", "file": file, "about": about, "cases": cases });
    if name_shared(&mut whole, &shared) {
        whole["shared"] = shared.into_iter().collect();
    }
    serde_json::to_string_pretty(&whole).expect("plain JSON") + "\n"
}

/// Puts names in the place of the entries that most cases share; says whether there were any.
fn name_shared(whole: &mut Value, shared: &[(String, Value)]) -> bool {
    let cases = whole["cases"].as_array_mut().expect("cases");
    let lists = cases.iter_mut().filter_map(|case| case["input"].get_mut("entries"));
    let entries = lists.filter_map(Value::as_array_mut).flatten();
    let named = entries.filter_map(|entry| {
        let (name, _) = shared.iter().find(|(_, known)| known == entry)?;
        *entry = name.as_str().into();
        Some(())
    });
    named.count() > 0
}

/// Runs the case, and insists on what its author meant: that it opens, or the reason for which it is refused.
fn outcome(file: &str, case: Case) -> Value {
    let Case { name, why, operation, input, refused } = case;
    let result = run::run(file, operation, &input);
    let mut value = json!({ "name": name, "why": why, "operation": operation, "input": input });
    match (result, refused) {
        (Ok(expect), None) => value["expect"] = expect,
        (Err(refusal), Some(code)) => {
            assert_eq!(refusal.code(), code, "{file}: {name}: {refusal}");
            value["refused"] = code.into();
        }
        (Ok(opened), Some(code)) => panic!("{file}: {name}: opened ({opened}) instead of {code}"),
        (Err(refusal), None) => panic!("{file}: {name}: refused: {refusal}"),
    }
    value
}

fn check(file: &str, about: &str, cases: Vec<Case>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(format!("{file}.json"));
    let made = written(file, about, cases);
    if std::env::var_os("KEEPSIGHT_WRITE_VECTORS").is_some() {
        std::fs::write(&path, made).expect("the vectors' folder can be written");
        return;
    }
    let kept = std::fs::read_to_string(&path).expect("the vectors are committed");
    assert!(
        kept == made,
        "{file}.json differs from what this code makes: a change of format, or of the cases?"
    );
}

#[test]
fn hpke() {
    check("hpke", "RFC 9180 in the one suite of the formats, with an empty aad", sealed::hpke());
}

#[test]
fn primitives() {
    check("primitives", "HKDF and signatures, with the labels of the formats", sealed::primitives());
}

#[test]
fn password() {
    check("password", "from a password to login and wrap", people::password());
}

#[test]
fn account() {
    check("account", "account keys, wrapped", people::account());
}

#[test]
fn recovery() {
    check("recovery", "the recovery code as people type it", people::recovery());
}

#[test]
fn invitation() {
    check("invitation", "an invitation's link and what derives from it", people::invitation());
}

#[test]
fn pairing() {
    check("pairing", "the pairing code and the two messages made with it", people::pairing());
}

#[test]
fn chain() {
    check("chain", "a home's chain: what is valid, and each rule broken", chain::chain());
}

#[test]
fn epochs() {
    check("epochs", "epoch packages", chain::epochs());
}

#[test]
fn header() {
    check("header", "Event headers", sealed::header());
}

#[test]
fn segment() {
    check("segment", "sealed segments", sealed::segment());
}

#[test]
fn content() {
    check("content", "the JSON inside sealed segments", sealed::content());
}

#[test]
fn name() {
    check("name", "sealed names of homes and cameras", sealed::name());
}
