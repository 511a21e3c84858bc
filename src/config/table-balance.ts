/** The directives of a pool about which remote is next. */
import { POLICY_NAMES } from '../base/policy-names.js'
import { clientKey, SOURCE_KEY } from './client-key-type.js'
import { count, decimal, time } from './number-types.js'
import { optional, value } from './row.js'
import { choice } from './text-types.js'

/** Percent of the average: less than all of it would leave clients without a remote. */
const BOUNDED_LOAD_PERCENT_MIN = 101

export const balanceRows = {
  policy: value(
    'balance',
    choice(POLICY_NAMES, {
      ROUNDROBIN: "write 'round-robin'",
      'STATIC-RR': "write 'round-robin'",
      LEASTCONN: "write 'least-connections'",
      LEAST_CONN: "write 'least-connections'",
      IP_HASH: "write 'source'",
      HASH: "write 'source' or 'maglev', and 'key' for what is hashed",
    }),
    'least-use',
    {
      doc:
        'Which usable remote is next. `least-use`: the fewest sessions in proportion to the weight, in turn among ' +
        'equals; `round-robin`: in turn, by weight; `least-connections`: the fewest sessions, at random among equals; ' +
        '`random`: the better of two at random; `first`: the first in the order of the configuration; `source`, ' +
        '`maglev`: by a hash of `key`, so that a client stays with its remote; `maglev` is faster with many remotes, ' +
        '`source` moves fewer clients when remotes change; `least-time`: the shortest connect time; ' +
        '`least-bandwidth`: the fewest bytes per second. Turns and measurements are those of all children, and survive reloads.',
      isOurs: true,
    },
  ),
  key: value('key', clientKey, SOURCE_KEY, {
    doc:
      'What `balance = source` and `maglev` hash: the address of the client, or its network (`source/24`; IPv6 ' +
      'addresses are then cut to 64 bits, or as in `source/24/48`), the server name in its TLS handshake, the user in ' +
      'the cookie of RDP (`mstshash`), the client identifier of MQTT, or its certificate. A client without it is ' +
      'recognised by its address.',
    isOurs: true,
  }),
  boundedLoadPercent: optional(
    'bounded load',
    count({ min: BOUNDED_LOAD_PERCENT_MIN, max: 10_000 }, 'PERCENT'),
    {
      doc:
        'How much of its share of the sessions a remote may have before `source` and `maglev` send further clients to ' +
        'the next one, in percent: `125`.',
      defaultText: 'no limit',
      isOurs: true,
    },
  ),
  slowStartMs: value('slow start', time(), 0, {
    doc:
      'Time in which the share of a remote grows to its full weight after an outage, from a tenth of it: a server that ' +
      'has just started is not flooded. It begins when the remote is logged as up again, not at the start of the ' +
      'program. Clients of a `sticky` pool return at once. `balance = first` ignores it, because it ignores weights, and so does `maglev`, whose table of ' +
      'clients would change all the time.',
    zero: 'the full weight at once',
    isOurs: true,
  }),
  slowStartAggression: value('slow start aggression', decimal({ min: 0.1, max: 10 }), 1, {
    doc:
      'Shape of `slow start`: after the time t of T the share is (t/T)^(1/N). 1 is linear; with a larger number the ' +
      'share grows faster at first, with a smaller one later.',
    isOurs: true,
  }),
  tierMinUsable: value('tier min usable', count({ min: 1 }), 1, {
    doc: 'A `tier` of remotes is used while the better ones together have fewer usable remotes than this.',
    isOurs: true,
  }),
  onRecovery: value('on recovery', choice(['keep', 'close']), 'keep', {
    doc:
      'What happens to sessions on a remote of a higher `tier` when the better ones can serve again, as their remotes ' +
      'have served a client since they were down: `keep` leaves them, `close` ends them within a second, by a reset.',
    isOurs: true,
  }),
}
