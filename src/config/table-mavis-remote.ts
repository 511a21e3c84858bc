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

/** As in the original, which takes no notice of what is behind them. */
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
  'A server that is asked by datagrams (mavisd). Repeat it for more.',
  {
    address: optional('address', address, {
      doc: 'Address of the server: an IP address or a host name, or the path of a Unix socket.',
      defaultText: 'mandatory, unless there is a path',
    }),
    port: value('port', serverPort, 9001, { doc: 'Port of the server, of UDP.' }),
    path: optional('path', socketPath, { doc: 'Path of the Unix socket that the server listens on.' }),
    blowfishKey: optional('blowfish key', key, {
      doc: 'Key of Blowfish that datagrams are encrypted with; its first 72 bytes count.',
      defaultText: 'they are not encrypted',
    }),
    blowfishKeyFile: optional('blowfish keyfile|key-file', keyFile, {
      doc: 'File with that key.',
    }),
  },
  ({ address, blowfishKey, blowfishKeyFile, path, port }, { refuse }) => {
    const given = path === undefined ? address : ({ kind: 'path', path } as const)
    if (given === undefined) return refuse("this server needs an 'address' or a 'path'")
    return { target: targetOf(given, port), key: blowfishKey ?? blowfishKeyFile }
  },
)

export const remoteModuleBlock = moduleBlock(
  'remote',
  'Asks other machines by datagrams, as mavisd answers them.',
  {
    servers: repeated('server|dst', serverBlock),
    localAddress: optional('local address', localAddress, {
      doc: 'Address that datagrams come from.',
      defaultText: "the system's choice",
    }),
    timeoutMs: value('timeout', time({ min: 1 }), 5_000, {
      doc: 'Time after which a datagram is sent again.',
      zero: 'not allowed',
    }),
    tries: value('tries', count({ min: 1 }), 6, { doc: 'Datagrams for one question.' }),
    rebalance: value('rebalance', count(), 0, {
      doc: 'Questions after which servers that have failed are asked again.',
      zero: 'never',
    }),
  },
  ({ localAddress, rebalance, servers, timeoutMs, tries }, { refuse }) => {
    if (servers.length === 0) return refuse("this module needs a server: 'server = { address = … }'")
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
