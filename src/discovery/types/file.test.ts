import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/harness/clean-up.js'
import { replaceFile } from '../../../test/harness/replace-file.js'
import { until } from '../../../test/harness/until.js'
import { SourceLog } from '../../../test/support/source-log.js'
import { openFile } from './file.js'

const INTERVAL_MS = 10

function opened(t: TestContext, prepare: (path: string) => void) {
  const path = `${temporaryFolder(t)}/members`
  prepare(path)
  const log = SourceLog.of(t, (events) => openFile({ type: 'file', path, intervalMs: INTERVAL_MS }, events))
  return { path, log }
}

function withText(t: TestContext, text: string) {
  return opened(t, (path) => writeFileSync(path, text))
}

test('reports the members of a file at each interval', async (t) => {
  const { log } = withText(t, '10.0.0.1:80\n')
  assert.deepEqual(await log.first(3), ['= 10.0.0.1:80', '= 10.0.0.1:80', '= 10.0.0.1:80'])
})

test('a file that is replaced or rewritten has new members', async (t) => {
  const { log, path } = withText(t, '10.0.0.1:80\n')
  await log.first(1)
  replaceFile(path, '10.0.0.2:80\n')
  await log.has('= 10.0.0.2:80')
  writeFileSync(path, '["10.0.0.3:80"]')
  await log.has('= 10.0.0.3:80')
})

test('a file behind a symbolic link that is replaced has new members', async (t) => {
  const { log, path } = opened(t, (path) => {
    for (const i of [1, 2]) {
      mkdirSync(`${path}.${i}`)
      writeFileSync(`${path}.${i}/list`, `10.0.0.${i}:80\n`)
    }
    symlinkSync(`${path}.1`, `${path}.now`)
    symlinkSync(`${path}.now/list`, path)
  })
  await log.first(1)
  symlinkSync(`${path}.2`, `${path}.new`)
  renameSync(`${path}.new`, `${path}.now`)
  await log.has('= 10.0.0.2:80')
})

test('a missing, empty or unreadable file is a problem, and the same content afterwards an answer', async (t) => {
  const { log, path } = withText(t, '10.0.0.1:80\n')
  await log.first(1)
  rmSync(path)
  await log.has(`! cannot read ${path}: no such file or directory`)
  mkdirSync(path)
  await log.has(`! cannot read ${path}: not a regular file`)
  rmSync(path, { recursive: true })
  writeFileSync(path, ' \n')
  await log.has("! the file is empty; '[]' stands for no members")
  log.lines.length = 0
  replaceFile(path, '10.0.0.1:80\n')
  await log.has('= 10.0.0.1:80')
})

test('a FIFO does not block', async (t) => {
  const { log, path } = opened(t, (path) => execFileSync('mkfifo', [path]))
  assert.deepEqual(await log.first(2), Array(2).fill(`! cannot read ${path}: not a regular file`))
})

test('a file that is too large, or not UTF-8, is a problem', async (t) => {
  const { log, path } = withText(t, '#'.repeat(16 * 2 ** 20 + 1))
  assert.deepEqual(await log.first(1), [`! cannot read ${path}: larger than 16777216 bytes`])
  writeFileSync(path, Buffer.from([0xff]))
  await log.has(`! cannot read ${path}: it is not UTF-8`)
})

test('half a file is never an answer while it is written', async (t) => {
  const { log, path } = withText(t, 'first.test:80\n')
  await log.first(1)
  const whole = Array.from({ length: 300 }, (_, i) => `10.0.0.1:${i + 1}\n`).join('')
  // It grows between any two readings. In place, so that it can also be seen empty, which is a problem.
  for (let length = 1; length <= whole.length; length += 5) {
    writeFileSync(path, whole.slice(0, length))
    await new Promise((resolve) => setImmediate(resolve))
  }
  writeFileSync(path, whole)
  await until('all members', () => log.members.length === 300)
  const counts = log.lines.filter((line) => line.startsWith('=')).map((line) => line.split(' ').length - 1)
  assert.deepEqual([...new Set(counts)], [1, 300])
})

test('a broken file is a problem with its line, and the one before counts', async (t) => {
  const { log, path } = withText(t, '["10.0.0.1:80"]')
  await log.first(1)
  writeFileSync(path, '["10.0.0.1:80",\n "10.0.0.2:80"\n')
  await log.has("! line 3: expected ',' or ']', but the file ends")
  assert.ok(log.lines.every((line) => line === '= 10.0.0.1:80' || line.startsWith('! line 3')))
})
