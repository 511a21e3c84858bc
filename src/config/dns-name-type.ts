/** The value types of names to look up, and of name servers. */
import { type HostAddress, withPort } from '../base/address.js'
import { parseAddress } from './address-types.js'
import { refuseText } from './expectation.js'
import { oneToken } from './value-type.js'

const DNS_PORT = 53

/** The name is in lower case, without the final dot: it is absolute anyway. */
export const dnsName = oneToken('NAME', (text) => {
  const given = parseAddress(text)
  const isName = given?.kind === 'name' && given.family === 'any' && given.port === undefined
  if (isName) return given.host.toLowerCase().replace(/\.$/, '')
  const hint =
    given?.kind === 'literal'
      ? "an address needs no lookup: write it in a 'remote'"
      : given?.kind === 'name' && given.port !== undefined
        ? "write the port as 'port = PORT'"
        : undefined
  return refuseText('an absolute host name', text, hint)
})

export const nameServer = oneToken<HostAddress>('ADDRESS[:PORT]', (text) => {
  const given = parseAddress(text)
  const { port = DNS_PORT } = given !== undefined && given.kind !== 'path' ? given : {}
  return given?.kind === 'literal' && port > 0
    ? withPort(given.literal, port)
    : refuseText('the IP address of a name server, with a port unless it is 53', text)
})
