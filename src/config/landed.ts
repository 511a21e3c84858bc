import type { Need } from './row.js'

/** The features that this version has. A directive that needs another one is checked, but refused at start. */
export const LANDED: ReadonlySet<Need> = new Set<Need>(['TLS', 'SCTP', 'MAVIS'])

/** What a person calls a feature. */
export const NEED_NAMES: Readonly<Record<Need, string>> = {
  TLS: 'TLS',
  SCTP: 'SCTP',
  MAVIS: 'MAVIS',
  'PROXY protocol': 'the PROXY protocol',
}
