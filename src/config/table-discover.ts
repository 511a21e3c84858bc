/** The directives of discovery: where the members of a pool come from, and what they have in common. */
import { SOURCE_NAMES, type SourceName } from '../base/source-names.js'
import { count, percent } from './number-types.js'
import { completedBlock, nested, optional, type Rows, type SettingsOf, value } from './row.js'
import { consulRows } from './table-discover-consul.js'
import { dnsRows, srvRows } from './table-discover-dns.js'
import { etcdRows } from './table-discover-etcd.js'
import { fileRows } from './table-discover-file.js'
import { httpRows } from './table-discover-http.js'
import { kubernetesRows } from './table-discover-kubernetes.js'
import { memberBlock } from './table-remote.js'
import { choice } from './text-types.js'

/** Each slot costs a worker about a kilobyte, and with TLS about 20. */
const SLOTS_MAX = 10_000

const commonRows = {
  type: optional('type', choice(SOURCE_NAMES), {
    doc: 'Where the members come from.',
    defaultText: 'mandatory',
    isOurs: true,
  }),
  slots: value('slots', count({ min: 1, max: SLOTS_MAX }), 100, {
    doc:
      'Limit of members. One that has been removed occupies its slot until its last session has ended. Further members get ' +
      'no clients, which is logged.',
    isOurs: true,
  }),
  maxRemovedPercent: value('max removed', percent({ max: 100 }), 50, {
    doc:
      'An answer that would remove a larger part of the members at once has to be confirmed by another one, 5 seconds later or ' +
      'more; until then all members stay.',
    isOurs: true,
  }),
  member: nested('remote', memberBlock, { isOurs: true }),
}

/** The directives that a type has besides the common ones. */
export const ROWS_OF_SOURCE = {
  dns: dnsRows,
  srv: srvRows,
  file: fileRows,
  http: httpRows,
  etcd: etcdRows,
  consul: consulRows,
  kubernetes: kubernetesRows,
} satisfies Record<SourceName, Rows>

const discoverRows = {
  ...commonRows,
  ...dnsRows,
  ...fileRows,
  ...httpRows,
  ...etcdRows,
  ...consulRows,
  ...kubernetesRows,
}

export const discoverBlock = completedBlock(
  'discover',
  'Where further remotes of the pool come from, its members: they appear and vanish without a reload. An answer replaces ' +
    'the one before; without an answer all members stay, also over a restart with a `state file`.',
  discoverRows,
  ({ type, ...rest }, { refuse }) =>
    type === undefined ? refuse("this 'discover' block needs a 'type'") : { ...rest, type },
)

export type DiscoverSettings = SettingsOf<typeof discoverBlock>
