import type { Need } from './row.js'

/** The features that this version has. A directive that needs another one is checked, but refused at start. */
export const LANDED: ReadonlySet<Need> = new Set()
