import type { ProxyTlvs } from './tlvs.js'

/** TLVs for a log line: `authority:www.example.com,alpn:h2,tls:TLSv1.3,cn:alice,0xea:01…`. Not escaped. */
export function describeTlvs({ alpn, authority, netns, others, ssl, uniqueId }: ProxyTlvs): string {
  const named = [
    ['authority', authority],
    ['alpn', alpn],
    ['unique-id', uniqueId],
    ['netns', netns],
    ['tls', ssl?.version],
    ['cipher', ssl?.cipher],
    ['cn', ssl?.commonName],
    ['verified', ssl && (ssl.isVerified ? 'yes' : 'no')],
    ...others.map(({ hex, type }) => [`0x${type.toString(16).padStart(2, '0')}`, hex] as const),
  ] as const
  return named.flatMap(([name, value]) => (value ? `${name}:${value}` : [])).join()
}
