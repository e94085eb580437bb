//! The command line: what can be said, and the help that teaches it. No behaviour.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// A camera-event cloud in which one person's camera can never be shown to another.
#[derive(Debug, Parser)]
#[command(
    name = "keepsight",
    version,
    max_term_width = 100,
    after_help = "\
First time here?
  keepsight demo                 the whole system with built-in cameras, nothing to set up
  keepsight serve                the cloud; prints a set-up link to open
  keepsight agent pair CODE ..   the box at home that watches the cameras"
)]
pub struct Cli {
    /// Say more in the log (-v: debug of Keepsight, -vv: debug of everything). RUST_LOG overrides it.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the cloud (and, with an agent section in its configuration, the home's agent too)
    Serve(ServeOptions),
    /// The camera side: pair with a home, add cameras, record, upload
    Agent(AgentOptions),
    /// Run everything in one process with built-in cameras, in a temporary folder
    Demo(DemoOptions),
    /// Operate a running cloud from a second process: lockdown, sessions, the set-up link
    Admin(AdminOptions),
    /// Print the commented default configuration
    Config,
}

/// `keepsight serve`
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// The configuration file; without it ./keepsight.toml if there is one, else the defaults
    #[arg(short, long, value_name = "FILE", env = "KEEPSIGHT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where everything is kept (overrides the file)
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The address to listen on (overrides the file)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// How people reach it: goes into links (overrides the file)
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Speak plain HTTP: for a TLS proxy in front, or this machine only (overrides the file)
    #[arg(long)]
    pub no_tls: bool,
}

/// `keepsight agent`
#[derive(Debug, Args)]
pub struct AgentOptions {
    /// The agent's folder: its key, cameras and spool
    #[arg(
        long,
        value_name = "DIR",
        default_value = "keepsight-agent",
        env = "KEEPSIGHT_AGENT_DATA",
        global = true
    )]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: AgentCommand,
}

/// `keepsight agent ..`
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Join a home with the code that its owner's browser shows
    Pair {
        /// The server's address, as in the browser
        #[arg(long, value_name = "URL")]
        server: String,
        /// The code: six groups of four characters
        code: String,
    },
    /// Add a camera: looks what is there, shows it, and begins to watch
    Add {
        /// What people call it ("Hall"); sealed before it leaves this box
        name: String,
        /// rtsp://address:port/path of the main stream; the password is asked for
        url: String,
        /// The camera's user name
        #[arg(long)]
        user: Option<String>,
        /// A smaller stream of the same camera, to watch cheaply
        #[arg(long, value_name = "URL")]
        substream: Option<String>,
        /// Read the password from standard input instead of asking
        #[arg(long)]
        password_stdin: bool,
        /// Motion sensitivity, 1 (only large) to 10 (everything)
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=10))]
        sensitivity: u8,
        /// Where motion does not count, in fractions of the picture: x,y,width,height (may be repeated)
        #[arg(long, value_name = "X,Y,W,H")]
        mask: Vec<String>,
    },
    /// Look at a camera without adding it: streams, codecs, size, a picture
    Test {
        /// rtsp://address:port/path
        url: String,
        /// The camera's user name
        #[arg(long)]
        user: Option<String>,
        /// Read the password from standard input instead of asking
        #[arg(long)]
        password_stdin: bool,
        /// Write the picture here (JPEG)
        #[arg(long, value_name = "FILE")]
        picture: Option<PathBuf>,
    },
    /// Record an Event now
    Trigger {
        /// The camera: its id, as `status` prints it
        camera: String,
    },
    /// After another camera answered at a camera's address: take the one that answers now for the one that is meant
    Accept {
        /// The camera: its id, as `status` prints it
        camera: String,
    },
    /// Stop watching a camera and forget its login; what was recorded is still uploaded
    Remove {
        /// The camera: its id, as `status` prints it
        camera: String,
    },
    /// Watch, record and upload until stopped
    Run,
    /// What is paired, watched, and waiting to be uploaded
    Status,
    /// Forget home, key, cameras and spool, for a box that changes hands
    Reset {
        /// Do it; nothing on this box can be brought back
        #[arg(long)]
        yes: bool,
    },
}

/// `keepsight demo`
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// The port on this machine
    #[arg(long, default_value_t = 8420)]
    pub port: u16,
    /// Keep the folder here instead of a temporary one that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `keepsight admin`
#[derive(Debug, Args)]
pub struct AdminOptions {
    /// The configuration file of the server
    #[arg(short, long, value_name = "FILE", env = "KEEPSIGHT_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// The server's data folder (overrides the file)
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// `keepsight admin ..`
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Stop viewing at the next request on every node, or let it go on
    Lockdown {
        /// on or off
        #[arg(value_parser = ["on", "off"])]
        switch: String,
        /// One home only
        #[arg(long, value_name = "HOME")]
        home: Option<String>,
    },
    /// End every sign-in of everybody
    EndSessions,
    /// Print a new one-time set-up link (while there is no account yet)
    SetupLink,
}

/// Sends the log to standard error: warnings of libraries, what Keepsight has to say.
pub fn start_logging(verbose: u8) {
    let default = match verbose {
        0 => "warn,keepsight=info",
        1 => "info,keepsight=debug",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
