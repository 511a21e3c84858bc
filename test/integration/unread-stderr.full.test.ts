import assert from 'node:assert/strict'
import { closeSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { messageCalls } from '../../src/kernel/message-calls.js'
import { NonBlockingOutput } from '../../src/kernel/nonblocking-output.js'
import { openPlainPipe } from '../../src/kernel/plain-pipe.js'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { BROKER, CHILDREN_ACCEPT, type Mode, SINGLE } from '../harness/modes.js'
import { childrenOf } from '../harness/proc.js'
import { startTcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

/** A start takes ten seconds on a machine with much else to do; a start that blocks takes for ever. */
const START_MAX_MS = 60_000

interface Ends {
  readonly readFd: number
  readonly writeFd: number
}

const KINDS = { pipe: openPlainPipe, socket: openSockets } as const

function openSockets(): Ends {
  const pair = messageCalls().socketPair('stream')
  assert.ok(typeof pair !== 'number')
  const [readFd, writeFd] = pair
  return { readFd, writeFd }
}

/** Both ends, with no room for another byte. */
function fullStderr(t: TestContext, kind: keyof typeof KINDS): Ends {
  const ends = KINDS[kind]()
  const output = new NonBlockingOutput(ends.writeFd)
  while (output.write(Buffer.alloc(4_096, '\n')) > 0);
  afterwards(t, () => closeSync(ends.readFd))
  return ends
}

async function isServed(t: TestContext, path: string): Promise<boolean> {
  try {
    const client = await Client.connect(t, { path })
    const answer = await client.exchange('hello')
    await client.close()
    return answer === 'hello'
  } catch {
    return false // not yet
  }
}

const KINDS_IN_MODES = variants<readonly [keyof typeof KINDS, Mode]>(
  [['pipe', BROKER]],
  [
    ['socket', BROKER],
    ['pipe', SINGLE],
    ['socket', SINGLE],
    ['pipe', CHILDREN_ACCEPT],
    ['socket', CHILDREN_ACCEPT],
  ],
)

for (const [kind, { name, textOf }] of KINDS_IN_MODES) {
  test(`${name}: an unread ${kind} as stderr blocks nothing`, async (t) => {
    const folder = temporaryFolder(t)
    const path = join(folder, 'listener')
    const plan = relayTo(await remoteThat(echoes).start(t)).listeningOn(`path = ${path}`)
    const file = join(folder, 'relay.cfg')
    writeFileSync(file, textOf(plan))
    const { readFd, writeFd } = fullStderr(t, kind)
    // Each event is a line, and none of them fits.
    const program = startTcprelay(t, ['-D', '-d', '24576', file], { stderr: writeFd })
    closeSync(writeFd)
    await until('a client to be served', () => isServed(t, path), START_MAX_MS)
    for (const child of childrenOf(program.pid)) {
      process.kill(Number(child), 'SIGKILL')
      await until('a client of its successor to be served', () => isServed(t, path), START_MAX_MS)
    }
    readSome(readFd)
    await until('a client to be served', () => isServed(t, path))
    await until('the number of lines that were lost', () =>
      /warning: \d+ log lines were dropped/.test(readSome(readFd)),
    )
    program.signal('SIGTERM')
    assert.deepEqual(await program.ended(5_000), { code: 0, signal: null })
  })
}

/** Access lines of so many clients are more than a pipe takes. */
const CLIENTS = 600

test('a reload is logged although access lines have filled stderr', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'listener')
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).with('access log = stderr').listeningOn(`path = ${path}`)
  const file = join(folder, 'relay.cfg')
  writeFileSync(file, plan.text)
  const { readFd, writeFd } = openPlainPipe()
  afterwards(t, () => closeSync(readFd))
  const program = startTcprelay(t, ['-D', file], { stderr: writeFd })
  closeSync(writeFd)
  await until('a client to be served', () => isServed(t, path), START_MAX_MS)
  const visits = async () => {
    for (let i = 0; i < CLIENTS / 10; i++) await isServed(t, path)
  }
  await Promise.all(Array.from({ length: 10 }, visits))
  let text = ''
  program.signal('SIGHUP')
  await until('the reload to be logged', () => {
    text += readSome(readFd)
    return /the new configuration is in force/.test(text)
  })
  assert.match(text, /warning: \d+ log lines were dropped/, 'the pipe was full')
})

/** Reads what is available, waiting for the first bytes. */
function readSome(fd: number): string {
  const bytes = Buffer.alloc(2 ** 20)
  return bytes.toString('latin1', 0, readSync(fd, bytes))
}
