import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/harness/clean-up.js'
import { largestPipeBytes } from './pipe-size.js'

test('reads the pipe size limit of the system', (t) => {
  assert.ok(largestPipeBytes() >= 4096)
  const file = join(temporaryFolder(t), 'pipe-max-size')
  writeFileSync(file, '262144\n')
  assert.equal(largestPipeBytes(file), 262_144)
})

test('assumes the default pipe size when the limit cannot be read', (t) => {
  assert.equal(largestPipeBytes('/nonexistent'), 65_536)
  const file = join(temporaryFolder(t), 'pipe-max-size')
  writeFileSync(file, 'nonsense\n')
  assert.equal(largestPipeBytes(file), 65_536)
})
