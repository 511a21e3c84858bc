import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { countOpenDescriptors } from '../kernel/limits.js'
import { appendKeyLine } from './key-log.js'

const folder = mkdtempSync(join(tmpdir(), 'key-log-'))
const openBefore = countOpenDescriptors()
after(() => {
  rmSync(folder, { recursive: true })
  assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open')
})

test('appends lines to a file with mode 0600', () => {
  const path = join(folder, 'keys')
  appendKeyLine(path, 'one')
  appendKeyLine(path, 'two')
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('refuses anything but a regular file', () => {
  const [fifo, link, victim] = [join(folder, 'fifo'), join(folder, 'link'), join(folder, 'victim')]
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
  symlinkSync(victim, link)
  assert.throws(() => appendKeyLine(fifo, 'x'), { message: `${fifo} is not a regular file` })
  assert.throws(() => appendKeyLine('/dev/null', 'x'), { message: '/dev/null is not a regular file' })
  assert.throws(() => appendKeyLine(link, 'x'), { code: 'ELOOP' })
})
