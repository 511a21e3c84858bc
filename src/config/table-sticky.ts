/** The directives of a sticky pool. */
import { clientKey, SOURCE_KEY } from './client-key-type.js'
import { count, time } from './number-types.js'
import { block, value } from './row.js'

/** A gigabyte of memory. */
const ENTRIES_MAX = 2 ** 26

const TTL_MIN_MS = 1_000
const TTL_MAX_MS = 365 * 86_400_000

export const stickyBlock = block(
  'sticky',
  'Clients of a pool get the remote that they had before, also after a reload and in another child: a table in shared ' +
    'memory says which one that was. `balance` chooses for new clients, and for clients whose remote is down or full, ' +
    'for that connection only. A remote with `weight = 0` keeps its clients, and so does one in reserve. A pool with a ' +
    'block of its own takes nothing from that of the section.',
  {
    key: value('by', clientKey, SOURCE_KEY, {
      doc:
        'By what a client is recognised, as in `key`. A client without it is recognised by its address, and a client of ' +
        'a Unix socket not at all.',
      isOurs: true,
    }),
    ttlMs: value('ttl', time({ min: TTL_MIN_MS, max: TTL_MAX_MS }), 30 * 60_000, {
      doc: 'Time without a session after which a client is forgotten.',
      isOurs: true,
    }),
    entries: value('size', count({ max: ENTRIES_MAX }), 100 * 1024, {
      doc:
        'Number of clients in the table, in steps of 16; each takes 16 bytes. A table that is full evicts clients that ' +
        'were not there for long; begin with twice the number of clients that connect within `ttl`. A reload that ' +
        'changes the size empties the table.',
      zero: 'the pool is not sticky',
      isOurs: true,
    }),
  },
)
