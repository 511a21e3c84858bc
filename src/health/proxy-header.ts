/**
 * The PROXY protocol header of a connection that is not for a client (the PROXY protocol, sections 2.1 and 2.2):
 * `UNKNOWN` in version 1, the command LOCAL in version 2.
 */
const V1 = 'PROXY UNKNOWN\r\n'
/** Signature, version 2 with command LOCAL, unspecified family, no addresses. */
const V2 = Uint8Array.of(
  0x0d,
  0x0a,
  0x0d,
  0x0a,
  0x00,
  0x0d,
  0x0a,
  0x51,
  0x55,
  0x49,
  0x54,
  0x0a,
  0x20,
  0,
  0,
  0,
)

export function proxyHeader(version: 'v1' | 'v2'): string | Uint8Array {
  return version === 'v1' ? V1 : V2
}
