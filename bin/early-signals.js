// Signal handlers until the program has its own, which may take a tenth of a second and longer.

/** SIGHUP requests a configuration that is not read yet. The others end the process, as without a handler. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

/**
 * These handlers stay: as long as a signal has one, Node passes earlier ones to a handler that is added later.
 * Process 1 has to end by itself, because the kernel ignores unhandled signals there.
 */
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    if (signal === 'SIGHUP' || process.listenerCount(signal) > 1) return
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    process.exit(128 + number)
  })
}
