import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Repeats whole files of tests with only one way of moving bytes. */
export function transportTests(splice: 'yes' | 'no', names: readonly string[]): void {
  for (const name of names) {
    test(`${name}, with splice = ${splice}`, () => {
      const file = fileURLToPath(new URL(`${name}.test.js`, import.meta.url))
      const { status, stdout } = spawnSync(process.execPath, [file], {
        encoding: 'utf8',
        env: { ...process.env, NODE_TEST_CONTEXT: undefined, TCPRELAY_TEST_SPLICE: splice },
      })
      assert.equal(status, 0, stdout)
    })
  }
}
