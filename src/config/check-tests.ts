/** Checks tests of routes: that their pools and listeners are there. */
import { shown } from './expectation.js'
import { nameHint } from './name-hint.js'
import type { Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/** Reports pools of tests that are not defined. */
export function checkPoolsOfTests({ pools, tests }: TcprelaySettings, problems: Problems): void {
  const names = new Set(pools.map(({ name }) => name))
  for (const { expected } of tests) {
    const { pool } = expected
    if (pool === undefined || names.has(pool.value)) continue
    const hint = nameHint(pool.value, names, 'pools')
    problems.error(pool.position, `there is no pool ${shown(pool.value)}`, { hint })
  }
}

/** Reports listeners of tests that are not defined. */
export function checkListenersOfTests(
  { listeners }: Pick<SpawndSettings, 'listeners'>,
  { tests }: TcprelaySettings,
  problems: Problems,
): void {
  const names = new Set(listeners.flatMap(({ name }) => name ?? []))
  for (const { client } of tests) {
    const { listener } = client
    if (listener === undefined || names.has(listener.value)) continue
    const hint = nameHint(listener.value, names, 'listeners')
    problems.error(listener.position, `there is no listener with the name ${shown(listener.value)}`, { hint })
  }
}
