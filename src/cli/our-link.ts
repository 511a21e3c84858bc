import type { Link } from '../master/link.js'
import type { ToChild, ToMaster } from '../master/link-messages.js'
import type { Loaded } from './load.js'
import type { ChildAcceptSettings } from './settings.js'
import type { TlsSettings } from './tls-settings.js'

type Snapshot = ReturnType<Loaded['sources']['snapshot']>

/** The messages of the link with what this program puts into them. */
export type ToOurChild = ToChild<Snapshot, ChildAcceptSettings, TlsSettings>
export type Start = Extract<ToOurChild, { kind: 'start' }>

/** The link as either side sees it. */
export type ChildLink = Link<ToOurChild, ToMaster>
export type MasterLink = Link<ToMaster, ToOurChild>
