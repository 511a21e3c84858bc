import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import { ERR, WARNING } from '../observe/severity.js'
import { LineFile } from './line-file.js'

const folder = mkdtempSync(join(tmpdir(), 'line-file-'))
after(() => rmSync(folder, { recursive: true }))

function fileAt(path: string) {
  const said: (readonly [severity: number, text: string])[] = []
  let onSaid: () => void = () => {}
  const file = new LineFile(path, (severity, text) => {
    said.push([severity, text])
    onSaid()
  })
  /** Resolves once that many lines were logged. */
  const logged = async (count: number): Promise<void> => {
    while (said.length < count) {
      await new Promise<void>((resolve) => {
        onSaid = resolve
      })
    }
  }
  const closed = () => new Promise<void>((resolve) => file.close(resolve))
  return { file, said, logged, closed }
}

test('appends to an existing file', async () => {
  const path = join(folder, 'a.log')
  for (const text of ['one', 'two']) {
    const { file, closed, said } = fileAt(path)
    file.write(text)
    await closed()
    assert.deepEqual(said, [])
  }
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  assert.equal(statSync(path).mode & 0o007, 0, 'addresses of clients are not for everybody')
})

test('writes to a new file after rotation without losing lines', async () => {
  const path = join(folder, 'rotated.log')
  const { file, closed } = fileAt(path)
  for (let i = 0; i < 1_000; i++) file.write(`before ${i}`)
  await opened(path)
  renameSync(path, `${path}.1`)
  for (let i = 0; i < 1_000; i++) file.write(`meanwhile ${i}`)
  file.reopen()
  for (let i = 0; i < 1_000; i++) file.write(`after ${i}`)
  await closed()
  const lines = `${readFileSync(`${path}.1`, 'utf8')}${readFileSync(path, 'utf8')}`.split('\n')
  const wanted = ['before', 'meanwhile', 'after'].flatMap((word) =>
    Array.from({ length: 1_000 }, (_, i) => `${word} ${i}`),
  )
  assert.deepEqual(lines, [...wanted, ''])
  assert.match(readFileSync(path, 'utf8'), /^after 0\n/)
})

/** Waits until the stream has opened the file. */
async function opened(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve))
}

test('drops lines on a full disk, logs it once and retries on reopen', async () => {
  const { file, said, logged, closed } = fileAt('/dev/full')
  file.write('lost')
  await logged(1)
  assert.equal(said[0]?.[0], ERR)
  assert.match(said[0]?.[1] ?? '', /^cannot write log file \/dev\/full: ENOSPC/)
  for (let i = 0; i < 10; i++) file.write('lost too')
  assert.deepEqual(said.slice(1), [[WARNING, 'log file /dev/full: dropping lines']])
  file.reopen()
  assert.deepEqual(said.slice(2), [[WARNING, 'log file /dev/full: 10 lines were dropped']])
  file.write('lost again')
  await logged(4)
  await closed()
})

test('reopens a failed file after a second of monotonic time', async () => {
  let nowMs = 1_000
  const monotonic = mock.method(performance, 'now', () => nowMs)
  const { file, said, logged, closed } = fileAt('/dev/full')
  try {
    file.write('lost')
    await logged(1)
    mock.method(Date, 'now', () => 0)
    nowMs += 999
    file.write('too early')
    assert.deepEqual(said.slice(1), [[WARNING, 'log file /dev/full: dropping lines']])
    nowMs += 1
    file.write('tried again')
    assert.deepEqual(said.slice(2), [[WARNING, 'log file /dev/full: 1 lines were dropped']])
    await logged(4)
  } finally {
    monotonic.mock.restore()
    mock.restoreAll()
    await closed()
  }
})

test('logs a file that cannot be opened and still closes', async () => {
  const path = join(folder, 'none', 'x.log')
  const { file, said, logged, closed } = fileAt(path)
  file.write('x')
  await logged(1)
  assert.match(said[0]?.[1] ?? '', /^cannot write log file .*: ENOENT/)
  await closed()
  await fileAt(path).closed()
})

test('drops lines of a slow disk beyond the buffer limit', async () => {
  const path = join(folder, 'slow.log')
  const { file, said, closed } = fileAt(path)
  const line = 'x'.repeat(1_023)
  for (let i = 0; i < 20_000; i++) file.write(line)
  assert.deepEqual(said, [[WARNING, `log file ${path}: dropping lines`]])
  await closed()
  const { size } = statSync(path)
  const MiB = 2 ** 20
  assert.ok(size > 8 * MiB && size < 8.1 * MiB, `${size} bytes were kept`)
  assert.equal(size % 1_024, 0, 'whole lines only')
})

test('fails on a FIFO without a reader and blocks no thread', async () => {
  const path = join(folder, 'fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const { file, said, closed } = fileAt(path)
  // One more than libuv has threads: if they blocked, no other file could be opened.
  for (let i = 0; i < 4; i++) file.reopen()
  assert.deepEqual(
    said,
    Array(5).fill([ERR, `cannot write log file ${path}: ${path} is a FIFO without a reader, or a socket`]),
  )
  assert.equal(await readFile(join(folder, 'a.log'), 'utf8'), 'one\ntwo\n')
  await closed()
})

test('drops lines of a full FIFO and writes their number later', async () => {
  const path = join(folder, 'read-fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const { file, said, closed } = fileAt(path)
  // One write per line, as in separate turns.
  const writeAlone = async (line: string) => {
    file.write(line)
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (let i = 0; i < 100; i++) await writeAlone('x'.repeat(1_023))
  const all = Buffer.alloc(2 ** 20)
  const first = readSync(reader, all)
  assert.equal(first, 64 * 1_024, 'what a pipe takes')
  await writeAlone('again')
  const rest = all.toString('utf8', 0, readSync(reader, all))
  assert.equal(rest, `log file ${path}: 36 lines were dropped\nagain\n`)
  assert.deepEqual(said, [])
  await closed()
  closeSync(reader)
})
