/** The directives of limits of connections, of their rates, of bans, and of the bytes and times of sessions. */
import type { LimitPer } from '../admission/limit-plan.js'
import { BAN_CAUSES, type BanCause, LIMIT_ACTIONS } from '../base/limit-words.js'
import { limitKey } from './limit-key-type.js'
import { limitRate } from './limit-rate-type.js'
import { nameType } from './name-type.js'
import { count, time } from './number-types.js'
import {
  completedBlock,
  folded,
  optional,
  optionalBlock,
  repeated,
  type Settings,
  type SettingsOf,
  value,
} from './row.js'
import { SESSION_DIRECTIVES, sessionLimitRows } from './table-session-limits.js'
import { choice } from './text-types.js'
import { commaList } from './value-type.js'

/** 512 MiB of memory. */
const ENTRIES_MAX = 2 ** 24
const HOLD_MIN_MS = 1
const HOLD_MAX_MS = 3_600_000
const HELD_MAX = 100_000
const BAN_MAX_MS = 30 * 86_400_000
/** Tables store when a bucket will be full again, and their times wrap after 4.7 hours. */
const REFILL_MAX_MS = 2 * 3_600_000

const DEFAULT_CAUSES: readonly BanCause[] = ['rate', 'connections']

export const banBlock = completedBlock(
  'ban',
  'Sources that are rejected again and again are banned: all of their connections are closed at once, before a byte is read ' +
    '(after the PROXY header where there is one). Requires `per = source`. Bans survive a reload, not a restart.',
  {
    after: optional('after', count({ min: 1, max: 1_000_000 }), {
      doc: 'Number of rejections within `in` after which a source is banned; mandatory.',
      isOurs: true,
    }),
    withinMs: value('in', time({ min: 1_000, max: BAN_MAX_MS }), 60_000, {
      doc: 'Time in which the rejections are counted, from the first of them on.',
      isOurs: true,
    }),
    forMs: value('for', time({ min: 1_000, max: BAN_MAX_MS }), 600_000, {
      doc: 'Time that a ban lasts. What is rejected by the ban itself does not extend it.',
      isOurs: true,
    }),
    causes: folded<readonly BanCause[], readonly BanCause[]>(
      'on',
      commaList(choice(BAN_CAUSES)),
      (given) => (given.length === 0 ? DEFAULT_CAUSES : given.flat()),
      {
        doc:
          'Which rejections count: by the `rate` or the `connections` of this limit, by access `rules`, by a failed TLS ' +
          '`handshake` or a malformed ClientHello, or by MAVIS (`authorization`).',
        defaultText: '`rate, connections`',
        isOurs: true,
      },
    ),
  },
  ({ after, ...rest }, completion) =>
    after === undefined
      ? completion.refuse("a ban needs 'after', a number of rejections")
      : { ...rest, after },
)

