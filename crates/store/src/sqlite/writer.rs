//! The one writer: a bounded queue of jobs, a SAVEPOINT for each, one COMMIT for a batch, and answers only after it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Options, connect, guarded};
use crate::StoreError;

/// A bound on how long the first job of a batch waits for the last.
const BATCH_MAX: usize = 256;

/// The name of failures that belong to a batch and to none of its jobs.
const BATCH: &str = "group commit";

#[derive(Clone)]
pub(super) struct Writer(Arc<Shared>);

struct Shared {
    /// Taken by whoever drains the queue; `None` while a failed connection is yet to be replaced.
    connection: Mutex<Option<Connection>>,
    queue: Mutex<Queue>,
    path: Box<Path>,
    options: Options,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Box<dyn Job>>,
    draining: bool,
}

/// One write, with the place where its answer goes.
trait Job: Send {
    fn name(&self) -> &'static str;
    /// Does the work and keeps its result. False: undo it.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers: with what `run` kept, unless the batch failed.
    fn answer(self: Box<Self>, batch: Result<(), StoreError>);
}

struct Write<F, T, E> {
    name: &'static str,
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Write<F, T, E>
where
    F: FnOnce(&Connection) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, connection: &Connection) -> bool {
        let work = self.work.take().expect("a job is run once");
        self.result = Some(guarded(self.name, connection, work));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, batch: Result<(), StoreError>) {
        let lost = || Err(StoreError::Lost { transaction: self.name }.into());
        let answer = match (batch, self.result) {
            // A job that failed by itself was undone in any case: its own reason says more.
            (_, Some(Err(own))) => Err(own),
            (Ok(()), result) => result.unwrap_or_else(lost),
            (Err(failure), _) => Err(failure.into()),
        };
        // Whoever asked may have gone; the write stands all the same.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    pub(super) fn new(connection: Connection, path: &Path, options: Options) -> Self {
        Self(Arc::new(Shared {
            connection: Mutex::new(Some(connection)),
            queue: Mutex::default(),
            path: path.into(),
            options,
        }))
    }

    pub(super) async fn write<T, E>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Box::new(Write { name, work: Some(work), result: None, reply }))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Lost { transaction: name }.into()))
    }

    fn enqueue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut queue = self.0.queue();
        if queue.jobs.len() >= self.0.options.queue {
            return Err(StoreError::Overloaded { transaction: job.name() });
        }
        queue.jobs.push_back(job);
        if !std::mem::replace(&mut queue.draining, true) {
            drop(queue);
            let drain = Drain { shared: self.0.clone(), done: false };
            tokio::task::spawn_blocking(move || drain.run());
        }
        Ok(())
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Box<dyn Job>> {
        self.queue().jobs.pop_front()
    }

    /// One transaction: as many jobs as wait, and those that come while they run.
    fn batch(&self, slot: &mut Option<Connection>, first: Box<dyn Job>) {
        let mut jobs = vec![first];
        let outcome = self.attempt(slot, &mut jobs);
        if let Err(failure) = &outcome {
            tracing::warn!(jobs = jobs.len(), error = %failure, "a batch was not committed");
        }
        for job in jobs {
            job.answer(outcome.clone());
        }
    }

    fn attempt(&self, slot: &mut Option<Connection>, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let connection = match slot.take() {
            Some(connection) => slot.insert(connection),
            None => slot.insert(connect(&self.path, self.options)?),
        };
        let result = self.transaction(connection, jobs);
        if let Err(failure) = &result
            && !undone(connection, failure)
        {
            *slot = None;
        }
        result
    }

    fn transaction(&self, connection: &Connection, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let sql = |error| StoreError::sql(BATCH, error);
        // Immediate: waits for another process here, where nothing has been done yet, and not in the middle.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(sql)?;
        let mut at = 0;
        while at < jobs.len() {
            step(connection, jobs[at].as_mut()).map_err(sql)?;
            at += 1;
            if at < BATCH_MAX {
                jobs.extend(self.next());
            }
        }
        connection.execute_batch("COMMIT").map_err(sql)
    }
}

/// One job in its SAVEPOINT.
fn step(connection: &Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    connection.execute_batch("SAVEPOINT job")?;
    let keep = job.run(connection);
    if connection.is_autocommit() {
        // SQLite ended the whole transaction by itself (a full disk, an input or output failure): the jobs before are gone too.
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK),
            Some("the transaction was rolled back by a job's failure".to_owned()),
        ));
    }
    if !keep {
        connection.execute_batch("ROLLBACK TO job")?;
    }
    connection.execute_batch("RELEASE job")
}

/// Takes a failed transaction back. False if the connection is to be replaced: after an input or output failure what the file
/// holds is in doubt, and so is what the connection believes.
fn undone(connection: &Connection, failure: &StoreError) -> bool {
    let back = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
    back && matches!(failure, StoreError::Busy { .. } | StoreError::NoSpace { .. })
}

/// Whoever empties the queue. If it never runs (its runtime is shutting down), the waiting jobs are answered and the next
/// write, perhaps on another runtime, starts another.
struct Drain {
    shared: Arc<Shared>,
    done: bool,
}

impl Drain {
    fn run(mut self) {
        let shared = self.shared.clone();
        let mut slot = shared.connection.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut queue = shared.queue();
            let Some(job) = queue.jobs.pop_front() else {
                queue.draining = false;
                self.done = true;
                return;
            };
            drop(queue);
            shared.batch(&mut slot, job);
        }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut queue = self.shared.queue();
        queue.draining = false;
        let abandoned: Vec<_> = queue.jobs.drain(..).collect();
        drop(queue);
        for job in abandoned {
            let failure = StoreError::Lost { transaction: job.name() };
            job.answer(Err(failure));
        }
    }
}
