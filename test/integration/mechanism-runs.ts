import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { runTestFile } from '../harness/test-file.js'

/** All mechanisms but the default, by their numbers in IO_POLL_MECHANISM. */
const MASKS = { poll: '8', select: '16' } as const

/** Files that prove nothing with another mechanism, each with the reason. */
const POINTLESS: Readonly<Record<string, string>> = {
  mechanisms: 'it chooses mechanisms itself',
}

/** Repeats whole files of tests with reactors that wait by poll(2) or select(2). */
export function mechanismRuns(mechanism: keyof typeof MASKS, names: readonly string[]): void {
  for (const name of names) {
    test(`${name}, by ${mechanism}`, { skip: POINTLESS[name] ?? false }, () => {
      runTestFile(name, { IO_POLL_MECHANISM: MASKS[mechanism] })
    })
  }
}

/** All files of this folder but those of the long run, which take hours together. */
export function integrationFiles(): string[] {
  const names = readdirSync(new URL('./', import.meta.url)).filter((name) => name.endsWith('.test.js'))
  return names.filter((name) => !name.endsWith('.full.test.js')).map((name) => name.replace('.test.js', ''))
}
