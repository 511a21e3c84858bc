/** The answer of `listeners`. */
import type { RunningHead } from '../../control/head.js'
import { NO_LISTENER_COUNTS } from '../../services/counter-keeper.js'
import type { AnswerOf } from '../operations/operation.js'
import type { Operations } from '../operations/operations.js'

export function listenersNow({ listeners, reloader }: RunningHead): AnswerOf<Operations['listeners']> {
  const sums = reloader.counters.read().listeners
  const all = listeners.map((facts) => {
    const { sessionsNow, ...counts } = sums.get(facts.name) ?? NO_LISTENER_COUNTS
    return { ...facts, ...counts, sessions: sessionsNow }
  })
  return { listeners: all }
}
