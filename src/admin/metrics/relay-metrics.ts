/** Metrics of the relay: its listeners, pools, remotes, ends of sessions and reloads. */

import {
  COUNTERS,
  type CounterName,
  type ListenerCounterName,
  type RemoteCounterName,
} from '../../cells/layout.js'
import type { RunningHead } from '../../control/head.js'
import { COUNT } from '../../observe/counters.js'
import { REASON_COUNTS } from '../../relay/phases.js'
import { type CounterSums, NO_LISTENER_COUNTS, NO_REMOTE_COUNTS } from '../../services/counter-keeper.js'
import { version } from '../../services/version.js'
import { certificatesNow } from '../answers/certificates-now.js'
import { type KnownRemote, knownRemotes } from '../answers/known-remotes.js'
import type { Family, Labels, MetricText } from './metric-text.js'

const counter = (name: string, help: string, unit?: Family['unit']): Family => {
  return { name: `tcprelay_${name}`, type: 'counter', help, ...(unit && { unit }) }
}
const gauge = (name: string, help: string, unit?: Family['unit']): Family => {
  return { name: `tcprelay_${name}`, type: 'gauge', help, ...(unit && { unit }) }
}

/** Labels that are not made of the name of the counter. */
const OTHER_LABELS: Readonly<Partial<Record<CounterName, string>>> = {
  endedInOrder: 'done',
  resetByClient: 'client_reset',
  resetByRemote: 'remote_reset',
  timedOut: 'timeout',
  cutOnRecovery: 'recovery',
  cutOnDown: 'remote_down',
  cutAtShutdown: 'shutdown',
}

