/** Reads the configuration again, as SIGHUP does, and answers what became of it. */
import type { RunningHead } from '../../control/head.js'
import type { AnswerOf } from '../operations/operation.js'
import type { Operations } from '../operations/operations.js'

export async function reloadNow(head: RunningHead): Promise<AnswerOf<Operations['reload']>> {
  const { record } = head.reloader
  const { failed } = record
  await head.reload()
  const hasFailed = record.failed > failed
  return {
    isInForce: !hasFailed,
    generation: head.reloader.present.serial,
    problems: hasFailed ? (record.lastFailure?.problems ?? []) : [],
  }
}
