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
  /** Resolves once that many lines were said. */
  const heard = async (count: number): Promise<void> => {
    while (said.length < count) {
      await new Promise<void>((resolve) => {
        onSaid = resolve
      })
    }
  }
  const closed = () => new Promise<void>((resolve) => file.close(resolve))
  return { file, said, heard, closed }
}

test('lines are appended to what is there', async () => {
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

test('after a rotation lines go to a new file, and none is lost', async () => {
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

/** The file is there: its stream is open. */
async function opened(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve))
}

test('a full disk costs lines and says so, once, and a reopen tries again', async () => {
  const { file, said, heard, closed } = fileAt('/dev/full')
  file.write('lost')
  await heard(1)
  assert.equal(said[0]?.[0], ERR)
  assert.match(said[0]?.[1] ?? '', /^cannot write the log file: ENOSPC/)
  for (let i = 0; i < 10; i++) file.write('lost too')
  assert.deepEqual(said.slice(1), [[WARNING, '/dev/full: lines are dropped']])
  file.reopen()
  assert.deepEqual(said.slice(2), [[WARNING, '/dev/full: 10 lines were dropped']])
  file.write('lost again')
  await heard(4)
  await closed()
})

test('a broken file is tried again after a second, also when the wall clock has gone back', async () => {
  let nowMs = 1_000
  const monotonic = mock.method(performance, 'now', () => nowMs)
  const { file, said, heard, closed } = fileAt('/dev/full')
  try {
    file.write('lost')
    await heard(1)
    mock.method(Date, 'now', () => 0)
    nowMs += 999
    file.write('too early')
    assert.deepEqual(said.slice(1), [[WARNING, '/dev/full: lines are dropped']])
    nowMs += 1
    file.write('tried again')
    assert.deepEqual(said.slice(2), [[WARNING, '/dev/full: 1 lines were dropped']])
    await heard(4)
  } finally {
    monotonic.mock.restore()
    mock.restoreAll()
    await closed()
  }
})

test('a file that cannot be opened is told of, and does not keep the program from ending', async () => {
  const path = join(folder, 'none', 'x.log')
  const { file, said, heard, closed } = fileAt(path)
  file.write('x')
  await heard(1)
  assert.match(said[0]?.[1] ?? '', /^cannot write the log file: ENOENT/)
  await closed()
  await fileAt(path).closed()
})

test('a disk that does not keep up costs lines, not memory', async () => {
  const path = join(folder, 'slow.log')
  const { file, said, closed } = fileAt(path)
  const line = 'x'.repeat(1_023)
  for (let i = 0; i < 20_000; i++) file.write(line)
  assert.deepEqual(said, [[WARNING, `${path}: lines are dropped`]])
  await closed()
  const { size } = statSync(path)
  const MiB = 2 ** 20
  assert.ok(size > 8 * MiB && size < 8.1 * MiB, `${size} bytes were kept`)
  assert.equal(size % 1_024, 0, 'whole lines only')
})

test('a FIFO that nobody reads is an error, and no thread waits for its reader', async () => {
  const path = join(folder, 'fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const { file, said, closed } = fileAt(path)
  // As many as libuv has threads: with all of them waiting, no other file could be opened.
  for (let i = 0; i < 4; i++) file.reopen()
  assert.deepEqual(
    said,
    Array(5).fill([ERR, `cannot write the log file: ${path} is a FIFO that nobody reads, or a socket`]),
  )
  assert.equal(await readFile(join(folder, 'a.log'), 'utf8'), 'one\ntwo\n')
  await closed()
})

test('a FIFO whose reader does not read loses lines, and tells how many when it reads again', async () => {
  const path = join(folder, 'read-fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const { file, said, closed } = fileAt(path)
  // Each in a write of its own, as in a turn of its own.
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
  assert.equal(rest, `${path}: 36 lines were dropped\nagain\n`)
  assert.deepEqual(said, [])
  await closed()
  closeSync(reader)
})
