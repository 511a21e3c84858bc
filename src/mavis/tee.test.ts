import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeServices, queryOf, throughModule } from '../../test/support/mavis.js'
import { ACK, DOWN } from './module.js'
import type { TeeSettings } from './settings.js'
import { Tee } from './tee.js'
import { TeeFile } from './tee-file.js'

const OWNER = { mode: 0o600, uid: undefined, gid: undefined }

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tcprelay-tee-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

const settings = (paths: Pick<TeeSettings, 'pathIn' | 'pathOut'>): TeeSettings => ({
  module: 'tee',
  ...OWNER,
  ...paths,
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve))
}

const QUESTION = { USER: 'joe', SERIAL: '1', TIMESTAMP: '2', COMMENT: 'two\nlines\u00e4' }
const LINES = '3 2\n4 joe\n14 192.0.2.1\n17 two\rlines\u00e4\n21 1\n49 HOST\n=\n'

test('appends queries and answers to their files', async (t) => {
  const path = folder(t)
  const [pathIn, pathOut] = [join(path, 'in'), join(path, 'out')]
  writeFileSync(pathIn, 'before\n', { mode: 0o644 })
  const tee = new Tee(settings({ pathIn, pathOut }), new FakeServices())
  for (let i = 0; i < 3; i++)
    assert.equal(throughModule(tee, queryOf(QUESTION), { RESULT: ACK, IPADDR: undefined }).asked, DOWN)
  await tee.close()
  const asked = `0 TACPLUS\n${LINES}`
  const answered = asked.replace('14 192.0.2.1\n', '').replace('4 joe\n', '4 joe\n6 ACK\n')
  assert.equal(readFileSync(pathIn, 'latin1'), `before\n${asked.repeat(3)}`)
  assert.equal(readFileSync(pathOut, 'latin1'), answered.repeat(3))
  assert.deepEqual([statSync(pathIn).mode & 0o777, statSync(pathOut).mode & 0o777], [0o644, 0o600])
})

test('keeps the order in one file for both', async (t) => {
  const pathIn = join(folder(t), 'both')
  const tee = new Tee(settings({ pathIn, pathOut: pathIn }), new FakeServices())
  throughModule(tee, queryOf(), { RESULT: ACK })
  await tee.close()
  const records = readFileSync(pathIn, 'latin1').split('=\n')
  assert.deepEqual(
    records.map((record) => record.includes('6 ACK')),
    [false, true, false],
  )
})

test('writes only the configured direction', async (t) => {
  const pathOut = join(folder(t), 'out')
  const tee = new Tee(settings({ pathIn: undefined, pathOut }), new FakeServices())
  throughModule(tee, queryOf(), { RESULT: ACK })
  await tee.close()
  assert.match(readFileSync(pathOut, 'latin1'), /^0 TACPLUS\n(?:\d+ .*\n)+=\n$/)
})

test('applies mode and owner regardless of the umask', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root gives files away')
  const path = join(folder(t), 'out')
  const file = new TeeFile(path, { mode: 0o666, uid: 12, gid: 34 }, new FakeServices())
  file.append('x=\n')
  await file.close()
  const { gid, mode, uid } = statSync(path)
  assert.deepEqual([mode & 0o777, uid, gid], [0o666, 12, 34])
  return undefined
})

test('logs a file error once and retries after a second', async (t) => {
  const path = join(folder(t), 'later', 'out')
  const services = new FakeServices()
  const file = new TeeFile(path, OWNER, services)
  file.append('1=\n')
  await until(() => services.lines.length === 1)
  assert.match(services.lines[0] ?? '', /^mavis module tee: .*later.out: ENOENT/)
  mkdirSync(join(path, '..'))
  await until(() => {
    services.ms += 1_000
    file.append('2=\n')
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  })
  await file.close()
  assert.match(readFileSync(path, 'latin1'), /^(?:2=\n)+$/)
  assert.equal(services.lines.length, 1)
})

test('does not log a repeated failure', async (t) => {
  const services = new FakeServices()
  const file = new TeeFile(join(folder(t), 'missing', 'out'), OWNER, services)
  file.append('1=\n')
  await until(() => services.lines.length === 1)
  services.ms += 1_000
  file.append('2=\n')
  await file.close()
  assert.equal(services.lines.length, 1)
})

function fifo(t: TestContext): string {
  const path = join(folder(t), 'fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  return path
}

test('does not block on a FIFO without a reader', { timeout: 30_000 }, async (t) => {
  const path = fifo(t)
  const services = new FakeServices()
  const file = new TeeFile(path, OWNER, services)
  file.append('lost=\n')
  await until(() => services.lines.length === 1)
  assert.match(services.lines[0] ?? '', /ENXIO/)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  services.ms += 1_000
  file.append('read=\n')
  await file.close()
  assert.equal(readAll(reader), 'read=\n')
})

/** Reads what is in the pipe. */
function readAll(fd: number): string {
  const bytes = Buffer.alloc(1 << 20)
  let length = 0
  try {
    for (let got = -1; got !== 0; length += got)
      got = readSync(fd, bytes, length, bytes.length - length, null)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
  }
  return bytes.toString('latin1', 0, length)
}

test('drops only whole records when a FIFO is full', { timeout: 30_000 }, async (t) => {
  const path = fifo(t)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const services = new FakeServices()
  const file = new TeeFile(path, OWNER, services)
  const record = (i: number) => `${i} ${'x'.repeat(9_000)}=\n`
  let read = ''
  for (let i = 0; i < 300; i++) {
    services.ms += 1_000
    file.append(record(i))
    if (i % 50 === 49) {
      await until(() => services.lines.length > 0)
      read += readAll(reader)
    }
  }
  await file.close()
  read += readAll(reader)
  assert.match(services.lines[0] ?? '', /too slow; dropping records/)
  const whole = read.split('=\n').slice(0, -1)
  assert.ok(whole.length > 7, `${whole.length} records`)
  for (const text of whole) assert.match(text, /^\d+ x{9000}$/)
})
