import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'shutdown-'))
after(() => rmSync(folder, { recursive: true }))

/** A reactor that waits in its poller for ever, and the shutdown of its process. */
const PRELUDE = `
  import { writeSync } from 'node:fs'
  import { Shutdown } from './shutdown.js'
  import { ReactorThread } from '../reactors/reactor-thread.js'
  const shutdown = new Shutdown()
  const say = (text) => writeSync(1, text + '\\n')
  const startReactor = (command = { kind: 'stop' }) => new Promise((resolve) => {
    const thread = new ReactorThread(new URL('../../../test/support/small-reactor.js', '$HERE'))
    thread.start({}, {
      onReport: () => resolve(thread),
      onFailure: (error) => say(error.message),
    })
    shutdown.add({ end: (done) => { say('reactor is asked'); thread.end(command, done) } })
  })
`

/** Long enough for a loaded machine, and far shorter than for ever. */
const HANG_MS = 20_000

interface Ending {
  readonly code: number | null
  readonly said: string
}

/** Runs a script that has to end by itself. */
async function endingOf(script: string): Promise<Ending> {
  const here = new URL('./', import.meta.url).href
  const source = (PRELUDE + script).replaceAll("from '.", `from '${here}.`).replaceAll('$HERE', here)
  const path = join(folder, 'script.mjs')
  writeFileSync(path, source)
  const child = spawn(process.execPath, [path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HANG_MS,
    killSignal: 'SIGKILL',
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += text))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, said }
}

test('runs all steps, the last one first, and exits with its code', async () => {
  const { code, said } = await endingOf(`
    for (const name of ['first', 'second']) {
      shutdown.add({ end(done) { say(name); setImmediate(done) } })
    }
    shutdown.exit(3)
    shutdown.exit(4)`)
  assert.deepEqual([code, said], [3, 'second\nfirst\n'])
})

test('an exception on the control thread ends the process while the reactor waits', async () => {
  const { code, said } = await endingOf(`
    shutdown.catchAll((error) => say('caught ' + error.message), 70)
    await startReactor()
    setImmediate(() => { throw new Error('thrown') })`)
  assert.deepEqual([code, said], [70, 'caught thrown\nreactor is asked\n'])
})

test('an unhandled rejection ends the process while the reactor waits', async () => {
  const { code, said } = await endingOf(`
    shutdown.catchAll((error) => say('caught ' + error.message), 70)
    await startReactor()
    void Promise.reject(new Error('rejected'))
    await new Promise(() => setInterval(() => {}, 1000))`)
  assert.deepEqual([code, said], [70, 'caught rejected\nreactor is asked\n'])
})

test('ignores a second exception during the shutdown', async () => {
  const { code, said } = await endingOf(`
    shutdown.catchAll((error) => { say('caught ' + error.message); setImmediate(() => { throw new Error('again') }) }, 70)
    shutdown.add({ end: (done) => setTimeout(done, 50) })
    await startReactor()
    setImmediate(() => { throw new Error('thrown') })`)
  assert.equal(code, 70)
  assert.match(said, /^caught thrown\nreactor is asked\n/)
})

test('exits although the report of the exception throws', async () => {
  const { code, said } = await endingOf(`
    shutdown.catchAll(() => { throw new Error('the log is broken') }, 70)
    await startReactor()
    setImmediate(() => { throw new Error('thrown') })`)
  assert.deepEqual([code, said], [70, 'reactor is asked\n'])
})

test('runs the other steps after one that throws', async () => {
  const { code, said } = await endingOf(`
    shutdown.catchAll((error) => say('caught ' + error.message), 70)
    await startReactor()
    shutdown.add({ end() { throw new Error('cannot leave') } })
    setImmediate(() => { throw new Error('thrown') })`)
  assert.deepEqual([code, said], [70, 'caught thrown\nreactor is asked\n'])
})

test('exits although a step never finishes', async () => {
  const { code, said } = await endingOf(`
    shutdown.add({ end() { say('for ever') } })
    shutdown.exit(5)`)
  assert.deepEqual([code, said], [5, 'for ever\n'])
})

test('exits although the reactor does not stop', async () => {
  const { code, said } = await endingOf(`
    await startReactor({ kind: 'echo', value: 'no' })
    shutdown.exit(6)`)
  assert.deepEqual([code, said], [6, 'reactor is asked\n'])
})

test('does not wait for a reactor that has ended', async () => {
  const { code, said } = await endingOf(`
    const thread = await startReactor()
    thread.end({ kind: 'stop' }, () => shutdown.exit(7))`)
  assert.deepEqual([code, said], [7, 'reactor is asked\n'])
})

test('exits while a thread of the pool of libuv blocks', async () => {
  const fifo = join(folder, 'fifo')
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
  const { code, said } = await endingOf(`
    import { open } from 'node:fs'
    open('${fifo}', 'r', () => say('opened'))
    process.on('exit', (code) => say('exit ' + code))
    setTimeout(() => shutdown.exit(8), 50)`)
  assert.deepEqual([code, said], [8, 'exit 8\n'])
})
