/** Directives of discovery that several types of sources have. */
import { readableFile } from './file-types.js'
import { count, time } from './number-types.js'
import { optional } from './row.js'
import { text } from './text-types.js'

/** More often it says nothing more, and is an attack. */
const INTERVAL_MIN_MS = 100
const INTERVAL_MAX_MS = 86_400_000
export const interval = time({ min: INTERVAL_MIN_MS, max: INTERVAL_MAX_MS })

export const timeoutRow = optional('timeout', time({ min: 10, max: 60_000 }), {
  doc:
    'Limit of one query to one name server (`dns`, `srv`), or of one request; of a watch until it begins, and of a blocking ' +
    'query of Consul for what it takes longer than its `wait`.',
  defaultText: '2 with `dns` and `srv`, else 5',
  isOurs: true,
})

export const intervalRow = optional('interval', interval, {
  doc:
    'Time between two readings (`file`) or requests (`http`). Of `etcd` and `kubernetes`, which report changes by themselves: ' +
    'time until all is read again, which finds a watch that has died without a word.',
  defaultText: '2 with `file`, 10 with `http`, 60 with `etcd` and `kubernetes`',
  isOurs: true,
})

export const portRow = optional('port', count({ min: 1, max: 65_535 }, 'PORT'), {
  doc: 'Of `dns`: the port of all members.',
  defaultText: 'mandatory with `dns`',
  isOurs: true,
})

export const serviceRow = optional('service', text('NAME'), {
  doc: 'Of `consul` and `kubernetes`: the service whose healthy instances, or ready endpoints, are the members.',
  defaultText: 'mandatory with `consul` and `kubernetes`',
  isOurs: true,
})

export const tokenFileRow = optional('token file', readableFile, {
  doc:
    'Of `http`, `consul` and `kubernetes`: a file whose first line is a token, which each request carries. It is read again for ' +
    'each request.',
  defaultText: 'no token; `kubernetes` without `url`: that of the service account',
  isOurs: true,
})

/** For each type that asks a server over HTTP. The files are read again for each connection. */
export const serverRows = {
  caFile: optional('ca-file', readableFile, {
    doc: 'CAs (PEM) that the certificate of the server that is asked is verified with, at a URL with `https`.',
    defaultText: "the system's CAs; `kubernetes` without `url`: that of the service account",
    isOurs: true,
  }),
  certFile: optional('cert-file', readableFile, {
    doc: 'Certificate (PEM) that is shown to the server that is asked.',
    isOurs: true,
  }),
  keyFile: optional('key-file', readableFile, {
    doc: 'Private key of this certificate (PEM).',
    defaultText: 'in the certificate file',
    isOurs: true,
  }),
}
