/** How many sessions, pipes and cells a process may have: what its descriptors allow, which no configuration knows. */
import { CHILDREN_MAX } from '../../accept/dispatcher.js'
import type { Shape } from '../../cells/layout.js'
import type { Configuration } from '../../config/load.js'
import type { Plan } from '../../engine/plan.js'
import { countOpenDescriptors, descriptorLimit } from '../../kernel/limits.js'
import { largestPipeBytes } from '../../kernel/pipe-size.js'
import { PIPE_BYTES_MAX, type PipeOptions } from '../../relay/transfer/pipes.js'

/** Bytes of a reactor's log ring: a second of access lines at 10,000 connections a second. */
const RING_BYTES = 2 * 1024 * 1024

/** Bytes of a child's log ring where there may be hundreds; pages that are never written cost nothing. */
const CHILD_RING_BYTES = 256 * 1024

/** Reactors of masters that count in the cells of their children: during a reload that of the old configuration, too. */
const FRONTS = 2

/** The cells of a master's children: rows for each possible child, and for the master that accepts for them. */
export function masterShape({ spawnd, tcprelay }: Configuration): Shape {
  return {
    children: CHILDREN_MAX + FRONTS,
    remotes: tcprelay.remotes.length,
    listeners: spawnd.listeners.length,
    ringBytes: CHILD_RING_BYTES,
  }
}

/** The cells of a single process: a row for each generation that may run at once. */
export function singleShape({ tcprelay, spawnd }: Configuration, generations: number): Shape {
  const { length: remotes } = tcprelay.remotes
  return { children: generations, remotes, listeners: spawnd.listeners.length, ringBytes: RING_BYTES }
}

/** Descriptors beside those of sessions: log files, name lookups, what Node opens by itself. */
const SPARE_DESCRIPTORS = 40

/**
 * How many sessions a process without children takes: what all children together might have had, or less.
 * `idleDescriptors`: that it has open without any session.
 */
export function singleSessionsMax({ mavis, workers }: Plan, idleDescriptors: number): number {
  const wanted = workers.sessionsMax * workers.placement.instancesMax
  return Math.min(sessionsMax(mavis, idleDescriptors), wanted)
}

/** What a child has open when it is idle, about; it says exactly how much it takes when it has started. */
const IDLE_CHILD_DESCRIPTORS = 30

/** How many sessions a child can have, as far as its master knows. */
export function childSessionsMax(): number {
  return sessionsWith(descriptorLimit() - IDLE_CHILD_DESCRIPTORS)
}

/** How many sessions this process can have: each needs a descriptor for its client and one for its remote. */
export function sessionsMax(mavis: Plan['mavis'], idleDescriptors = countOpenDescriptors()): number {
  return sessionsWith(descriptorLimit() - idleDescriptors - moduleDescriptors(mavis))
}

/** Pipes to each helper process: its standard input, output and error. */
const DESCRIPTORS_PER_HELPER = 3

/** What the modules of MAVIS may come to have open. */
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

/** Pipes of a process at most: 32 MiB of memory, and a small part of its descriptors. */
const PIPES_MAX = 32
const DESCRIPTORS_PER_PIPE = 64

function pipesMax(): number {
  return Math.min(PIPES_MAX, Math.floor(descriptorLimit() / DESCRIPTORS_PER_PIPE))
}

/** What the pipes of a process may be. */
export function pipeOptions(): PipeOptions {
  return { pipesMax: pipesMax(), pipeBytes: Math.min(PIPE_BYTES_MAX, largestPipeBytes()) }
}
