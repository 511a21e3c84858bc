import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Far longer than any of the files takes on a busy machine. */
const FILE_MAX_MS = 600_000

/** A file with more output is ended in the middle of a test, and leaves processes behind. */
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024

/** All mechanisms but the default, by their numbers in IO_POLL_MECHANISM. */
const MASKS = { poll: '8', select: '16' } as const

/** Files that prove nothing with another mechanism, each with the reason. */
const POINTLESS: Readonly<Record<string, string>> = {
  'system-calls': 'it counts the calls of epoll',
  mechanisms: 'it chooses mechanisms itself',
  'mechanism-runs': 'it would run itself',
  transports: 'it runs other files, which are run here',
}

/** Repeats whole files of tests with reactors that wait by poll(2) or select(2). */
export function mechanismRuns(mechanism: keyof typeof MASKS, names: readonly string[]): void {
  for (const name of names) {
    test(`${name}, by ${mechanism}`, { skip: POINTLESS[name] ?? false }, () => {
      const file = fileURLToPath(new URL(`${name}.test.js`, import.meta.url))
      const { status, stdout } = spawnSync(process.execPath, [file], {
        encoding: 'utf8',
        timeout: FILE_MAX_MS,
        maxBuffer: OUTPUT_BYTES_MAX,
        env: { ...process.env, NODE_TEST_CONTEXT: undefined, IO_POLL_MECHANISM: MASKS[mechanism] },
      })
      assert.equal(status, 0, stdout)
    })
  }
}

/** All files of this folder but those of the long run, which take hours together. */
export function integrationFiles(): string[] {
  const names = readdirSync(new URL('./', import.meta.url)).filter((name) => name.endsWith('.test.js'))
  return names.filter((name) => !name.endsWith('.full.test.js')).map((name) => name.replace('.test.js', ''))
}
