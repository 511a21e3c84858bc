import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import { AccessLogInForce } from './access-log.js'

const LINES = Array.from({ length: 1_000 }, (_, i) => `line ${i}`)

const folder = mkdtempSync(join(tmpdir(), 'access-log-'))
after(() => rmSync(folder, { recursive: true }))

const fileAt = (name: string) => join(folder, name)
const textOf = (name: string) => (existsSync(fileAt(name)) ? readFileSync(fileAt(name), 'utf8') : '')
const linesOf = (name: string) => textOf(name).split('\n').filter(Boolean)

function writingTo(name: string): TcprelaySettings {
  return { accessLog: { kind: 'file', path: fileAt(name) } } as TcprelaySettings
}

function open(name: string): AccessLogInForce {
  return new AccessLogInForce(writingTo(name), { say: (_, text) => assert.fail(text) })
}

const closed = (log: AccessLogInForce) => new Promise<void>((resolve) => log.close(resolve))

test('a log that is replaced keeps what was written before, also when the process ends at once', async () => {
  const log = open('before')
  for (const line of LINES) log.write(line)
  log.replace(writingTo('after'))
  log.write('young')
  await closed(log)
  assert.deepEqual(linesOf('before'), LINES)
  assert.deepEqual(linesOf('after'), ['young'])
})

test('a file that stays is not opened anew', async () => {
  const log = open('same')
  log.write('one')
  // The first line shows that the file is open.
  while (linesOf('same').length === 0) await new Promise(setImmediate)
  renameSync(fileAt('same'), fileAt('rotated'))
  log.replace(writingTo('same'))
  log.write('two')
  log.reopen()
  log.write('three')
  await closed(log)
  assert.deepEqual(linesOf('rotated'), ['one', 'two'])
  assert.deepEqual(linesOf('same'), ['three'])
})

test('without a log nothing is written, and the end comes at once', async () => {
  const log = open('dropped')
  log.replace({ accessLog: undefined } as TcprelaySettings)
  log.write('nowhere')
  await closed(log)
  assert.deepEqual(linesOf('dropped'), [])
})
