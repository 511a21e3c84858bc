/** The answer of `status`. */
import type { RunningHead } from '../../control/head.js'
import { version } from '../../services/version.js'
import type { AnswerOf } from '../operations/operation.js'
import type { Operations } from '../operations/operations.js'
import { isServing, knownRemotes } from './known-remotes.js'
import { isoTime } from './times.js'

export function statusNow(head: RunningHead): AnswerOf<Operations['status']> {
  const { load, names, reloader, system, workers } = head
  const { present, record } = reloader
  const { process: counts } = reloader.counters.read()
  const remotes = knownRemotes(head)
  const nowMs = system.clock.wallMs()
  const { spawnd, mechanism } = present.loaded
  return {
    version: version(),
    pid: process.pid,
    configuration: names.configurationFile,
    started: isoTime(nowMs - process.uptime() * 1_000),
    uptime: process.uptime(),
    mode: workers.hasChildren ? spawnd.spawn.accept : 'single process',
    mechanism,
    generation: present.serial,
    inForceSince: isoTime(record.inForceSinceMs),
    isEnding: head.isEnding,
    sessions: load.connections,
    sessionsMax: load.connectionsMax,
    queued: counts.queuedNow,
    accepted: counts.accepted,
    ended: counts.ended,
    notServed: counts.notServed,
    bytesToRemote: counts.bytesToRemote,
    bytesToClient: counts.bytesToClient,
    listeners: head.listeners.length,
    listenersBound: head.listeners.filter(({ isBound }) => isBound).length,
    remotes: remotes.length,
    remotesUp: remotes.filter(isServing).length,
    reloads: record.succeeded,
    reloadsFailed: record.failed,
    lastReloadFailed: record.lastFailure && isoTime(record.lastFailure.atMs),
    reloadProblems: record.lastFailure?.problems ?? [],
    children: workers
      .children()
      .map(({ generation, ...child }) => ({ ...child, generation: generation.serial })),
  }
}
