import type { TlsSettings } from '../engine/tls-settings.js'
import type { Loaded } from '../plan/load.js'
import type { ChildAcceptSettings } from '../plan/settings.js'
import type { Link } from '../services/link.js'
import type { ToChild, ToMaster } from '../services/link-messages.js'

type Snapshot = ReturnType<Loaded['sources']['snapshot']>

/** The messages of the link with what this program puts into them. */
export type ToOurChild = ToChild<Snapshot, ChildAcceptSettings, TlsSettings>
export type Start = Extract<ToOurChild, { kind: 'start' }>

/** The link as either side sees it. */
export type ChildLink = Link<ToOurChild, ToMaster>
export type MasterLink = Link<ToMaster, ToOurChild>
