/** The ways to wait for descriptors that this program has. */
export type PollMechanism = 'epoll' | 'poll' | 'select'

/** What chooses among them, as in the original. */
export const POLL_VARIABLE = 'IO_POLL_MECHANISM'

/** The original's numbers, which add up to a mask. */
const NUMBERS = { kqueue: 1, '/dev/poll': 2, epoll: 4, poll: 8, select: 16, port: 32 } as const

/** What Linux has of them, in the original's order of preference. */
const HERE: readonly PollMechanism[] = ['epoll', 'poll', 'select']

/** select(2) knows descriptors below this number, FD_SETSIZE; a set has a bit for each. */
export const SELECT_DESCRIPTORS = 1024

/** Descriptors that a process may have with a mechanism, whatever its limits say. */
export function descriptorsOf(mechanism: PollMechanism): number {
  return mechanism === 'select' ? SELECT_DESCRIPTORS : Number.POSITIVE_INFINITY
}

/** The best one that a mask allows; a sentence for the administrator when there is none. Undefined: all are allowed. */
export function choosePollMechanism(
  mask: string | undefined,
): { readonly mechanism: PollMechanism } | { readonly problem: string } {
  if (mask === undefined) return { mechanism: 'epoll' }
  if (!/^\s*[-+]?\d+\s*$/.test(mask)) {
    return { problem: `${POLL_VARIABLE} is a sum of numbers, not '${mask}': ${offer()}` }
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
