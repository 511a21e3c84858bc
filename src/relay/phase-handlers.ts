/**
 * The handler of each phase, and the order of those that lead to a remote. A new phase is a row here, a row in
 * `phases.ts` and a file; its neighbours do not change.
 */
import { ADMITTING } from './opening/admitting.js'
import { ASKING } from './opening/asking.js'
import { DIALLING } from './opening/attempts.js'
import { DETECTING } from './opening/detecting.js'
import { GREETING } from './opening/greeting.js'
import { LATE_LIMITING, LIMITING } from './opening/limiting.js'
import { PROXY_HEADER } from './opening/proxy-header.js'
import { QUEUED } from './opening/queued.js'
import { RESOLVING } from './opening/resolving.js'
import { STARTTLS } from './opening/starttls.js'
import type { OpeningHandler, PhaseHandler } from './phase-handler.js'
import type { OpeningPhase, Phase } from './phases.js'
import { RELAYING } from './transfer/relaying.js'

/** No-op: a turn or event may belong to the previous session of a record. */
const CLOSED: PhaseHandler = { onReady: () => {}, onTimer: () => {}, onTurn: () => {} }

export const OPENING_HANDLERS: Readonly<Record<OpeningPhase, OpeningHandler>> = {
  'proxy-header': PROXY_HEADER,
  limiting: LIMITING,
  starttls: STARTTLS,
  greeting: GREETING,
  detecting: DETECTING,
  admitting: ADMITTING,
  'late-limiting': LATE_LIMITING,
  asking: ASKING,
  resolving: RESOLVING,
  dialling: DIALLING,
}

export const PHASE_HANDLERS: Readonly<Record<Phase, PhaseHandler>> = {
  ...OPENING_HANDLERS,
  queued: QUEUED,
  relaying: RELAYING,
  draining: RELAYING,
  closed: CLOSED,
}
