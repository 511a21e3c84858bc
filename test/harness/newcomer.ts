import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { LINK_VARIABLE } from '../../src/services/link-messages.js'
import { afterwards } from './clean-up.js'
import { freeze } from './held.js'
import type { Master } from './master.js'
import { childrenOf, descriptorsOf, isAlive } from './proc.js'
import { until } from './until.js'

/** A child that has just been started, stopped before it has sent anything. It continues after the test at the latest. */
export async function freezeNewcomer(
  t: TestContext,
  master: Master,
  known: readonly number[],
): Promise<number> {
  const pid = await until('a new child', () => {
    return childrenOf(master.pid)
      .map(Number)
      .find((found) => !known.includes(found) && isExecuted(found))
  })
  afterwards(t, () => {
    if (isAlive(pid)) process.kill(pid, 'SIGCONT')
  })
  assert.ok(await freeze(pid), 'it has ended')
  assert.ok(!descriptorsOf(pid).some((name) => name.includes('tcprelay-blocks')), 'it relays already')
  return pid
}

/** Until exec(2) it is a copy of its master, which waits for that: neither would answer a signal. */
function isExecuted(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${LINK_VARIABLE}=1`)
  } catch {
    return false // it has ended
  }
}
