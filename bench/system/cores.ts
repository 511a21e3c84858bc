import { spawnSync } from 'node:child_process'
import type { Launch } from './launch.js'

/** The relay has a core of its own, so that its cost is not mixed with that of its load. */
export const RELAY_CORE = 0
/** Generator and server share the other core, with this program. */
export const LOAD_CORE = 1

/** `core`: one, or a list for taskset. taskset sets the mask and execs the program, so the pid is the program's. */
export function pinned(launch: Launch, core: number | string): Launch {
  return { ...launch, command: 'taskset', args: ['-c', String(core), launch.command, ...launch.args] }
}

/** Keeps this program off the core of the relay. */
export function pinSelf(): void {
  spawnSync('taskset', ['-a', '-p', '-c', String(LOAD_CORE), String(process.pid)])
}
