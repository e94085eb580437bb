// IndexedDB as promises: named stores of values under text keys. Every operation is one transaction; it is done when that is complete.

const VERSION = 1

export class Store {
  /**
   * @param {string} name @param {string[]} stores
   * @returns {Promise<Store>}
   */
  static open(name, stores) {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, VERSION)
      request.onupgradeneeded = () => stores.forEach((store) => request.result.createObjectStore(store))
      request.onsuccess = () => resolve(new Store(request.result))
      request.onerror = () => reject(request.error)
      request.onblocked = () => reject(new DOMException('another tab holds an older store', 'InvalidStateError'))
    })
  }

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database
    database.onversionchange = () => database.close()
  }

  /** @param {string} store @param {string} key @returns {Promise<any>} undefined when there is none */
  async get(store, key) {
    return (await this.run(store, 'readonly', (objects) => objects.get(key))).result
  }

  /** @param {string} store @param {string} key @param {unknown} value */
  async put(store, key, value) {
    await this.run(store, 'readwrite', (objects) => objects.put(value, key))
  }

  /** @param {string} store @param {string} key */
  async remove(store, key) {
    await this.run(store, 'readwrite', (objects) => objects.delete(key))
  }

  /** Empties every store. */
  async clear() {
    for (const store of this.database.objectStoreNames) await this.run(store, 'readwrite', (objects) => objects.clear())
  }

  /**
   * Reads and writes one value in one transaction: two tabs cannot come between.
   * @param {string} store @param {string} key @param {(old: any) => unknown} change when it throws, nothing is written and its error is the result's
   * @returns {Promise<void>}
   */
  async update(store, key, change) {
    /** @type {unknown} */
    let thrown
    const done = this.run(store, 'readwrite', (objects) => {
      const read = objects.get(key)
      read.onsuccess = () => {
        try {
          objects.put(change(read.result), key)
        } catch (error) {
          thrown = error
          objects.transaction.abort()
        }
      }
      return read
    })
    await done.catch((error) => {
      throw thrown ?? error
    })
  }

  close() {
    this.database.close()
  }

  /**
   * @param {string} store @param {IDBTransactionMode} mode @param {(objects: IDBObjectStore) => IDBRequest} act
   * @returns {Promise<IDBRequest>} when the transaction is complete
   */
  run(store, mode, act) {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(store, mode)
      const request = act(transaction.objectStore(store))
      transaction.oncomplete = () => resolve(request)
      transaction.onabort = () => reject(transaction.error ?? new DOMException('transaction aborted', 'AbortError'))
    })
  }
}
