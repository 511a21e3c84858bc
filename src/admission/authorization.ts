import type { AskedAbout, ClientIdentity } from '../base/authorization.js'

/** `ask`: that is for the modules of MAVIS to say. */
export type Admission = 'ask' | 'no-identity'

/** Whether a client may have a remote, where that is asked about. */
export function authorize(about: AskedAbout, identity: ClientIdentity | undefined): Admission {
  return about === 'user' && (identity === undefined || identity.user === '') ? 'no-identity' : 'ask'
}
