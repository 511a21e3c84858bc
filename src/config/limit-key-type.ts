/** The value type of `per`: what a limit counts its clients by. */
import type { LimitPer } from '../admission/limit-plan.js'
import { refuseText } from './expectation.js'
import { readOne, type ValueType } from './value-type.js'

const IPV4_BITS = 32
const IPV6_BITS = 128
/** A host can use any address of its network (RFC 8981), so a single IPv6 address identifies nobody. */
const IPV6_NETWORK_BITS = 64

// Prefix lengths for IPv4 and IPv6.
const SOURCE = /^source(?:\/(\d{1,2}))?(?:\/(\d{1,3}))?$/

const WANTED =
  "'session', 'all', 'listener', 'pool', 'source', 'source/24', 'source/24/56', 'server name' or 'certificate'"

export const limitKey: ValueType<LimitPer> = {
  grammar: 'session|all|listener|pool|source[/BITS[/IPV6-BITS]]|server name|certificate',
  read(input) {
    const key = readOne(input, WANTED, ({ text }) => keyOf(text) ?? refuseText(WANTED, text))
    if (key?.by !== 'server-name') return key
    const second = readOne(input, "'name'", ({ text }) =>
      text === 'name' ? text : refuseText("'server name'", `server ${text}`),
    )
    return second === undefined ? undefined : key
  },
}

/** By the first word. */
function keyOf(text: string): LimitPer | undefined {
  switch (text) {
    case 'session':
    case 'all':
    case 'listener':
    case 'pool':
    case 'certificate':
      return { by: text }
    case 'server':
      return { by: 'server-name' }
    default:
      return sourceKey(text)
  }
}

function sourceKey(text: string): LimitPer | undefined {
  const match = SOURCE.exec(text)
  if (match === null) return undefined
  const [, ipv4 = String(IPV4_BITS), ipv6 = String(IPV6_NETWORK_BITS)] = match
  const [ipv4Bits, ipv6Bits] = [Number(ipv4), Number(ipv6)]
  const isRight = ipv4Bits > 0 && ipv4Bits <= IPV4_BITS && ipv6Bits > 0 && ipv6Bits <= IPV6_BITS
  return isRight ? { by: 'source', ipv4Bits, ipv6Bits } : undefined
}
