/** The MAVIS module `remote`: sends queries to other machines over UDP, encrypted with Blowfish if a key is given. */
import { type HostLiteral, parseHostLiteral } from '../base/address.js'
import type { MavisServer } from '../mavis/settings.js'
import { type AddressText, parsePort, socketPath } from './address-types.js'
import { address, withoutBrackets } from './address-value.js'
import { Refusal, refuseText } from './expectation.js'
import { moduleBlock } from './module-rows.js'
import { count, time } from './number-types.js'
import { completedBlock, optional, repeated, value } from './row.js'
import { cannotRead } from './sources.js'
import { oneToken } from './value-type.js'

/** As in the original, which ignores further bytes. */
const KEY_BYTES_MAX = 72

const serverPort = oneToken<number>('PORT', (text, { names }) => {
  const port = parsePort(text) ?? names.service(text, 'tcp')
  return port === undefined || port === 0
    ? refuseText('a port from 1 to 65535 or the name of a service', text)
    : port
})

const key = oneToken('KEY', (text) => keyOf(new TextEncoder().encode(text)))

const keyFile = oneToken('FILE', (path, { sources }) => {
  const answer = sources.read(path)
  return answer.ok ? keyOf(answer.bytes) : new Refusal(cannotRead(path, answer.code, sources))
})

const localAddress = withoutBrackets(
  oneToken<string>('ADDRESS', (text) => {
    const found = addressLiteral(text)
    return found ?? refuseText('an IP address', text)
  }),
)

export const serverBlock = completedBlock(
  'server',
  'A server (mavisd) that receives queries as datagrams. Repeat it for more servers.',
  {
    address: optional('address', address, {
      doc: 'Address of the server: an IP address, a host name, or the path of a Unix socket.',
      defaultText: 'mandatory unless `path` is given',
    }),
    port: value('port', serverPort, 9001, { doc: 'UDP port of the server.' }),
    path: optional('path', socketPath, { doc: 'Path of the Unix socket that the server listens on.' }),
    blowfishKey: optional('blowfish key', key, {
      doc: 'Blowfish key for encryption of datagrams; only the first 72 bytes are used.',
      defaultText: 'no encryption',
    }),
    blowfishKeyFile: optional('blowfish keyfile|key-file', keyFile, {
      doc: 'File that contains the Blowfish key.',
    }),
  },
  ({ address, blowfishKey, blowfishKeyFile, path, port }, { refuse }) => {
    const given = path === undefined ? address : ({ kind: 'path', path } as const)
    if (given === undefined) return refuse("this server needs 'address' or 'path'")
    return { target: targetOf(given, port), key: blowfishKey ?? blowfishKeyFile }
  },
)

export const remoteModuleBlock = moduleBlock(
  'remote',
  'Sends queries to other machines as datagrams (protocol of mavisd).',
  {
    servers: repeated('server|dst', serverBlock),
    localAddress: optional('local address', localAddress, {
      doc: 'Source address of datagrams.',
      defaultText: "the system's choice",
    }),
    timeoutMs: value('timeout', time({ min: 1 }), 5_000, {
      doc: 'Time after which a datagram is retransmitted.',
      zero: 'not allowed',
    }),
    tries: value('tries', count({ min: 1 }), 6, { doc: 'Maximum number of datagrams for one query.' }),
    rebalance: value('rebalance', count(), 0, {
      doc: 'Number of queries after which failed servers are retried.',
      zero: 'never',
    }),
  },
  ({ localAddress, rebalance, servers, timeoutMs, tries }, { refuse }) => {
    if (servers.length === 0)
      return refuse("this module needs a server: add 'server = { address = ADDRESS }'")
    return { module: 'remote', servers, localAddress, timeoutMs, tries, rebalance } as const
  },
)

function targetOf(given: AddressText, port: number): MavisServer['target'] {
  if (given.kind === 'path') return { kind: 'unix', path: given.path }
  const host = given.kind === 'name' ? given.host : literalHost(given.literal)
  return { kind: 'udp', host, port: given.port ?? port }
}

function addressLiteral(text: string): string | undefined {
  const literal = parseHostLiteral(text)
  return literal && literalHost(literal)
}

function literalHost(literal: HostLiteral): string {
  return literal.family === 'ipv6' && literal.scope !== '' ? `${literal.host}%${literal.scope}` : literal.host
}

function keyOf(bytes: Uint8Array): Uint8Array | Refusal {
  return bytes.length === 0
    ? new Refusal('this key is empty')
    : Uint8Array.from(bytes.subarray(0, KEY_BYTES_MAX))
}
