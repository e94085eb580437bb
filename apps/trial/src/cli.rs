//! The command line: what can be asked, and every help text.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::clients::registry::DRIVER;
use crate::proxy::FaultKind;

/// The stress kit for cache clients.
#[derive(Debug, Parser)]
#[command(
    name = "keepsight-trial",
    version,
    max_term_width = 100,
    about = "Does your cache client ever answer with somebody else's data?",
    long_about = "Does your cache client ever answer with somebody else's data?\n\n\
        The kit starts a private Redis or Valkey, puts a seeded fault proxy before it, drives a client with many tasks and judges every \
        single answer: each value names its key and version, so an answer that belongs to another question is seen, whatever the client believes. \
        Errors are fine. Wrong answers are not.",
    after_long_help = "Exit codes: 0 nothing wrong · 1 a wrong or stale answer, or a lease with two holders · 2 wrong usage · \
        3 nothing was shown (a fault was never injected, the server or a client that was named could not run) · 4 a client did not recover, or a call did not end\n\n\
        Begin with:\n  keepsight-trial run --client redis-py-4.5.1 --events mass-cancel\n\n\
        Your own client, in any language: write a driver in 30 lines\n  keepsight-trial template > my_driver.py\n  \
        keepsight-trial run --client 'driver:python3 my_driver.py'"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Drives clients through extreme events and judges every answer
    Run(Box<Run>),
    /// The fault proxy alone, to put before anybody's own tests
    Proxy(Proxy),
    /// Lists the clients that the kit can drive, and whether they can run here
    Clients,
    /// Lists the events
    Events,
    /// Prints a driver in Python to begin with: copy it, fill in the calls of your own client
    Template,
}

/// `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Which clients: names from `keepsight-trial clients` with commas between them, `all`, or `driver:COMMAND LINE`; may be given several times
    #[arg(long, value_name = "NAME", required = true)]
    pub client: Vec<String>,
    /// Which events: names from `keepsight-trial events`, or `all`
    #[arg(long, value_delimiter = ',', value_name = "NAME", default_value = "all")]
    pub events: Vec<String>,
    /// Every fault and every call is drawn from this; the same seed hits the same replies
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only this step of each event: how a wrong answer is replayed
    #[arg(long)]
    pub step: Option<u64>,
    /// Steps are added until so many operations per client and event were judged; `1000,fred=50000` asks more of one
    #[arg(long, default_value = "1000", value_name = "N", value_parser = Operations::parse)]
    pub operations: Operations,
    /// The server: redis, valkey, or the path of a program
    #[arg(long, default_value = "redis", value_name = "SERVER")]
    pub server: String,
    /// The time-out that every client is given for a call, in milliseconds
    #[arg(long, default_value_t = 150, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub call_timeout: u64,
    /// How many clients run at the same time; more than one is quicker, and measures goodput worse
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub at_once: usize,
    /// Writes a self-contained HTML report with charts
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Writes everything that was found, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Writes JUnit XML for a build server
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

impl Run {
    /// The clients' names. What is behind `driver:` is one command line, commas and all.
    pub fn clients(&self) -> Vec<&str> {
        let (drivers, known): (Vec<&String>, _) =
            self.client.iter().partition(|given| given.starts_with(DRIVER));
        let known = known.into_iter().flat_map(|given| given.split(','));
        known.chain(drivers.into_iter().map(String::as_str)).collect()
    }
}

/// How many operations are asked of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    everybody: u64,
    some: Vec<(String, u64)>,
}

impl Operations {
    /// How many are asked of this client.
    pub fn of(&self, client: &str) -> u64 {
        self.some.iter().find(|(name, _)| name == client).map_or(self.everybody, |(_, count)| *count)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
        let mut operations = Self { everybody: 1000, some: Vec::new() };
        for part in text.split(',') {
            match part.rsplit_once('=') {
                Some((name, count)) => operations.some.push((name.to_owned(), number(count)?)),
                None => operations.everybody = number(part)?,
            }
        }
        Ok(operations)
    }
}

impl std::fmt::Display for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.everybody)?;
        self.some.iter().try_for_each(|(name, count)| write!(f, ",{name}={count}"))
    }
}

/// `proxy`.
#[derive(Debug, Args)]
pub struct Proxy {
    /// The server to stand before
    #[arg(long, value_name = "HOST:PORT")]
    pub upstream: String,
    /// Where to listen; port 0 takes a free one and prints it
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Every fault is drawn from this; the same seed hits the same replies of the same connections
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Which faults, in turn
    #[arg(long, value_delimiter = ',', required = true, value_name = "FAULT")]
    pub faults: Vec<FaultKind>,
    /// Replies from one fault to the next on a connection, at least and at most
    #[arg(long, default_value = "20..200", value_name = "LEAST..MOST", value_parser = range)]
    pub gap: (u64, u64),
    /// How long delays last, in milliseconds, at least and at most
    #[arg(long, default_value = "200..400", value_name = "LEAST..MOST", value_parser = range)]
    pub delay: (u64, u64),
    /// Faults per connection, at most
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub per_connection: u64,
    /// Ends by itself after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    match (number(least)?, number(most)?) {
        (least, most) if (1..=most).contains(&least) => Ok((least, most)),
        _ => Err("the first number must be at least 1 and at most the second, as in 20..200".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_drivers_command_line_keeps_its_commas() {
        let words = ["kit", "run", "--client", "fred,redis-rs", "--client", "driver:python3 x.py a,b"];
        let Command::Run(run) = Cli::try_parse_from(words).unwrap().command else { panic!("it is a run") };
        assert_eq!(run.clients(), ["fred", "redis-rs", "driver:python3 x.py a,b"]);
    }

    #[test]
    fn one_client_can_be_asked_more_than_the_others() {
        let operations = Operations::parse("50,fred=9000").unwrap();
        assert_eq!((operations.of("fred"), operations.of("ioredis")), (9000, 50));
        assert_eq!(operations.to_string(), "50,fred=9000");
        assert!(Operations::parse("many").is_err());
    }

    #[test]
    fn a_range_has_two_ends_in_order() {
        assert_eq!(range("3..9"), Ok((3, 9)));
        assert_eq!(range("5"), Ok((5, 5)));
        assert!(range("9..3").is_err() && range("0..3").is_err() && range("a..b").is_err());
    }
}
