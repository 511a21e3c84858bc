/** The directives of limits of the bytes and times of single sessions. */
import { byteRate, minRate } from './byte-rate-type.js'
import { percent, time } from './number-types.js'
import { optional, value } from './row.js'

/** Two days more than timers can wait at a time are of no use. */
const LIFETIME_MAX_MS = 366 * 86_400_000

export const sessionLimitRows = {
  bytesInPerS: optional('bytes in', byteRate, {
    doc:
      'Limit of the bytes per second from clients to remotes, for each key over all children; with `per = session` for each ' +
      'session. `500k/s`, `10MiB/s`. Beyond it nothing is read from the client, so that its system slows it down. At most ' +
      'a tenth of a second is sent at a time, at most 1 MiB.',
    defaultText: 'no limit',
    isOurs: true,
  }),
  bytesOutPerS: optional('bytes out', byteRate, {
    doc: 'The same for bytes from remotes to clients.',
    defaultText: 'no limit',
    isOurs: true,
  }),
  firstByteTimeoutMs: value('first byte timeout', time(), 0, {
    doc:
      'How long a client may send nothing that is connected to a remote, counted from that connection. Then its session is closed. Not ' +
      'for protocols whose server speaks first.',
    zero: 'no limit',
    isOurs: true,
  }),
  maxLifetimeMs: value('max lifetime', time({ max: LIFETIME_MAX_MS }), 0, {
    doc:
      'How long a session may last, counted from the accept. Then it is closed in order (FIN) as soon as it has been idle for half a ' +
      'second; if it is still busy after 5 seconds, it is reset, because an end would make the transfer look complete. ' +
      'A client that has no remote by then, because it waits in the `queue` or no attempt has succeeded, is disconnected.',
    zero: 'no limit',
    isOurs: true,
  }),
  jitterPercent: value('jitter', percent({ max: 100 }), 0, {
    doc:
      'Each session ends by up to this part of `max lifetime` earlier, so that clients which have connected together do not ' +
      'connect again together.',
    isOurs: true,
  }),
  minRate: optional('min rate', minRate, {
    doc:
      'What a peer must take of the bytes that wait for it, on the average of a time: `1k/s in 60s`; 30 seconds without `in`. A session whose ' +
      'client or remote takes less is reset. Idle sessions are not concerned. The kernel of a peer ' +
      'reports progress in steps of up to 400 KB: choose a rate and a time whose product is larger.',
    defaultText: 'no limit',
    isOurs: true,
  }),
}

/** The directives of a limit that are about each session, whatever its `per` is. */
export const SESSION_DIRECTIVES =
  "'bytes in', 'bytes out', 'first byte timeout', 'max lifetime' or 'min rate'"
