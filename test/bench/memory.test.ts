import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesIn, readMemory } from '../../bench/system/memory.js'

const ROLLUP = `55e0c0a00000-7ffd2b5fe000 ---p 00000000 00:00 0                          [rollup]
Rss:                9216 kB
Pss:                4100 kB
Pss_Dirty:           800 kB
Pss_Anon:            700 kB
`

test('memory is parsed in bytes, and labels match as whole words', () => {
  assert.equal(bytesIn(ROLLUP, 'Pss'), 4100 * 1024)
  assert.equal(bytesIn(ROLLUP, 'Rss'), 9216 * 1024)
  assert.equal(bytesIn(ROLLUP, 'Pss_Anon'), 700 * 1024)
  assert.throws(() => bytesIn(ROLLUP, 'Pss_Shmem'), /no Pss_Shmem/)
})

test('memory that a process fills is measured', () => {
  const before = readMemory(process.pid)
  const filled = Buffer.alloc(32 << 20, 1)
  const after = readMemory(process.pid)
  assert.equal(filled.at(-1), 1)
  assert.ok(after.ownBytes - before.ownBytes > 30 << 20, `${after.ownBytes - before.ownBytes} bytes`)
  assert.ok(after.rssBytes >= after.pssBytes && after.pssBytes >= after.ownBytes)
})
