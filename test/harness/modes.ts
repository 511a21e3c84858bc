import type { TestContext } from 'node:test'
import { DIRECT, type Master, masterText, spawning, startMaster } from './master.js'
import type { Relay, RelayPlan } from './relay.js'
import { variants } from './variants.js'

/** Common operations of a running program of any mode. */
export type Running = Pick<
  Master | Relay,
  'ended' | 'file' | 'logged' | 'pid' | 'port' | 'program' | 'signal'
>

/** A way in which clients get to the process that relays. */
export interface Mode {
  readonly name: string
  /** The configuration that `start` gives the program. */
  textOf(plan: RelayPlan): string
  start(t: TestContext, plan: RelayPlan): Promise<Running>
}

export const SINGLE: Mode = {
  name: 'a single process',
  textOf: (plan) => plan.text,
  start: (t, plan) => plan.start(t),
}
export const BROKER = withChildren('a master that accepts', spawning([1, 1]))
export const CHILDREN_ACCEPT = withChildren('children that accept', spawning([1, 1], undefined, DIRECT))

/** All of them, for behaviour that must be the same in each. The normal run has the default of the program. */
export const MODES: readonly Mode[] = variants([BROKER], [SINGLE, CHILDREN_ACCEPT])

/** Every mode, with two children where it has any: for what holds over all children together. */
export const MODES_WITH_TWO: readonly Mode[] = variants(
  [withChildren('a master that accepts for two children', spawning([2, 2], [1, 1_000]), 2)],
  [SINGLE, withChildren('two children that accept', spawning([2, 2], [1, 1_000], DIRECT), 2)],
)

const THREE_BEHIND_MASTER = withChildren(
  'a master that accepts for three children',
  spawning([3, 3], [1, 1_000]),
  3,
)
const THREE_THAT_ACCEPT = withChildren('three children that accept', spawning([3, 3], [1, 1_000], DIRECT), 3)

/** Every mode, with three children where it has any. */
export const MODES_WITH_THREE: readonly Mode[] = variants([THREE_BEHIND_MASTER], [SINGLE, THREE_THAT_ACCEPT])

/** The same in one run, for files of the long run. */
export const ALL_WITH_THREE: readonly Mode[] = [THREE_BEHIND_MASTER, SINGLE, THREE_THAT_ACCEPT]

function withChildren(name: string, spawn: string, children = 1): Mode {
  return {
    name,
    textOf: (plan) => masterText(plan.withMaster(spawn)),
    start: (t, plan) => startMaster(t, plan.withMaster(spawn), { children }),
  }
}
