/** What the relay of a generation is made of. */
import type { Rejected } from '../accept/access-rules.js'
import { RemoteHealth } from '../balance/remote-health.js'
import type { OpenedCells } from '../cells/cells.js'
import type { System } from '../kernel/system.js'
import { accessLine } from '../observe/access-line.js'
import { counterTables } from '../observe/counters.js'
import { DecisionWriter } from '../observe/decision-ring.js'
import { ACCESS, KEY, LOG, LogRingWriter, REMOTE } from '../observe/log-ring.js'
import { encodeEvidence } from '../observe/remote-evidence.js'
import { INFO } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'
import { DynamicHosts } from '../relay/dynamic-hosts.js'
import { DecisionNotes } from '../relay/opening/decision-notes.js'
import type { HostLookups } from '../relay/opening/host-lookups.js'
import type { Questions } from '../relay/opening/questions.js'
import type { RelayParts } from '../relay/relay.js'
import { Remotes } from '../relay/remotes.js'
import { ThrottledWarnings } from '../relay/throttled-warnings.js'
import type { Blocks } from '../relay/transfer/blocks.js'
import type { Pipes } from '../relay/transfer/pipes.js'
import { backOffOf, buildPools, poolPlaces, queueMaker } from './build-pools.js'
import { GenerationTls } from './build-tls.js'
import { DiscoveredMembers } from './discovered-members.js'
import type { Plan } from './plan.js'
import type { GenerationSettings } from './reactor-settings.js'
import { RejectedLines } from './rejected-lines.js'

/** What the relays of one reactor share. */
export interface RelayResources {
  readonly system: System
  readonly loop: Loop
  readonly blocks: Blocks
  readonly pipes: Pipes
  readonly questions: Questions
  readonly lookups: HostLookups
  /** Wakes the reader of the log ring, which sleeps while the ring is empty. */
  onLog(): void
}

/** Belongs to one generation. */
export type GenerationParts = RelayParts & {
  readonly tls: GenerationTls
  readonly writeRejected: ((rejected: Rejected) => void) | undefined
  readonly members: DiscoveredMembers
}

/**
 * What the relay of a generation uses: the system and the shared stores of the reactor, and everything that
 * belongs to this plan.
 */
export function relayParts(
  settings: GenerationSettings,
  { blocks, lookups, loop, onLog, pipes, questions, system }: RelayResources,
  cells: OpenedCells,
): GenerationParts {
  const child = cells.own
  const { childSlot, plan, sticky, traceMask } = settings
  const { listeners, relay, remotes } = plan
  const rejected = new RejectedLines(childSlot, system)
  // Log lines, access lines, key log lines and evidence share one ring, so their order is kept.
  const ring = new LogRingWriter(child, onLog)
  const log = (severity: number, text: string) => ring.write(LOG, severity, text)
  const health = buildHealth(plan, cells)
  const { arrays, pools, routing } = buildPools(plan, cells, health, {
    hostsOf: (dynamic, pool) => new DynamicHosts(dynamic, pool, childSlot),
    stickyShares: sticky,
    queueOf: queueMaker(cells, childSlot, loop),
  })
  const decisions = new DecisionNotes(new DecisionWriter(child), relay.logsReasons)
  for (const { pool } of pools.all) pool.census = decisions.census
  const ofRemotes = new Remotes(
    remotes,
    cells,
    child,
    (evidence) => ring.write(REMOTE, INFO, encodeEvidence(evidence)),
    poolPlaces(plan, cells),
  )
  return {
    system,
    loop,
    blocks,
    pipes,
    questions,
    lookups,
    remotes: ofRemotes,
    members: new DiscoveredMembers({ pools, plans: plan.pools, remotes: ofRemotes, health, arrays, loop }),
    health,
    pools,
    routing,
    decisions,
    options: relay,
    tls: new GenerationTls(plan, log, (line) => ring.write(KEY, INFO, line)),
    ...counterTables(
      child,
      listeners.map(({ countersSlot }) => countersSlot),
    ),
    log,
    warnings: new ThrottledWarnings(log),
    trace: new TraceChannel('NET', traceMask, log),
    listeners,
    writeAccess: (record) => ring.write(ACCESS, INFO, accessLine(record)),
    writeRejected: relay.hasAccessLog
      ? (client) => ring.write(ACCESS, INFO, rejected.lineOf(client))
      : undefined,
  }
}

/** A remote with a name starts unreachable, and becomes reachable with its first addresses. */
function buildHealth(plan: Plan, { own, upAtMs, verdict }: OpenedCells): RemoteHealth {
  const { remotes } = plan
  const shared = { backOffUntilMs: own.retryAtMs, verdict, upAtMs }
  // Each worker has another seed, or their retries would not be spread.
  const health = new RemoteHealth(remotes.length, shared, backOffOf(plan, Math.random() * 2 ** 32))
  for (const [slot, { addresses, isDynamic }] of remotes.entries())
    health.setReachable(slot, addresses.length > 0 || isDynamic === true)
  return health
}
