import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { descriptorKinds } from './proc.js'
import { until } from './until.js'

type Step = () => void | Promise<void>

const stepsOf = new WeakMap<TestContext, Step[]>()

/**
 * Runs `step` when the test is over, the last one registered first: clients disconnect before the relay is ended, and
 * that ends before its remotes. After the first registered step the process must have no additional descriptors.
 */
export function afterwards(t: TestContext, step: Step): void {
  const known = stepsOf.get(t)
  if (known !== undefined) {
    known.push(step)
    return
  }
  const steps = [leavesNoDescriptor(), step]
  stepsOf.set(t, steps)
  t.after(() => runAll(steps))
}

/** A temporary folder for this test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcprelay-test-'))
  afterwards(t, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Every step runs, also if another one failed. */
async function runAll(steps: Step[]): Promise<void> {
  const failures: unknown[] = []
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length === 1) throw failures[0]
  assert.deepEqual(failures, [])
}

/** The test process itself keeps no socket and no pipe. */
function leavesNoDescriptor(): Step {
  const before = leakable()
  return async () => {
    await until(`the test's own descriptors to be ${before}, not ${leakable()}`, () => leakable() <= before)
  }
}

function leakable(): number {
  const kinds = descriptorKinds('self')
  return (kinds.get('socket') ?? 0) + (kinds.get('pipe') ?? 0)
}
