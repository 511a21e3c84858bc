/** Timers that one owner on the control thread clears together. */

/** setTimeout is limited to 31 bits and fires at once for longer times. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** Owned by a head or a listener keeper; `clear` ends all of them. */
export class Alarms {
  readonly #timers = new Set<NodeJS.Timeout>()

  /** Calls `act` once, unless `clear` comes first. Infinity: never. */
  after(ms: number, act: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        if (ms <= TIMEOUT_MAX_MS) act()
        else this.after(ms - TIMEOUT_MAX_MS, act)
      },
      Math.min(ms, TIMEOUT_MAX_MS),
    )
    this.#timers.add(timer)
  }

  /** Calls `act` twice in each `periodMs`, until `clear`. Undefined: never. */
  every(periodMs: number | undefined, act: () => void): void {
    if (periodMs === undefined) return
    // Half the interval of the watchdog, as sd_watchdog_enabled(3) recommends.
    this.after(periodMs / 2, () => {
      act()
      this.every(periodMs, act)
    })
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }
}
