//! The operator's process: this test's own program, started again with a database to write to, ordered over its pipes.

use std::fmt::Display;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::Stdio;

use keepsight_gate::OperatorDeed;
use keepsight_ids::Revision;
use keepsight_store::truth::SqliteTruth;
use keepsight_world::World;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const DATABASE: &str = "KEEPSIGHT_TEST_OPERATOR_DATABASE";
/// Before each answer, for the test harness prints lines of its own.
const MARK: &str = "operator: ";

/// An order as one line.
pub struct Order(String);

impl Order {
    /// The line for this deed.
    pub fn of(deed: &OperatorDeed) -> Self {
        let line =
            |parts: &[&dyn Display]| parts.iter().map(|part| part.to_string()).collect::<Vec<_>>().join(" ");
        Self(match deed {
            OperatorDeed::LockEverything { on } => line(&[&"everything", on]),
            OperatorDeed::LockHome { home, on } => line(&[&"home", home, on]),
            OperatorDeed::EndRelation { home, account } => line(&[&"end", home, account]),
            other => panic!("no order for {other:?}"),
        })
    }

    fn deed(line: &str) -> OperatorDeed {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["everything", on] => OperatorDeed::LockEverything { on: on.parse().unwrap() },
            ["home", home, on] => {
                OperatorDeed::LockHome { home: home.parse().unwrap(), on: on.parse().unwrap() }
            }
            ["end", home, account] => {
                OperatorDeed::EndRelation { home: home.parse().unwrap(), account: account.parse().unwrap() }
            }
            _ => panic!("not an order: {line}"),
        }
    }
}

/// The process, seen from the test.
pub struct OperatorProcess {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl OperatorProcess {
    /// Starts it, and waits until it has the database open.
    pub async fn start(database: impl AsRef<Path>) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["operator_process", "--exact", "--nocapture", "--test-threads=1"])
            .env(DATABASE, database.as_ref())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Self { child, orders, answers };
        assert_eq!(process.answer().await, "ready");
        process
    }

    async fn answer(&mut self) -> String {
        loop {
            let line = self.answers.next_line().await.unwrap().expect("the operator's process lives");
            if let Some((_, answer)) = line.split_once(MARK) {
                return answer.to_owned();
            }
        }
    }

    /// Has it done; the revision that it took, or `None` if it was refused.
    pub async fn order(&mut self, order: &Order) -> Option<Revision> {
        self.orders.write_all(format!("{}\n", order.0).as_bytes()).await.unwrap();
        self.orders.flush().await.unwrap();
        self.answer().await.parse().ok().map(Revision)
    }

    /// Ends it in good order.
    pub async fn stop(mut self) {
        drop(self.orders);
        assert!(self.child.wait().await.unwrap().success());
    }
}

/// The process, seen from itself.
#[allow(clippy::print_stdout, reason = "its answers go over its standard output")]
pub fn serve_if_asked() {
    let Ok(database) = std::env::var(DATABASE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let truth = SqliteTruth::open(Path::new(&database), World::real()).unwrap();
    println!("{MARK}ready");
    for line in std::io::stdin().lock().lines() {
        let done = runtime.block_on(truth.operate(Order::deed(&line.unwrap())));
        match done {
            Ok(done) => println!("{MARK}{}", done.revision),
            Err(refused) => println!("{MARK}refused, {refused}"),
        }
        std::io::stdout().flush().unwrap();
    }
}
