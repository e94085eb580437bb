//! A few connections that only read, each read on one snapshot.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Options, connect, guarded};
use crate::StoreError;

/// Reading connections with a bounded queue before them. Cheap to clone.
#[derive(Clone)]
pub struct Readers(Arc<Pool>);

struct Pool {
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
    inside: AtomicUsize,
    most: usize,
}

impl Readers {
    pub(super) fn open(path: &Path, options: Options, connections: usize) -> Result<Self, StoreError> {
        let idle: Result<Vec<_>, _> = (0..connections).map(|_| read_only(path, options)).collect();
        Ok(Self(Arc::new(Pool {
            idle: Mutex::new(idle?),
            free: Arc::new(Semaphore::new(connections)),
            inside: AtomicUsize::new(0),
            most: options.queue + connections,
        })))
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
        let place = Place::take(&self.0, name)?;
        let lost = || E::from(StoreError::Lost { transaction: name });
        let free = self.0.free.clone().acquire_owned().await.map_err(|_| lost())?;
        let borrowed = Borrowed::take(self.0.clone(), free);
        let run = move || {
            // Moved in, so that a caller who leaves early gives up neither connection nor place before the work is over.
            let (borrowed, _place) = (borrowed, place);
            snapshot(name, borrowed.connection(), work)
        };
        tokio::task::spawn_blocking(run).await.unwrap_or_else(|_| Err(lost()))
    }
}

fn read_only(path: &Path, options: Options) -> Result<Connection, StoreError> {
    let connection = connect(path, options)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// The snapshot begins at the body's first statement, which is after the call.
fn snapshot<T, E: From<StoreError>>(
    name: &'static str,
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let tx = connection.unchecked_transaction().map_err(|error| StoreError::sql(name, error))?;
    let result = guarded(name, &tx, work);
    // Nothing was written: ending the snapshot can't lose anything, and a failure shows at the next use.
    drop(tx);
    result
}

/// A caller's place in the bounded queue.
struct Place(Arc<Pool>);

impl Place {
    fn take(pool: &Arc<Pool>, transaction: &'static str) -> Result<Self, StoreError> {
        let place = Self(pool.clone());
        if pool.inside.fetch_add(1, Ordering::Relaxed) >= pool.most {
            return Err(StoreError::Overloaded { transaction });
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that goes back to the pool by itself, before its semaphore's permit does.
struct Borrowed {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _free: OwnedSemaphorePermit,
}

impl Borrowed {
    fn take(pool: Arc<Pool>, free: OwnedSemaphorePermit) -> Self {
        let connection = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { pool, connection, _free: free }
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("there are as many connections as permits")
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
