import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { afterwards, temporaryFolder } from './clean-up.js'
import { stateOf } from './held.js'
import type { Master, MasterOptions } from './master.js'
import { childrenOf, descriptorsOf } from './proc.js'
import { fileOfProject } from './program.js'
import { until } from './until.js'

const HOOK = fileOfProject('test/harness/stop-at-start.cjs')

/** Stops a child of a master at its start. The child does it itself: seen from here, it may have started meanwhile. */
export class Newcomer {
  /** Options of the master. */
  readonly options: MasterOptions
  readonly #t: TestContext
  readonly #file: string

  constructor(t: TestContext) {
    this.#t = t
    this.#file = join(temporaryFolder(t), 'stop')
    this.options = { nodeWords: ['--require', HOOK], env: { TEST_STOP_FILE: this.#file } }
  }

  /** The next child that starts stops before it has sent anything. */
  stopNext(): void {
    writeFileSync(this.#file, '')
  }

  /** Waits for it; returns its process, which continues after the test at the latest. */
  async stopped(master: Master): Promise<number> {
    const pid = await until('a child that has stopped', () => {
      return childrenOf(master.pid)
        .map(Number)
        .find((found) => stateOf(found) === 'T')
    })
    afterwards(this.#t, () => {
      if (stateOf(pid) === 'T') process.kill(pid, 'SIGCONT')
    })
    assert.ok(!descriptorsOf(pid).some((name) => name.includes('tcprelay-blocks')), 'it relays already')
    return pid
  }
}
