/** Directives and settings of listeners and remotes with `protocol = SCTP`. */
import { type HostAddress, withPort } from '../base/address.js'
import type { AddressText } from './address-types.js'
import type { BindTarget, RemoteTarget } from './endpoint.js'
import { count, time, UINT_MAX } from './number-types.js'
import { optional } from './row.js'

/** The kernel stores milliseconds in 32 bits. */
const HEARTBEAT_MS_MAX = UINT_MAX

/** Rows of a listener or remote. */
export const sctpRows = {
  sctpStreams: optional('sctp streams', count({ min: 1, max: 65_535 }), {
    doc: 'Number of streams of an SCTP association in each direction; the peer may support fewer.',
    defaultText: "the system's, 10",
    isOurs: true,
    needs: 'SCTP',
  }),
  sctpHeartbeatMs: optional('sctp heartbeat', time({ max: HEARTBEAT_MS_MAX }), {
    doc: 'Interval between heartbeats on an idle path.',
    zero: 'no heartbeats',
    defaultText: "the system's, 30",
    isOurs: true,
    needs: 'SCTP',
  }),
}

/** Settings that only `protocol = SCTP` has. */
export interface SctpSettings {
  /** Zero: the system's default. */
  readonly streams: number
  /** Zero: no heartbeats; undefined: the system's default. */
  readonly heartbeatMs: number | undefined
  /** All addresses after the first. */
  readonly further: readonly HostAddress[]
}

interface Given {
  readonly address: readonly AddressText[]
  readonly protocol: string
  readonly sctpStreams: number | undefined
  readonly sctpHeartbeatMs: number | undefined
}

/** The primary address: the first one with SCTP, which may have several; otherwise the last one given. */
export function mainAddress({ address, protocol }: Given): AddressText | undefined {
  return protocol === 'SCTP' ? address[0] : address.at(-1)
}

/** Why the block is invalid with regard to SCTP. `target`: the address that it listens on or connects to. */
export function sctpProblem(
  given: Given,
  target: BindTarget | RemoteTarget,
  hasTls: boolean,
): string | undefined {
  const { address, protocol, sctpHeartbeatMs, sctpStreams } = given
  if (protocol !== 'SCTP') {
    const directive =
      sctpStreams !== undefined
        ? 'sctp streams'
        : sctpHeartbeatMs !== undefined
          ? 'sctp heartbeat'
          : undefined
    return directive && `'${directive}' requires 'protocol = SCTP'`
  }
  if (target.kind === 'address' && target.address.family === 'unix') {
    return "'protocol = SCTP' requires an IP address, not a Unix socket"
  }
  if (hasTls)
    return "'tls' cannot be used with 'protocol = SCTP': TLS needs a byte stream, SCTP transfers messages"
  return address.length > 1 ? furtherProblem(address) : undefined
}

/** An endpoint of SCTP has several addresses and one port. */
function furtherProblem(addresses: readonly AddressText[]): string | undefined {
  if (addresses.some(({ kind }) => kind !== 'literal')) {
    return 'multiple addresses of one endpoint (multi-homing) must be IP addresses'
  }
  const [first, ...others] = addresses.map((address) =>
    address.kind === 'literal' ? address.port : undefined,
  )
  const isOther = others.some((port) => port !== undefined && port !== first)
  return isOther ? 'all addresses of one endpoint (multi-homing) must have the same port' : undefined
}

/** Undefined without SCTP. The block has passed `sctpProblem`. */
export function sctpSettings({
  address,
  protocol,
  sctpHeartbeatMs,
  sctpStreams,
}: Given): SctpSettings | undefined {
  if (protocol !== 'SCTP') return undefined
  const further = address
    .slice(1)
    .flatMap((other) => (other.kind === 'literal' ? [withPort(other.literal, 0)] : []))
  return { streams: sctpStreams ?? 0, heartbeatMs: sctpHeartbeatMs, further }
}

/** Returns the settings with the port of `target` in every address. */
export function sctpAt(
  sctp: SctpSettings | undefined,
  target: BindTarget | RemoteTarget,
): SctpSettings | undefined {
  if (sctp === undefined || target.kind !== 'address' || target.address.family === 'unix') return sctp
  const { port } = target.address
  return { ...sctp, further: sctp.further.map((address) => ({ ...address, port })) }
}