const limitRows = {
  name: optional('name', nameType, {
    doc: 'Name of the limit in logs. After a reload a limit of the same name continues with what it has counted.',
    defaultText: 'its number among the limits of its block',
    isOurs: true,
  }),
  key: optional('per', limitKey, {
    doc:
      'What clients are counted by; mandatory. `session`: each session is limited for itself. `all`: all clients of the block together. `source`: the address of the client, ' +
      'that of its PROXY header if it has one; IPv6 addresses by networks of 64 bits. `source/24/56`: networks of these sizes. ' +
      '`server name`: the name that the client requests by TLS (SNI); `certificate`: its verified certificate. Clients ' +
      'without it are not limited: clients of a Unix socket have no address.',
    isOurs: true,
  }),
  connections: value('connections', count(), 0, {
    doc:
      'Limit of concurrent sessions for each key, over all children. Sessions that began under a configuration without ' +
      'this limit are not counted.',
    zero: 'no limit',
    isOurs: true,
  }),
  rate: optional('rate', limitRate, {
    doc:
      'Limit of new connections for each key, over all children: `10/s`, `30/m`, `10/3s`. A token bucket: a client that has not ' +
      'connected for a while may connect `burst` times at once, then at this rate. Rejected connections do not count.',
    defaultText: 'no limit',
    isOurs: true,
  }),
  burst: optional('burst', count({ min: 1, max: 1_000_000 }), {
    doc: 'Size of the token bucket of `rate`.',
    defaultText: 'the number in `rate`: 10 for `10/3s`',
    isOurs: true,
  }),
  action: value('action', choice(LIMIT_ACTIONS), 'close', {
    doc:
      'What happens to a client beyond the limit. `close`: it is disconnected in order (FIN); `reset`: with a reset (RST); `drop`: ' +
      'without a packet; `tarpit`: its connection stays open for `hold` without being read; `queue`: it waits for at most `hold` until ' +
      'the limit admits it, and is then closed. `drop` requires CAP_NET_ADMIN and is `reset` without it; the kernel answers what ' +
      'the client sends afterwards with a reset.',
    isOurs: true,
  }),
  holdMs: value('hold', time({ min: HOLD_MIN_MS, max: HOLD_MAX_MS }), 10_000, {
    doc: 'How long a client waits with `action = queue`, and how long it is held with `action = tarpit`.',
    isOurs: true,
  }),
  heldMax: value('hold max', count({ min: 1, max: HELD_MAX }), 1_000, {
    doc: 'Limit of clients that wait or are held, in each process. Further ones are closed at once.',
    isOurs: true,
  }),
  entries: value('size', count({ min: 1, max: ENTRIES_MAX }), 100 * 1024, {
    doc:
      'Number of keys that are remembered, in steps of 16; each takes 32 bytes, 16 more with `bytes in` or `bytes out`, and 4 more in each child. When the table is full, the ' +
      'key that was used least recently and has no session is forgotten; if all have sessions, new keys are not limited and this ' +
      'is logged. A reload that changes the size or `per` begins with an empty table.',
    isOurs: true,
  }),
  ban: optionalBlock('ban', banBlock, { isOurs: true }),
  ...sessionLimitRows,
}

export const limitBlock = completedBlock(
  'limit',
  'Limits the connections of clients, their bytes and their times: of all clients in the section of the relay, of those of a listener in a `listen` block, of ' +
    'those of a pool in a `pool` block. May be repeated; every limit that applies must admit the client. Counts and bans lie in memory ' +
    'that all children share. What depends on the address alone is decided before a byte is read; `pool`, `server name` and `certificate` ' +
    'when they are known.',
  limitRows,
  (given, completion) => {
    const { burst, key, rate, ...rest } = given
    if (key === undefined) return completion.refuse(NEEDS_PER)
    const wrong = problemOf(given, key)
    if (wrong !== undefined) return completion.refuse(wrong)
    return { ...rest, key, rate: rate && { ...rate, burst: burst ?? rate.count } }
  },
)

const NEEDS_PER = "a limit needs 'per', what clients are counted by, as in 'per = source'"

function problemOf(given: Settings<typeof limitRows>, key: LimitPer): string | undefined {
  const { ban, burst, connections, rate } = given
  const limitsClients = connections > 0 || rate !== undefined || ban !== undefined
  if (limitsClients && key.by === 'session') {
    return `'per = session' is for ${SESSION_DIRECTIVES}: connections are counted by another key`
  }
  if (given.jitterPercent > 0 && given.maxLifetimeMs === 0) return "'jitter' requires 'max lifetime'"
  if (!limitsClients && !limitsSessions(given)) {
    return `this limit limits nothing: add 'connections', 'rate', 'ban', ${SESSION_DIRECTIVES}`
  }
  if (burst !== undefined && rate === undefined) return "'burst' requires 'rate'"
  if (ban !== undefined && key.by !== 'source') return "'ban' requires 'per = source'"
  if (rate !== undefined && ((burst ?? 0) * rate.withinMs) / rate.count > REFILL_MAX_MS) {
    return "with this 'rate' the 'burst' takes longer than 2 hours to come back"
  }
  return undefined
}

function limitsSessions(given: Settings<typeof sessionLimitRows>): boolean {
  const { bytesInPerS, bytesOutPerS, firstByteTimeoutMs, maxLifetimeMs, minRate } = given
  const isGiven = [bytesInPerS, bytesOutPerS, minRate].some((rate) => rate !== undefined)
  return isGiven || firstByteTimeoutMs > 0 || maxLifetimeMs > 0
}

export const limitsRow = repeated('limit', limitBlock, { isOurs: true })

export type LimitSettings = SettingsOf<typeof limitBlock>
