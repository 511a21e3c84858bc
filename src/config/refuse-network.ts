/** Why the text of an address or network is rejected. */
import { parseHostLiteral } from '../base/address.js'
import { type Refusal, refuseText } from './expectation.js'

/** All IPv4 and all IPv6 addresses. */
export const ALL_NETWORKS = '0.0.0.0/0, ::/0'

/** Words for all clients in the rules of other programs. */
const ALL_CLIENTS_WORDS = new Set(['all', 'any', 'everybody', 'everyone', '*'])

/** `wanted`: what may stand there, for texts that are no address at all. */
export function refuseNetwork(text: string, wanted: string): Refusal {
  if (ALL_CLIENTS_WORDS.has(text.toLowerCase())) {
    return refuseText('an IP address or network', text, `all clients are '${ALL_NETWORKS}'`)
  }
  const [, host = '', bits] = /^(.+)\/(\d+)$/.exec(text) ?? []
  // The address is right, so the prefix is wrong.
  const literal = bits === undefined ? undefined : parseHostLiteral(host)
  if (literal !== undefined) {
    const family = literal.family === 'ipv4' ? 'IPv4' : 'IPv6'
    return refuseText(`a prefix of 0 to ${literal.family === 'ipv4' ? 32 : 128} bits for ${family}`, text)
  }
  return refuseText(wanted, text)
}
