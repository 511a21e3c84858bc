/** The answers of the operations that ask. */
import {
  amount,
  bytes,
  count,
  detail,
  flag,
  list,
  object,
  optional,
  seconds,
  text,
  type ValueOf,
  word,
} from './schema.js'

const time = (what: string) => text(`${what}, ISO 8601 in UTC.`)

const child = object({
  pid: optional(count('Process id; missing while it waits for its start.')),
  phase: word(['starting', 'serving', 'retiring'], '`retiring`: it takes no more clients.'),
  generation: count('The configuration that it runs, by the number of its generation.'),
  sessions: optional(count('Sessions; missing for other programs.')),
})

export const statusAnswer = object({
  version: text('Version of the program.'),
  pid: count('Process id of the head.'),
  configuration: text('The configuration file, as on the command line.'),
  started: time('Start of the process'),
  uptime: seconds('Since the start.'),
  mode: word(
    ['single process', 'broker', 'direct'],
    '`broker`: the master accepts for its children. `direct`: the children accept.',
  ),
  mechanism: text('How reactors wait for events.'),
  generation: count('Number of the configuration in force, from 1; a reload that was given up leaves a gap.'),
  inForceSince: time('Since when the configuration is in force'),
  isEnding: flag('It takes no more clients, and exits after the last session.'),
  sessions: count('Present sessions.'),
  sessionsMax: optional(count('Their limit.')),
  queued: count('Clients that wait for a remote.'),
  accepted: count('Accepted clients since the start.'),
  ended: count('Sessions that have ended.'),
  notServed: count('Clients that got no remote.'),
  bytesToRemote: bytes('From clients to remotes.'),
  bytesToClient: bytes('From remotes to clients.'),
  listeners: count('Listeners.'),
  listenersBound: count('Those that are bound.'),
  remotes: count('Remotes.'),
  remotesUp: count('Those that are up and ready.'),
  reloads: count('Reloads that succeeded.'),
  reloadsFailed: count('Reloads that changed nothing.'),
  lastReloadFailed: optional(time('When the last reload failed; missing after one that succeeded')),
  reloadProblems: list(text('As logged.'), 'Why the last reload failed.'),
  children: list(child, 'Processes that relay; none in a single process.'),
})

const listener = object({
  name: text('Name.'),
  address: text('Where it listens.'),
  isBound: flag('It listens; otherwise it could not be bound yet.'),
  pool: optional(text('Its pool; missing where routes choose.')),
  sessions: count('Present sessions of its clients.'),
  sessionsMax: detail(optional(count('Their limit.'))),
  accepted: count('Accepted clients.'),
  rejected: count('Clients that were rejected by access rules.'),
  turnedAway: detail(count('Clients that were turned away because all places were taken.')),
  notServed: detail(count('Clients that got no remote.')),
  denied: detail(count('Clients that MAVIS did not admit.')),
  ended: detail(count('Sessions that have ended.')),
  bytesToRemote: bytes('From its clients.'),
  bytesToClient: bytes('To its clients.'),
})
export const listenersAnswer = object({ listeners: list(listener, 'In the order of the configuration.') })

const pool = object({
  name: text('Name.'),
  policy: text('How remotes are chosen.'),
  remotes: count('Its remotes.'),
  remotesUp: count('Those that are up and ready.'),
  isPanic: detail(flag('All remotes are used, because too few are usable.')),
  sessions: count('Present sessions.'),
  sessionsMax: detail(optional(count('Their limit.'))),
  queued: count('Clients that wait.'),
})
export const poolsAnswer = object({
  pools: list(pool, 'In the order of the configuration, then those of dynamic routes.'),
})

const remote = object({
  pool: text('Its pool.'),
  name: text('Name.'),
  addresses: list(text('Address.'), 'Empty while its host name is not resolved.'),
  isUp: flag('Whether it is up, by its health check or by the sessions.'),
  isExcluded: detail(flag('It gets no clients because it is down.')),
  state: word(['ready', 'drain', 'maint'], 'Admin state: only `ready` remotes get new clients.'),
  weight: amount('Weight in force.'),
  configuredWeight: detail(amount('Weight in the configuration.')),
  tier: detail(count('Tier: higher ones are in reserve.')),
  since: detail(optional(time('When it went down or came up again; missing if it has always been up'))),
  sessions: count('Present sessions.'),
  sessionsMax: detail(optional(count('Their limit.'))),
  taken: count('Sessions so far.'),
  ended: detail(count('Sessions that have ended.')),
  attempts: detail(count('Attempts to connect.')),
  attemptsFailed: count('Attempts that failed.'),
  resets: detail(count('Sessions that it reset.')),
  lost: detail(count('Sessions that ended because it stopped answering.')),
  bytesToRemote: bytes('Sent to it.'),
  bytesToClient: bytes('Received from it.'),
  checkLatency: optional(seconds('Time that the last health check took.')),
  checkReason: detail(optional(text('What the last health check has to say.'))),
})
export const remotesAnswer = object({ remotes: list(remote, 'In the order of the pools.') })

const certificate = object({
  names: list(text('Name.'), 'Server names (SNI) of the clients that get it.'),
  listeners: list(text('Name.'), 'Listeners that present it.'),
  notAfter: time('Expiry'),
  issuer: text('Issuer.'),
  fingerprint: detail(text('SHA-256 of the certificate.')),
})
export const certificatesAnswer = object({
  certificates: list(certificate, 'Those that listeners present, in the order of the configuration.'),
})

const changed = object({
  pool: text('Its pool.'),
  name: text('Name.'),
  state: word(
    ['ready', 'drain', 'maint'],
    'Admin state in force: the stricter one of what administrators and the agent of the remote want.',
  ),
  weight: amount('Weight in force.'),
  sessions: count('Sessions that it still has.'),
})
export const changedAnswer = object({ remotes: list(changed, 'Those that were changed.') })
export type ChangedRemotes = ValueOf<typeof changedAnswer>

export const reloadAnswer = object({
  isInForce: flag('The configuration was read, and is in force.'),
  generation: count('Number of the configuration in force.'),
  problems: list(text('As logged.'), 'Why it was given up; the configuration from before goes on.'),
})

export const stopAnswer = object({ sessions: count('Sessions that are left.') })

const record = object({
  time: time('When it began'),
  isUp: flag('Result.'),
  latency: optional(seconds('Time that the check took.')),
  reason: optional(text('Why it failed, or a comment on its success.')),
})
export const healthAnswer = object({
  name: text('Name under which the health of the remote is known.'),
  isUp: flag('The verdict.'),
  changes: list(record, 'Changes of the verdict, the oldest first; at most 100.'),
  results: list(record, 'Results of health checks, the oldest first; at most 1,000.'),
})
