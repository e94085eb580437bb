//! The one door to SQLite for both stores: named transactions, one writer with group commit, a few readers.
//!
//! It is not a query layer: what a transaction does is written where its subject is. A write is answered only after the COMMIT
//! that holds it, with `synchronous=FULL`; each job of a batch stands in its own SAVEPOINT, so that a failing one takes no other
//! with it, and a failed COMMIT fails them all. Other processes may write the same file.
//!
//! Work runs on the runtime's blocking threads, at most one of them writing, and not on threads of our own: tokio's paused clock
//! stands still while a blocking task runs, so that under virtual time the disk takes no time instead of for ever.

mod reader;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

pub use reader::Readers;
pub use schema::{Migration, Schema};

use crate::StoreError;
use writer::Writer;

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long a statement waits for another process's lock.
    pub busy_timeout: Duration,
    /// Connections for reading.
    pub readers: usize,
    /// Jobs that may wait for the writer, and for the readers, before more are turned away.
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(2), readers: 4, queue: 4096 }
    }
}

/// An open database. Cheap to clone; the file is closed with the last clone.
#[derive(Clone)]
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
    path: Arc<Path>,
    options: Options,
}

impl Sqlite {
    /// Opens the file, makes it if absent, and brings its schema up to date, each migration in a transaction of its own.
    /// Blocks; call it while starting.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] and [`StoreError::WrongFile`] if the file is not this program's to write; else whatever
    /// SQLite says.
    pub fn open(path: &Path, schema: &Schema, options: Options) -> Result<Self, StoreError> {
        let mut connection = connect(path, options)?;
        schema.bring_up_to_date(&mut connection)?;
        Ok(Self {
            writer: Writer::new(connection, path, options),
            readers: Readers::open(path, options, options.readers)?,
            path: path.into(),
            options,
        })
    }

    /// Runs `work` in a write transaction and answers after its COMMIT. An `Err` from `work` undoes what it did and nothing
    /// else. The work may be batched with others': it must not begin or end transactions.
    ///
    /// # Errors
    /// What `work` returned, or a [`StoreError`] if it could not run or could not be committed. After an input or output
    /// failure in COMMIT the outcome is unknown until the next read.
    pub async fn write<T, E>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.write(name, work).await
    }

    /// Runs `work` on one snapshot, taken after this call was made.
    ///
    /// # Errors
    /// What `work` returned, or a [`StoreError`] if it could not run.
    pub async fn read<T, E>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.readers.read(name, work).await
    }

    /// Connections of one's own, so that nobody else's reads stand before them (the gate's fence).
    ///
    /// # Errors
    /// Whatever SQLite says at opening.
    pub fn lane(&self, connections: usize) -> Result<Readers, StoreError> {
        Readers::open(&self.path, self.options, connections)
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens one connection with the settings that every promise here stands on.
fn connect(path: &Path, options: Options) -> Result<Connection, StoreError> {
    let set_up = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(options.busy_timeout)?;
        // Switching to WAL needs the lock for a moment; the busy timeout above covers a second process.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // NORMAL can lose an acknowledged commit at a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(connection)
    };
    set_up().map_err(|error| StoreError::sql("open", error))
}

/// The bodies of jobs are ours, and a panic in one is a fault of ours; it must not take the writer with it.
fn guarded<T, E: From<StoreError>>(
    name: &'static str,
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let run = std::panic::AssertUnwindSafe(|| work(connection));
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        tracing::error!(transaction = name, "a transaction's body panicked");
        Err(StoreError::Lost { transaction: name }.into())
    })
}

#[cfg(test)]
mod tests;
