import { setTimeout as wait } from 'node:timers/promises'

/** Poll interval for states without notification, such as a file of /proc. */
const LOOK_EVERY_MS = 20

/** Factor for all timeouts where processes start slowly: in a guest of User Mode Linux. */
const SLOWNESS = Number(process.env.TCPRELAY_TEST_SLOWNESS ?? 1)

/** Default timeout, on a busy machine. */
export const DEADLINE_MS = 10_000

/** Polls until `probe` returns something other than undefined or false. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<Exclude<T, undefined | false>> {
  const giveUpAt = performance.now() + deadlineMs * SLOWNESS
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
    if (performance.now() > giveUpAt) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`)
    await wait(LOOK_EVERY_MS * SLOWNESS)
  }
}

/** The result of a promise, or an error that names what was waited for. */
export async function within<T>(what: string, answer: Promise<T>, deadlineMs = DEADLINE_MS): Promise<T> {
  const deadline = new AbortController()
  const late = wait(deadlineMs * SLOWNESS, undefined, { signal: deadline.signal }).then(() => {
    throw new Error(`waited ${deadlineMs} ms in vain: ${what}`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([answer, late])
  } finally {
    deadline.abort()
  }
}
