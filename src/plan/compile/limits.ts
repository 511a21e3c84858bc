/** Limits of sessions, pipes and cells of a process, derived from its limit of descriptors. Not part of the plan. */
import { CHILDREN_MAX } from '../../accept/dispatcher.js'
import { heldDescriptorsMax } from '../../admission/held-descriptors.js'
import type { Shape } from '../../cells/layout.js'
import type { Configuration } from '../../config/load.js'
import type { Plan } from '../../engine/plan.js'
import { countOpenDescriptors, descriptorLimit } from '../../kernel/limits.js'
import { largestPipeBytes } from '../../kernel/pipe-size.js'
import { PIPE_BYTES_MAX, type PipeOptions } from '../../relay/transfer/pipes.js'
import { rowCounts } from './dynamic-plans.js'

/** Bytes of a reactor's log ring: a second of access lines at 10,000 connections a second. */
const RING_BYTES = 2 * 1024 * 1024

/** Bytes of a child's log ring: smaller, for hundreds of children. Pages that are never written take no memory. */
const CHILD_RING_BYTES = 256 * 1024

/** Rows of a master's reactor in the cells of its children: during a reload old and new configuration count. */
const FRONTS = 2

/** Shape of the cells of a master's children: rows for each possible child, and for the accepting master. */
export function masterShape({ spawnd, tcprelay }: Configuration): Shape {
  return {
    children: CHILDREN_MAX + FRONTS,
    ...rowCounts(tcprelay),
    listeners: spawnd.listeners.length,
    ringBytes: CHILD_RING_BYTES,
  }
}

/** Shape of the cells of a single process: a row for each generation that may run at the same time. */
export function singleShape({ tcprelay, spawnd }: Configuration, generations: number): Shape {
  return {
    children: generations,
    ...rowCounts(tcprelay),
    listeners: spawnd.listeners.length,
    ringBytes: RING_BYTES,
  }
}

/** Descriptors reserved for other purposes than sessions: log files, name lookups, Node itself. */
const SPARE_DESCRIPTORS = 40

/**
 * Limit of sessions of a process without children: that of all configured children together, or less.
 * `idleDescriptors`: descriptors that are open without any session.
 */
export function singleSessionsMax(plan: Plan, idleDescriptors: number): number {
  const { sessionsMax: ofEach, placement } = plan.workers
  return Math.min(sessionsMax(plan, idleDescriptors), ofEach * placement.instancesMax)
}

/** Estimate of the descriptors of an idle child; a started child reports its exact limit of sessions. */
const IDLE_CHILD_DESCRIPTORS = 30

/** Limit of sessions of a child, as estimated by its master. */
export function childSessionsMax(): number {
  return sessionsWith(descriptorLimit() - IDLE_CHILD_DESCRIPTORS)
}

/** Limit of sessions of this process: each takes a descriptor for its client and one for its remote. */
export function sessionsMax(
  { limits, mavis }: Pick<Plan, 'limits' | 'mavis'>,
  idleDescriptors = countOpenDescriptors(),
): number {
  const all = descriptorLimit()
  return sessionsWith(all - idleDescriptors - moduleDescriptors(mavis) - heldDescriptorsMax(limits, all))
}

/** Pipes to each helper process: its standard input, output and error. */
const DESCRIPTORS_PER_HELPER = 3

/** Maximum number of descriptors of the MAVIS modules. */
export function moduleDescriptors({ authorization, modules }: Plan['mavis']): number {
  if (authorization === 'none') return 0
  const each = modules.map((module) => {
    if (module.module === 'external') return module.childrenMax * DESCRIPTORS_PER_HELPER
    if (module.module === 'external-mt') return DESCRIPTORS_PER_HELPER
    return module.module === 'remote' ? module.servers.length : 0
  })
  return each.reduce((sum, count) => sum + count, 0)
}

function sessionsWith(descriptors: number): number {
  const free = descriptors - SPARE_DESCRIPTORS - 2 * pipesMax()
  return Math.max(1, Math.floor(free / 2))
}

/** Limit of pipes per process: 32 MiB of memory, and at most a small share of its descriptors. */
const PIPES_MAX = 32
const DESCRIPTORS_PER_PIPE = 64

function pipesMax(): number {
  return Math.min(PIPES_MAX, Math.floor(descriptorLimit() / DESCRIPTORS_PER_PIPE))
}

/** Limits of the number and size of pipes. */
export function pipeOptions(): PipeOptions {
  return { pipesMax: pipesMax(), pipeBytes: Math.min(PIPE_BYTES_MAX, largestPipeBytes()) }
}
