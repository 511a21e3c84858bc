/** The directives of the source `etcd`. */
import { readableFile } from './file-types.js'
import { optional } from './row.js'
import { intervalRow, serverRows, timeoutRow } from './table-discover-shared.js'
import { text } from './text-types.js'
import { serverUrl } from './url-type.js'
import { commaList } from './value-type.js'

export const etcdRows = {
  endpoints: optional('endpoints', commaList(serverUrl), {
    doc:
      'Of `etcd`: the URLs of the servers of one cluster, `http://10.0.0.1:2379`. They are asked in turn until one answers, at ' +
      'their JSON gateway (etcd 3.4 and later).',
    defaultText: 'mandatory with `etcd`',
    isOurs: true,
  }),
  prefix: optional('prefix', text('TEXT'), {
    doc:
      'Of `etcd`: each key that begins with this text is a member. What follows in the key is its name; its value is ' +
      '`HOST:PORT` or a JSON object, see [discovery](discovery.md#etcd).',
    defaultText: 'mandatory with `etcd`',
    isOurs: true,
  }),
  user: optional('user', text('NAME'), {
    doc: 'Of `etcd`: the user, who needs the permission to read the prefix only. Requires `password file`.',
    defaultText: 'no login',
    isOurs: true,
  }),
  passwordFile: optional('password file', readableFile, {
    doc: 'Of `etcd`: a file whose first line is the password of the user. It is read again for each login.',
    isOurs: true,
  }),
  intervalMs: intervalRow,
  timeoutMs: timeoutRow,
  ...serverRows,
}
