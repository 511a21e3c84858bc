/** The directives of a pool about attempts to connect to its remotes. */
import { located } from './located.js'
import { count, percent, time } from './number-types.js'
import { optional, value } from './row.js'

/**
 * Spreads the retries of many workers over 6 s when the back-off has reached 30 s, and leaves 0.8 s of the first one. gRPC
 * has the same share.
 */
const JITTER_PERCENT = 20

export const diallingRows = {
  connectTimeoutMs: value('connect timeout', time(), 10_000, {
    doc: 'Time limit of one connection attempt to a remote.',
    zero: "the system's limit, about 2 minutes",
    isOurs: true,
  }),
  dialTimeoutMs: value('dial timeout', time(), 30_000, {
    doc: 'Time limit of all connection attempts for one client together.',
    zero: 'no limit',
    isOurs: true,
  }),
  dialRetries: value('dial retries', count(), 3, {
    doc:
      'Number of further rounds over all remotes, one second apart, after all attempts of a round have failed; ' +
      '`dial timeout` and `attempts max` limit them.',
    zero: 'the client is rejected after each remote has failed once',
    isOurs: true,
  }),
  attemptsMax: value('attempts max', count(), 0, {
    doc:
      'Limit of connection attempts for one client: over all remotes, all addresses of their names and all rounds of ' +
      '`dial retries`. A client for which one more would be needed is rejected (`end=attempts-max`). Attempts that this ' +
      'machine refuses itself, such as for lack of a local port, do not count.',
    zero: 'no limit',
    isOurs: true,
  }),
  backOffFirst: optional('back-off first', located(time()), {
    doc:
      'How long a remote is skipped after a failed attempt. Each further failure doubles the time, up to `back-off max`; ' +
      'then one client tests whether the remote is back. Each child counts for itself. A remote that is skipped is ' +
      'tried nevertheless by clients that have no other one left.',
    defaultText: '1',
    zero: 'remotes that fail are not skipped',
    isOurs: true,
  }),
  backOffMaxMs: value('back-off max', time({ min: 1 }), 30_000, {
    doc:
      'Longest time for which a remote is skipped that fails again and again: a child finds out at most so much later ' +
      'that it is back.',
    isOurs: true,
  }),
  backOffJitterPercent: value('back-off jitter', percent({ max: 100 }), JITTER_PERCENT, {
    doc:
      'Each back-off is shortened at random by up to this part, so that the children of many relays, which saw the same ' +
      'failure at the same time, do not all return at the same time.',
    zero: 'exact times',
    isOurs: true,
  }),
  retryBudgetPercent: optional('retry budget', percent({ max: 1_000 }), {
    doc:
      'Limit of retries, so that a pool that is down does not get a multiple of its usual attempts. Retries are the ' +
      'attempts for a client after its first one. In each child, those for the clients of the pool may be as many as this ' +
      'part of the first attempts of the last 10 s, and another 10 a second, so that small loads can retry. A client for which ' +
      'one more would be needed is rejected (`end=retry-budget`). Hosts of dynamic routes have no budget. There is no ' +
      'limit by default: retries are few while a remote is skipped, and many where they help. With two remotes of which one ' +
      'does not answer, half of all clients are retried during the first `connect timeout`, so a budget below `50%` would ' +
      'reject some; clients of a pool that restarts are served by `dial retries`.',
    defaultText: 'no limit',
    zero: '10 a second',
    isOurs: true,
  }),
}
