/** The value type of `key`: by what a policy that hashes recognises a client. */
import type { ClientKeyPlan } from '../relay/client-key.js'
import { refuseText } from './expectation.js'
import { readOne, type ValueType } from './value-type.js'

const IPV4_BITS = 32
const IPV6_BITS = 128
/** The network that a site usually gets (RFC 6177), where IPv4 addresses are cut too. */
const IPV6_SITE_BITS = 64

export const SOURCE_KEY: ClientKeyPlan = { by: 'source', ipv4Bits: IPV4_BITS, ipv6Bits: IPV6_BITS }

// Prefix lengths for IPv4 and IPv6; without them an address is used as a whole.
const SOURCE = /^source(?:\/(\d{1,2}))?(?:\/(\d{1,3}))?$/

/** Second words by the first one. */
const TWO_WORDS: ReadonlyMap<
  string,
  readonly [second: string, by: 'server-name' | 'rdp-cookie' | 'mqtt-client']
> = new Map([
  ['server', ['name', 'server-name']],
  ['rdp', ['cookie', 'rdp-cookie']],
  ['mqtt', ['client', 'mqtt-client']],
])

const WANTED =
  "'source', 'source/24', 'source/24/64', 'server name', 'rdp cookie', 'mqtt client' or 'certificate'"

export const clientKey: ValueType<ClientKeyPlan> = {
  grammar: 'source[/BITS[/IPV6-BITS]]|server name|rdp cookie|mqtt client|certificate',
  read(input) {
    const first = readOne(input, WANTED, ({ text }) => {
      const known = TWO_WORDS.has(text) || text === 'certificate' || sourceKey(text) !== undefined
      return known ? text : refuseText(WANTED, text)
    })
    if (first === undefined) return undefined
    const pair = TWO_WORDS.get(first)
    if (pair === undefined) return first === 'certificate' ? { by: first } : sourceKey(first)
    const [second, by] = pair
    const found = readOne(input, `'${second}'`, ({ text }) =>
      text === second ? text : refuseText(`'${first} ${second}'`, `${first} ${text}`),
    )
    return found === undefined ? undefined : { by }
  },
  // Only the default is formatted, for the reference.
  format: () => 'source',
}

function sourceKey(text: string): ClientKeyPlan | undefined {
  const match = SOURCE.exec(text)
  if (match === null) return undefined
  const [, ipv4, ipv6] = match
  if (ipv4 === undefined) return SOURCE_KEY
  const [ipv4Bits, ipv6Bits] = [Number(ipv4), ipv6 === undefined ? IPV6_SITE_BITS : Number(ipv6)]
  const isRight = ipv4Bits > 0 && ipv4Bits <= IPV4_BITS && ipv6Bits > 0 && ipv6Bits <= IPV6_BITS
  return isRight ? { by: 'source', ipv4Bits, ipv6Bits } : undefined
}
