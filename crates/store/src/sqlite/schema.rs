//! Numbered migrations: each in its own transaction, and a file of a newer program is refused.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// One step of a schema, never changed after it was released.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What it brings, for the log.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// A database's whole history; migration `n` stands at index `n - 1`.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// What the database is called in errors.
    pub name: &'static str,
    /// Written into the file's header, so that Truth is never opened as Records.
    pub application_id: i32,
    /// Every migration from the first commit on.
    pub migrations: &'static [Migration],
}

impl Schema {
    /// Applies what the file lacks.
    pub(super) fn bring_up_to_date(&self, connection: &mut Connection) -> Result<(), StoreError> {
        self.claim(connection)?;
        for (index, migration) in self.migrations.iter().enumerate() {
            self.step(connection, index, migration)
                .map_err(|error| StoreError::sql(migration.name, error))?;
        }
        self.refuse_newer(connection)
    }

    /// Marks an empty file as ours and refuses somebody else's.
    fn claim(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i32 = tx.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        match (found, tables) {
            (id, _) if id == self.application_id => {}
            (0, 0) => tx.pragma_update(None, "application_id", self.application_id)?,
            _ => return Err(StoreError::WrongFile { store: self.name }),
        }
        Ok(tx.commit()?)
    }

    /// One migration, unless the file has it: asked inside the transaction, for a second process may be migrating too.
    fn step(&self, connection: &mut Connection, index: usize, migration: &Migration) -> rusqlite::Result<()> {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let number = u32::try_from(index + 1).expect("there are few migrations");
        if version(&tx)? >= number {
            return Ok(());
        }
        tx.execute_batch(migration.sql)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
        tracing::info!(store = self.name, number, name = migration.name, "migrated");
        Ok(())
    }

    fn refuse_newer(&self, connection: &Connection) -> Result<(), StoreError> {
        let (found, known) = (version(connection)?, self.migrations.len() as u32);
        if found > known {
            return Err(StoreError::NewerSchema { store: self.name, found, known });
        }
        Ok(())
    }
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
