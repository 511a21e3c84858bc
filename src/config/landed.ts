import type { Need } from './row.js'

/** The features that this version has. A directive that needs another one is checked, but rejected at start. */
export const LANDED: ReadonlySet<Need> = new Set<Need>(['TLS', 'SCTP', 'MAVIS'])

/** Names of features in messages. */
export const NEED_NAMES: Readonly<Record<Need, string>> = {
  TLS: 'TLS',
  SCTP: 'SCTP',
  MAVIS: 'MAVIS',
}
