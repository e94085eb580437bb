//! The command that repeats a run or one step of it: to be copied into a shell, so quoted where a shell would read it otherwise.

use std::borrow::Cow;

use crate::clients::registry::DRIVER;
use crate::step::Terms;

/// Runs these clients in these events on the same terms.
pub fn command(terms: &Terms, server: &str, clients: &[&str], events: &[&str]) -> String {
    let (drivers, known): (Vec<&str>, Vec<&str>) = clients.iter().partition(|name| name.starts_with(DRIVER));
    let known = (!known.is_empty()).then(|| known.join(","));
    let mut command = "keepsight-trial run".to_owned();
    // A driver's command line may have commas of its own.
    for client in known.iter().map(String::as_str).chain(drivers) {
        command += &format!(" --client {}", quoted(client));
    }
    let (events, timeout) = (events.join(","), terms.call_timeout.as_millis());
    command
        + &format!(
            " --events {events} --server {} --call-timeout {timeout} --seed {}",
            quoted(server),
            terms.dice.seed()
        )
}

fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=".contains(c);
    if word.chars().all(is_plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")).into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use keepsight_world::World;
    use std::time::Duration;

    #[test]
    fn it_names_all_that_was_asked_and_a_shell_reads_it_as_it_was_meant() {
        let terms = Terms {
            world: World::real(),
            server: "/usr/bin/redis-server".into(),
            call_timeout: Duration::from_millis(70),
            dice: Dice::new(9),
        };
        assert_eq!(
            command(&terms, "redis", &["fred", "driver:python3 it's.py a,b", "ioredis"], &["calm", "mixed"]),
            "keepsight-trial run --client fred,ioredis --client 'driver:python3 it'\\''s.py a,b' \
             --events calm,mixed --server redis --call-timeout 70 --seed 9"
        );
    }
}
