// Pictures as `blob:` addresses, every one of which is given back.

export class BlobUrls {
  /** @type {Set<string>} */
  #urls = new Set()

  /** @param {BlobPart} bytes @param {string} type a MIME type @returns {string} */
  make(bytes, type) {
    const url = URL.createObjectURL(new Blob([bytes], { type }))
    this.#urls.add(url)
    return url
  }

  /** @param {string} url */
  revoke(url) {
    if (this.#urls.delete(url)) URL.revokeObjectURL(url)
  }

  /** Gives all of them back. */
  end() {
    for (const url of this.#urls) URL.revokeObjectURL(url)
    this.#urls.clear()
  }

  get size() {
    return this.#urls.size
  }
}
