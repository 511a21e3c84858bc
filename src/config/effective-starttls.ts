/** STARTTLS of a remote: its own directive overrides that of its pool. */
import type { StarttlsName } from '../base/starttls-names.js'
import type { Located } from './located.js'

export interface StarttlsSettings {
  readonly starttls: Located<'no' | StarttlsName> | undefined
}

/** Undefined: TLS begins with the connection. */
export function effectiveStarttls(
  remote: StarttlsSettings,
  pool: StarttlsSettings | undefined,
): Located<StarttlsName> | undefined {
  const { position, value } = remote.starttls ?? pool?.starttls ?? {}
  return position === undefined || value === undefined || value === 'no' ? undefined : { position, value }
}
