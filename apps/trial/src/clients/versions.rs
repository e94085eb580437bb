//! Which versions of the Rust clients are linked in. Libraries don't say it when they run, but the lock file that this kit was built from does.

const LOCK: &str = include_str!("../../../../Cargo.lock");

/// The newest locked version of a package, for example `10.1.0`.
pub fn locked(package: &str) -> String {
    versions_of(package).max_by_key(|version| numbers(version)).unwrap_or("unknown").to_owned()
}

fn versions_of(package: &str) -> impl Iterator<Item = &'static str> {
    let wanted = format!("name = \"{package}\"");
    let mut lines = LOCK.lines();
    std::iter::from_fn(move || {
        lines.find(|line| *line == wanted)?;
        lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
    })
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_is_in_the_lock_file() {
        for package in ["redis", "fred", "cachekit-rs"] {
            let version = locked(package);
            assert!(numbers(&version).len() >= 3, "{package} {version}");
        }
    }

    #[test]
    fn of_two_versions_the_newest_is_named() {
        assert!(versions_of("fred").count() > 1, "cachekit-rs brings an older fred");
        assert!(locked("fred").starts_with("10."));
    }
}
