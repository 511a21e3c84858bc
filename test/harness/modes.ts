import type { TestContext } from 'node:test'
import { DIRECT, type Master, masterText, spawning, startMaster } from './master.js'
import type { Relay, RelayPlan } from './relay.js'

/** Common operations of a running program of any mode. */
export type Running = Pick<Master | Relay, 'file' | 'logged' | 'pid' | 'port' | 'program' | 'signal'>

/** A way in which clients get to the process that relays. */
export interface Mode {
  readonly name: string
  /** The configuration that `start` gives the program. */
  textOf(plan: RelayPlan): string
  start(t: TestContext, plan: RelayPlan): Promise<Running>
}

/** All of them, for behaviour that must be the same in each. */
export const MODES: readonly Mode[] = [
  { name: 'a single process', textOf: (plan) => plan.text, start: (t, plan) => plan.start(t) },
  withChildren('a master that accepts', spawning([1, 1])),
  withChildren('children that accept', spawning([1, 1], undefined, DIRECT)),
]

function withChildren(name: string, spawn: string): Mode {
  return {
    name,
    textOf: (plan) => masterText(plan.withMaster(spawn)),
    start: (t, plan) => startMaster(t, plan.withMaster(spawn)),
  }
}
