import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { messageCalls } from '../kernel/message-calls.js'
import { openPlainPipe } from '../kernel/plain-pipe.js'
import { LineOutput } from './line-output.js'

const folder = mkdtempSync(join(tmpdir(), 'line-output-'))
after(() => rmSync(folder, { recursive: true }))

const notice = (count: number) => `${count} dropped\n`
const LINE = `${'x'.repeat(999)}\n`
const KEPT = `${'k'.repeat(999)}\n`

interface Ends {
  readonly readFd: number
  readonly writeFd: number
}

/** Both ends block, so that a write that could wait would wait for ever. */
const KINDS: readonly (readonly [name: string, open: () => Ends])[] = [
  ['a pipe', openPlainPipe],
  ['a FIFO', openFifo],
  ['a socket', openSockets],
]

function openFifo(): Ends {
  const path = join(folder, 'fifo')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const opening = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const ends = { writeFd: openSync(path, 'w'), readFd: openSync(path, 'r') }
  closeSync(opening)
  rmSync(path)
  return ends
}

function openSockets(): Ends {
  const pair = messageCalls().socketPair('stream')
  assert.ok(typeof pair !== 'number')
  const [readFd, writeFd] = pair
  return { readFd, writeFd }
}

for (const [name, open] of KINDS) {
  test(`${name} without a reader: lines are dropped, and their count is written later`, () => {
    const { readFd, writeFd } = open()
    const output = new LineOutput(writeFd, notice)
    for (let i = 0; i < 1_000; i++) output.write(LINE)
    const bytes = Buffer.alloc(2 ** 20)
    let text = bytes.toString('latin1', 0, readSync(readFd, bytes))
    // A line that was taken in part is completed before another one.
    output.write('again\n')
    while (!text.endsWith('again\n')) text += bytes.toString('latin1', 0, readSync(readFd, bytes))
    const lines = text.split('\n')
    const whole = lines.filter((line) => line === LINE.trimEnd()).length
    assert.deepEqual(lines.slice(whole), [`${1_000 - whole} dropped`, 'again', ''])
    closeSync(readFd)
    output.write('nobody is left\n')
    closeSync(writeFd)
    output.write('it is closed\n')
  })
}

test('lines that matter are kept while a burst of others fills the pipe', () => {
  const { readFd, writeFd } = openPlainPipe()
  const output = new LineOutput(writeFd, notice)
  for (let i = 0; i < 100; i++) output.write(LINE)
  assert.equal(output.writeOrKeep(KEPT), true)
  output.write(LINE)
  assert.equal(output.writeKept(), false)
  const bytes = Buffer.alloc(2 ** 20)
  let text = bytes.toString('latin1', 0, readSync(readFd, bytes))
  while (!output.writeKept()) text += bytes.toString('latin1', 0, readSync(readFd, bytes))
  assert.equal(output.writeOrKeep('next\n'), false)
  while (!text.endsWith('next\n')) text += bytes.toString('latin1', 0, readSync(readFd, bytes))
  const whole = text.split('\n').filter((line) => line === LINE.trimEnd()).length
  assert.equal(text.slice(whole * LINE.length), `${101 - whole} dropped\n${KEPT}next\n`)
  for (const fd of [readFd, writeFd]) closeSync(fd)
})

test('kept lines are limited: a reader that never comes costs no memory', () => {
  const { readFd, writeFd } = openPlainPipe()
  const output = new LineOutput(writeFd, notice)
  for (let i = 0; i < 1_000; i++) output.writeOrKeep(LINE)
  let text = ''
  const bytes = Buffer.alloc(2 ** 20)
  do text += bytes.toString('latin1', 0, readSync(readFd, bytes))
  while (!output.writeKept())
  output.write('end\n')
  while (!text.endsWith('end\n')) text += bytes.toString('latin1', 0, readSync(readFd, bytes))
  const dropped = Number(/(\d+) dropped/.exec(text)?.[1])
  const whole = text.split('\n').filter((line) => line === LINE.trimEnd()).length
  assert.equal(whole + dropped, 1_000)
  assert.ok(whole < 200, `${whole} lines were kept`)
  for (const fd of [readFd, writeFd]) closeSync(fd)
})

test('kept lines are dropped when the reader has gone', () => {
  const { readFd, writeFd } = openPlainPipe()
  const output = new LineOutput(writeFd, notice)
  for (let i = 0; i < 100; i++) output.write(LINE)
  assert.equal(output.writeOrKeep(KEPT), true)
  closeSync(readFd)
  assert.equal(output.writeKept(), true, 'a retry would fail for ever')
  assert.equal(output.writeOrKeep(KEPT), false)
  closeSync(writeFd)
})

test('writes every line to a file', () => {
  const path = join(folder, 'file')
  const fd = openSync(path, 'w')
  const output = new LineOutput(fd, notice)
  for (let i = 0; i < 100; i++) output.write(LINE)
  closeSync(fd)
  assert.equal(readFileSync(path, 'utf8'), LINE.repeat(100))
})

test('a long text waits for its reader up to a limit', () => {
  const { readFd, writeFd } = openPlainPipe()
  new LineOutput(writeFd, notice).writeAll(LINE.repeat(100), 100)
  const bytes = Buffer.alloc(2 ** 20)
  assert.equal(readSync(readFd, bytes), 2 ** 16)
  closeSync(readFd)
  closeSync(writeFd)
})