/** The label `reason` of the counters of ends: several reasons of the access log have the same. */
const CLOSE_REASONS: ReadonlyMap<CounterName, string> = new Map(
  COUNTERS.filter((name) => Object.values(REASON_COUNTS).includes(COUNT[name]))
    // Access rules reject clients before there is a session, too: a metric of listeners.
    .filter((name) => name !== 'rejected')
    .map((name) => [
      name,
      OTHER_LABELS[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    ]),
)

/** Sums of the whole process that are no ends of sessions. */
const OF_PROCESS: readonly (readonly [CounterName, Family])[] = [
  ['hedges', counter('hedges', 'Attempts at a second remote beside a slow one.')],
  ['hedgesWon', counter('hedges_won', 'Those of them that were connected first.')],
  ['queued', counter('queued', 'Clients that waited because all remotes were full.')],
  ['tlsErrors', counter('tls_errors', 'Failed TLS handshakes and records.')],
  ['mptcpFallbacks', counter('mptcp_fallbacks', 'Connections that fell back from Multipath TCP to TCP.')],
  ['acceptPauses', counter('accept_pauses', 'Pauses of accepting because a limit was reached.')],
  [
    'logLinesDropped',
    counter('log_lines_dropped', 'Log lines that were lost because the log ring was full.'),
  ],
  ['mavisAsked', counter('mavis_queries', 'Queries to MAVIS modules.')],
]

const OF_LISTENERS: readonly (readonly [ListenerCounterName, Family])[] = [
  ['accepted', counter('connections', 'Accepted clients.')],
  ['sessionsNow', gauge('connections_current', 'Present sessions.')],
  ['ended', counter('sessions_ended', 'Sessions that have ended.')],
  ['rejected', counter('rejected', 'Clients that access rules rejected.')],
  ['turnedAway', counter('turned_away', 'Clients that were turned away because all places were taken.')],
  ['notServed', counter('not_served', 'Clients that got no remote.')],
  ['denied', counter('denied', 'Clients that MAVIS did not admit.')],
]

const OF_REMOTES: readonly (readonly [RemoteCounterName, Family])[] = [
  ['attempts', counter('connect_attempts', 'Attempts to connect to the remote.')],
  ['attemptsFailed', counter('connect_errors', 'Attempts that failed.')],
  ['sessions', counter('remote_connections', 'Sessions that the remote has taken.')],
  ['ended', counter('remote_sessions_ended', 'Those of them that have ended.')],
  ['resets', counter('remote_resets', 'Sessions that the remote reset.')],
  ['lost', counter('remote_lost', 'Sessions that ended because the remote stopped answering.')],
]

export function addRelayMetrics(text: MetricText, head: RunningHead): void {
  const { load, reloader, system } = head
  const sums = reloader.counters.read()
  text.one({ name: 'tcprelay_build', type: 'info', help: 'Version of the program.' }, 1, {
    version: version(),
  })
  text.one(gauge('sessions_current', 'Present sessions of the process.'), load.connections)
  for (const [name, family] of OF_PROCESS) text.one(family, sums.process[name])
  const reasons = [...CLOSE_REASONS].map(([name, reason]) => [{ reason }, sums.process[name]] as const)
  text.add(counter('close', 'Sessions that have ended, by reason.'), reasons)
  addListeners(text, head.listeners, sums)
  addPools(text, head.pools)
  addRemotes(text, knownRemotes(head), sums)
  addReloads(text, reloader, system.clock.wallMs() / 1_000)
  text.add(
    gauge('certificate_not_after_seconds', 'Expiry of a certificate that listeners present.', 'seconds'),
    certificatesNow(head).map(({ fingerprint, names, notAfterMs }) => {
      // Two certificates may have the same names, as RSA and ECDSA.
      return [{ names: names.join(','), fingerprint }, notAfterMs / 1_000] as const
    }),
  )
}

function addListeners(text: MetricText, facts: RunningHead['listeners'], sums: CounterSums): void {
  const counts = facts.map(
    ({ name }) => [{ listener: name }, sums.listeners.get(name) ?? NO_LISTENER_COUNTS] as const,
  )
  for (const [name, family] of OF_LISTENERS)
    text.add(
      family,
      counts.map(([labels, of]) => [labels, of[name]] as const),
    )
  text.add(counter('bytes', 'Relayed bytes.', 'bytes'), counts.flatMap(bothDirections))
  text.add(
    gauge('listener_up', '1 while the listener is bound.'),
    facts.map(({ isBound, name }) => [{ listener: name }, Number(isBound)] as const),
  )
}

function bothDirections([labels, of]: readonly [
  Labels,
  { readonly bytesToRemote: number; readonly bytesToClient: number },
]) {
  return [
    [{ ...labels, direction: 'to_remote' }, of.bytesToRemote],
    [{ ...labels, direction: 'to_client' }, of.bytesToClient],
  ] as const
}

function addPools(text: MetricText, pools: RunningHead['pools']): void {
  text.add(
    gauge('queue_current', 'Clients that wait for a remote of the pool.'),
    pools.map(({ name, queued }) => [{ pool: name }, queued] as const),
  )
}

function addRemotes(text: MetricText, remotes: readonly KnownRemote[], sums: CounterSums): void {
  const all = remotes.map((remote) => {
    const labels = { pool: remote.pool, remote: remote.name }
    return { labels, remote, counts: sums.remotes.get(remote.key) ?? NO_REMOTE_COUNTS }
  })
  for (const [name, family] of OF_REMOTES)
    text.add(
      family,
      all.map(({ counts, labels }) => [labels, counts[name]] as const),
    )
  text.add(
    counter('remote_bytes', 'Relayed bytes.', 'bytes'),
    all.flatMap(({ counts, labels }) => bothDirections([labels, counts])),
  )
  const gauges: readonly (readonly [Family, (remote: KnownRemote) => number | undefined])[] = [
    [gauge('remote_connections_current', 'Present sessions.'), ({ sessions }) => sessions],
    [gauge('remote_up', '1 while the remote is up.'), ({ verdict }) => Number(!verdict.isDown)],
    [gauge('remote_weight', 'Weight in force.'), ({ weight }) => weight],
    [
      gauge('remote_check_seconds', 'Time that the last health check took.', 'seconds'),
      ({ lastCheck }) => lastCheck && lastCheck.latencyMs / 1_000,
    ],
  ]
  for (const [family, read] of gauges)
    text.add(
      family,
      all.flatMap(({ labels, remote }) => {
        const value = read(remote)
        return value === undefined ? [] : [[labels, value] as const]
      }),
    )
  const states = all.flatMap(({ labels, remote }) =>
    (['ready', 'drain', 'maint'] as const).map(
      (state) => [{ ...labels, state }, Number(remote.adminState === state)] as const,
    ),
  )
  text.add(gauge('remote_state', '1 for the admin state of the remote.'), states)
}

function addReloads(text: MetricText, { present, record }: RunningHead['reloader'], nowS: number): void {
  text.add(counter('config_reload', 'Reloads of the configuration.'), [
    [{ result: 'success' }, record.succeeded],
    [{ result: 'failure' }, record.failed],
  ])
  const since = gauge(
    'config_reload_success_timestamp_seconds',
    'When the configuration in force was loaded.',
    'seconds',
  )
  // A clock that was set back must not show a time of the future.
  text.one(since, Math.min(record.inForceSinceMs / 1_000, nowS))
  text.one(gauge('config_generation', 'Number of the configuration in force.'), present.serial)
}
