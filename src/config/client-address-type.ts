/** The value type of a client's address in a test of routes. */
import type { HostLiteral } from '../base/address.js'
import { parseAddress } from './address-types.js'
import { refuseText } from './expectation.js'
import { oneToken } from './value-type.js'

/** The port does not matter to routes: it is there so that `client=` of an access line can be pasted. */
export const clientAddress = oneToken<HostLiteral>('ADDRESS[:PORT]', (text) => {
  const given = parseAddress(text)
  return given?.kind === 'literal' ? given.literal : refuseText('an IP address', text)
})
