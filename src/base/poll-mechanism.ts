/** Chooses between epoll(7), poll(2) and select(2), from the environment as the original does. */

/** The event notification mechanisms of this program. */
export type PollMechanism = 'epoll' | 'poll' | 'select'

/** The environment variable of the original. */
export const POLL_VARIABLE = 'IO_POLL_MECHANISM'

/** The original's bit values. */
const NUMBERS = { kqueue: 1, '/dev/poll': 2, epoll: 4, poll: 8, select: 16, port: 32 } as const

/** Those available on Linux, in the original's order of preference. */
const HERE: readonly PollMechanism[] = ['epoll', 'poll', 'select']

/** FD_SETSIZE: select(2) supports descriptors below this number; a set has one bit for each. */
export const SELECT_DESCRIPTORS = 1024

/** The number of descriptors that a mechanism supports. */
export function descriptorsOf(mechanism: PollMechanism): number {
  return mechanism === 'select' ? SELECT_DESCRIPTORS : Number.POSITIVE_INFINITY
}

/** The preferred mechanism that `mask` allows (undefined: all of them), or an error message if there is none. */
export function choosePollMechanism(
  mask: string | undefined,
): { readonly mechanism: PollMechanism } | { readonly problem: string } {
  if (mask === undefined) return { mechanism: 'epoll' }
  if (!/^\s*[-+]?\d+\s*$/.test(mask)) {
    return { problem: `${POLL_VARIABLE} must be a sum of numbers, not '${mask}': ${offer()}` }
  }
  const bits = Number(mask)
  const mechanism = HERE.find((name) => (bits & NUMBERS[name]) !== 0)
  if (mechanism !== undefined) return { mechanism }
  const absent = Object.entries(NUMBERS).flatMap(([name, number]) => ((bits & number) === 0 ? [] : name))
  const means = absent.length === 0 ? 'stands for none' : `stands for ${absent.join(', ')}`
  return {
    problem: `no working event notification mechanism found: ${POLL_VARIABLE} = ${bits} ${means}, ${offer()}`,
  }
}

function offer(): string {
  return `Linux has ${HERE.map((name) => `${name} (${NUMBERS[name]})`).join(', ')}`
}
