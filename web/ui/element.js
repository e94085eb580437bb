// The base of every element here: what it starts ends when it leaves the page. One AbortController each; what waits gets its signal.

/** A light-DOM element with a beginning and an end. */
export class Living extends HTMLElement {
  /** @type {AbortController} */
  #life = new AbortController();

  /** Aborted when the element leaves the page. */
  get signal() {
    return this.#life.signal;
  }

  connectedCallback() {
    this.#life = new AbortController();
    this.start();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.stop();
    this.replaceChildren();
  }

  /** Builds the element. Override. */
  start() {}

  /** Gives back what the signal doesn't. Override. */
  stop() {}

  /**
   * Listens until the element leaves the page.
   * @param {EventTarget} to
   * @param {string} type
   * @param {(event: any) => void} deed
   * @param {AddEventListenerOptions} [options]
   */
  on(to, type, deed, options = {}) {
    to.addEventListener(type, deed, { ...options, signal: this.signal });
  }

  /**
   * Runs something that waits. What fails because the element has gone is nobody's business; the rest goes to `failed`.
   * @param {Promise<void>} work
   * @param {(error: unknown) => void} [failed]
   */
  run(work, failed) {
    const { signal } = this;
    work.catch((error) => {
      if (signal.aborted) return;
      if (failed) failed(error);
      else reportError(error);
    });
  }
}

/**
 * Makes an element known by its name.
 * @param {string} name
 * @param {CustomElementConstructor} type
 */
export function define(name, type) {
  if (!customElements.get(name)) customElements.define(name, type);
}
