/** Authorization of clients before the MAVIS modules are asked. */
import type { AskedAbout, ClientIdentity } from '../base/authorization.js'

/** `ask`: the MAVIS modules decide. */
export type Admission = 'ask' | 'no-identity'

/** What is decided about a client before MAVIS is asked. */
export function authorize(about: AskedAbout, identity: ClientIdentity | undefined): Admission {
  return about === 'user' && (identity === undefined || identity.user === '') ? 'no-identity' : 'ask'
}
