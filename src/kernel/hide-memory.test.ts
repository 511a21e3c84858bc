import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeFunction } from './ffi.js'
import { hideMemory } from './hide-memory.js'

const PR_GET_DUMPABLE = 3

test('a process with hidden memory leaves no core file', () => {
  const prctl = nativeFunction<(option: number, a: number, b: number, c: number, d: number) => number>(
    'int prctl(int option, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)',
  )
  hideMemory()
  assert.equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0)
})
