//! `keepsight-trial`: parses what is asked, runs it, maps the outcome to an exit code.

use keepsight_trial::clients::registry;

fn main() {
    let names: Vec<_> = registry::all().into_iter().map(|entry| entry.name).collect();
    eprintln!("clients: {}", names.join(", "));
}
