/** The client of a test of routes: its facts, and what the test does not say about it. */
import { NO_LISTENER } from '../../admission/route-facts.js'
import { hashAddress } from '../../balance/hash.js'
import { type HostLiteral, hostBytes } from '../../base/address.js'
import { boundPort, isUnixTarget } from '../../config/endpoint.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { TestSettings } from '../../config/table-test.js'
import type { ExplainedClient } from '../../relay/explain-decision.js'
import { alpnProtocol } from '../../wire/sniff/alpn-protocol.js'
import { NO_PROTOCOL } from '../../wire/sniff/detect.js'
import { PROTOCOL_NAMES } from '../../wire/sniff/protocol-names.js'

/** Facts that every client has: a test may leave them out where they do not matter. */
export type Missing = 'from' | 'listener' | 'port' | 'realm' | 'time' | 'tls version'

export interface TestClient extends ExplainedClient {
  /** 0 if no time is given. */
  readonly atMs: number
  readonly missing: ReadonlySet<Missing>
}

const ALL_PROTOCOLS = 2 ** PROTOCOL_NAMES.length - 1

export function testClient(
  { client }: Pick<TestSettings, 'client'>,
  listeners: readonly ListenerSettings[],
): TestClient {
  const { alpn = [], atMs, from, realm, serverName = '', tlsVersion, user = '' } = client
  const listenerSlot = slotOf(client, listeners)
  const listener = listeners[listenerSlot]
  const port = client.port ?? onlyPort(listener, listeners)
  const address = from === undefined ? new Uint8Array(0) : addressBytes(from)
  const hasTls =
    tlsVersion !== undefined || serverName !== '' || alpn.length > 0 || listener?.tls.kind === 'on'
  const known: Readonly<Record<Missing, boolean>> = {
    from: from !== undefined || isUnix(listener),
    listener: listenerSlot !== NO_LISTENER || listeners.length === 0,
    port: port !== undefined || isUnix(listener),
    realm: realm !== undefined || listener !== undefined,
    time: atMs !== undefined,
    'tls version': tlsVersion !== undefined || !hasTls,
  }
  const protocol = client.protocol ?? (hasTls ? protocolInTls(alpn, listener) : 'any')
  return {
    listenerSlot,
    clientKey: '',
    atMs: atMs ?? 0,
    missing: new Set((Object.keys(known) as Missing[]).filter((fact) => !known[fact])),
    facts: {
      listenerSlot,
      localPort: port ?? 0,
      realm: realm ?? listener?.realm ?? '',
      address,
      addressAt: 0,
      addressByteCount: address.length,
      addressHash: () => hashAddress(address, 0, address.length),
      serverName: () => serverName,
      alpn: () => (isTerminated(listener) ? alpn.slice(0, 1) : alpn),
      protocol: () => protocol,
      tlsVersion: () => tlsVersion ?? '',
      certificate: () => undefined,
      user: () => user,
    },
  }
}

/** The listener that the test names, or the only one that it can mean; of several ports the given or first one. */
function slotOf({ listener, port }: TestSettings['client'], listeners: readonly ListenerSettings[]): number {
  const slots = [...listeners.keys()].filter(
    (slot) => listener === undefined || listeners[slot]?.name === listener.value,
  )
  const withPort = slots.filter((slot) => port !== undefined && portAt(listeners[slot]) === port)
  const candidates = withPort.length > 0 ? withPort : slots
  const blocks = new Set(candidates.map((slot) => listeners[slot]?.block))
  return blocks.size === 1 ? (candidates[0] ?? NO_LISTENER) : NO_LISTENER
}

/** The port of a listener that has one; undefined: it has several, or none is known. */
function onlyPort(
  listener: ListenerSettings | undefined,
  listeners: readonly ListenerSettings[],
): number | undefined {
  const isOnly = listeners.filter(({ block }) => block === listener?.block).length === 1
  return isOnly ? portAt(listener) || undefined : undefined
}

/** As clients of a dual-stack listener are seen: an IPv4 address that is mapped into IPv6 is that IPv4 address. */
function addressBytes({ family, host }: HostLiteral): Uint8Array {
  const bytes = hostBytes(host)
  const isMapped = family === 'ipv6' && bytes.subarray(0, 12).join() === MAPPED_PREFIX
  return isMapped ? bytes.subarray(12) : bytes
}

const MAPPED_PREFIX = '0,0,0,0,0,0,0,0,0,0,255,255'

function portAt(listener: ListenerSettings | undefined): number {
  return listener === undefined ? 0 : boundPort(listener.bind)
}

function isUnix(listener: ListenerSettings | undefined): boolean {
  return listener !== undefined && isUnixTarget(listener.bind)
}

function isTerminated(listener: ListenerSettings | undefined): boolean {
  return listener?.tls.kind === 'on' || listener?.tls.kind === 'auto'
}

/** As the phase `detecting` derives it. */
function protocolInTls(alpn: readonly string[], listener: ListenerSettings | undefined): string {
  if (!isTerminated(listener)) return 'tls'
  const protocol = alpnProtocol(alpn[0], ALL_PROTOCOLS)
  return protocol === NO_PROTOCOL ? '' : (PROTOCOL_NAMES[protocol] ?? '')
}
