/**
 * The protocols that are distinguished by a client's first bytes, the most specific first: where several match, the
 * first one is the answer. A protocol's number is its place here, and its bit in a mask is `1 << number`.
 *
 * - `tls` is first, so that nothing that a server may parse as TLS gets past rules for TLS as another protocol.
 * - `http2` to `mqtt` have long constants and exclude each other.
 * - `http` comes before `redis`, whose inline commands have the form of a request line.
 * - `socks` comes before `openvpn` and `dns`: its greeting of three bytes, after which the client waits, may be a
 *   beginning of theirs, while their first packets arrive whole.
 * - `openvpn` comes before `dns`, which is a length and a header of mostly zeros.
 * - `any` matches everything, also a client that sends nothing.
 */
export const PROTOCOL_NAMES = [
  'tls',
  'http2',
  'ssh',
  'postgres',
  'rdp',
  'mqtt',
  'http',
  'redis',
  'socks',
  'openvpn',
  'dns',
  'any',
] as const

export type ProtocolName = (typeof PROTOCOL_NAMES)[number]

/** The number of each protocol. */
export const PROTOCOL: Readonly<Record<ProtocolName, number>> = {
  tls: 0,
  http2: 1,
  ssh: 2,
  postgres: 3,
  rdp: 4,
  mqtt: 5,
  http: 6,
  redis: 7,
  socks: 8,
  openvpn: 9,
  dns: 10,
  any: 11,
}
