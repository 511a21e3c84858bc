/** The directives of a pool about attempts to connect to its remotes. */
import { hedge } from './hedge-type.js'
import { located } from './located.js'
import { count, percent, time } from './number-types.js'
import { optional, value } from './row.js'

/** As in gRPC. Spreads the retries of many workers over 6 s when the back-off is 30 s; the first one is still 0.8 s. */
const JITTER_PERCENT = 20

export const diallingRows = {
  connectTimeoutMs: value('connect timeout', time(), 10_000, {
    doc: 'Time limit of one connection attempt to an address of a remote.',
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
      'after it one client tests whether the remote is back. Each child counts failures by itself. Clients that have no ' +
      'other remote left try one that is skipped.',
    defaultText: '`1`',
    zero: 'remotes that fail are not skipped',
    isOurs: true,
  }),
  backOffMaxMs: value('back-off max', time({ min: 1 }), 30_000, {
    doc: 'Longest time for which a remote that keeps failing is skipped, and so the longest delay until it is used again.',
    isOurs: true,
  }),
  backOffJitterPercent: value('back-off jitter', percent({ max: 100 }), JITTER_PERCENT, {
    doc:
      'Each back-off is shortened at random by up to this part, so that children and relays that saw the same failure ' +
      'do not retry at the same moment.',
    zero: 'exact times',
    isOurs: true,
  }),
  retryBudgetPercent: optional('retry budget', percent({ max: 1_000 }), {
    doc:
      'Limit of retries, which are the attempts for a client after its first one, so that a pool that is down does not ' +
      'get a multiple of its usual attempts. In each child, the retries of the last 10 s may be at most this percentage of ' +
      'the first attempts in that time, plus 10 a second for small loads. A client that would exceed it is rejected ' +
      '(`end=retry-budget`). Hosts of dynamic routes have no budget. There is no limit by default, because retries also ' +
      'serve clients: with two remotes of which one does not answer, half of the clients are retried until the first ' +
      '`connect timeout` has passed, so less than `50%` would reject some of them; and `dial retries` serves the clients of a ' +
      'pool that restarts.',
    defaultText: 'no limit',
    zero: '10 a second',
    isOurs: true,
  }),
  hedge: value('hedge', hedge, 'no', {
    doc:
      'When a remote is slow to accept a connection, another one is tried beside it, and the first one that is connected ' +
      'serves the client. `p95` hedges an attempt that takes longer than 95 % of the last 512 of the pool in this child, ' +
      'which needs 64 of them and is at least 2 ms; from `p50` to `p99`. A time such as `50ms` is fixed. In each child at ' +
      'most 5 of 100 clients in 10 s are hedged. A hedge counts as an attempt for `attempts max` and as a retry for `retry ' +
      'budget`, needs a remote that is up and has room, and does not wait in the `queue`. The remote that was slower has ' +
      'not failed. Not used by pools whose clients have a remote of their own (`sticky`, `balance = source` and ' +
      '`maglev`), and for remotes with `fast open`.',
    isOurs: true,
  }),
}
