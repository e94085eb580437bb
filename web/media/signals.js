// Signals of several ends. (`AbortSignal.any` is younger than the oldest browser served.)

/**
 * A controller that ends with any of these signals, and on its own.
 * @param {...(AbortSignal|undefined)} signals
 * @returns {AbortController}
 */
export function linked(...signals) {
  const controller = new AbortController()
  for (const signal of signals) {
    if (signal?.aborted) controller.abort(signal.reason)
    signal?.addEventListener('abort', () => controller.abort(signal.reason), { once: true, signal: controller.signal })
  }
  return controller
}
