/** The answer of `health`. */
import type { RunningHead } from '../../control/head.js'
import type { HealthRecord } from '../../health/history.js'
import type { Clock } from '../../kernel/system.js'
import type { AnswerOf, ParametersOf } from '../operations/operation.js'
import type { Operations } from '../operations/operations.js'
import { remotesNamed } from './known-remotes.js'
import { Refused } from './refused.js'
import { wallTime } from './times.js'

type Asked = ParametersOf<Operations['health']>

export function healthOf(head: RunningHead, { name }: Asked): AnswerOf<Operations['health']> {
  const [remote, ...others] = remotesNamed(head, name)
  const other = others.find(({ healthName }) => healthName !== remote?.healthName)
  if (remote === undefined || other !== undefined)
    throw new Refused(409, `pools check '${name}' differently: ask for POOL/NAME`)
  const { history } = head.reloader.services.health
  const { clock } = head.system
  return {
    name: remote.healthName,
    isUp: !remote.verdict.isDown,
    changes: history.flips(remote.healthName).map((record) => shown(clock, record)),
    results: history.results(remote.healthName).map((record) => ({
      ...shown(clock, record),
      latency: record.latencyMs / 1_000,
    })),
  }
}

function shown(clock: Clock, { atMs, isUp, reason }: HealthRecord) {
  return { time: wallTime(clock, atMs), isUp, reason: reason || undefined, latency: undefined }
}
