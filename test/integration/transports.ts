import { test } from 'node:test'
import { runTestFile } from '../harness/test-file.js'

/** Repeats whole files of tests with only one way of moving bytes. */
export function transportTests(splice: 'yes' | 'no', names: readonly string[]): void {
  for (const name of names) {
    test(`${name}, with splice = ${splice}`, () => runTestFile(name, { TCPRELAY_TEST_SPLICE: splice }))
  }
}
