import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { AV } from '../../src/base/mavis-attributes.js'
import { passOnNetAdmin } from '../../src/kernel/capabilities.js'
import { openEventFd } from '../../src/kernel/eventfd.js'
import { openSharedMemory } from '../../src/kernel/memory.js'
import { type Code, TIMEOUT } from '../../src/mavis/module.js'
import { externalThat } from '../harness/mavis-helper.js'
import { needs } from '../harness/needs.js'
import { childrenOf, descriptorNumbersOf, isAlive, passedOnBy } from '../harness/proc.js'
import { fileOfProject, Program } from '../harness/program.js'
import { until, within } from '../harness/until.js'
import { calls } from '../support/sockets.js'

const QUERIES = 1_000
const HELPERS = 4

/** A helper is killed after this number of answers. */
const KILL_EVERY = 100

test(`answers ${QUERIES} queries once each while helpers are killed`, async (t) => {
  const asked = externalThat(
    t,
    ['answers'],
    {
      childrenMin: HELPERS,
      childrenMax: HELPERS,
      patienceMs: 60_000,
    },
    'perl',
  )
  if (asked === undefined) return
  const answers: Promise<unknown>[] = []
  const killed = new Set<number>()
  let answeredCount = 0
  const kill = () => {
    const pid = asked.module.pids.find((pid) => !killed.has(pid))
    if (pid === undefined) return
    killed.add(pid)
    process.kill(pid, 'SIGKILL')
  }
  for (let i = 0; i < QUERIES; i++) {
    const query = asked.query(`user ${i}`)
    answers.push(
      asked.ask(query).then(({ values }) => {
        if (++answeredCount % KILL_EVERY === 0) kill()
        assert.equal(values[AV.RESULT], 'ACK')
        assert.equal(values[AV.USER], `user ${i}`)
      }),
    )
  }
  await Promise.all(answers)
  assert.equal(answeredCount, QUERIES)
  assert.ok(killed.size > QUERIES / KILL_EVERY / 2, `${killed.size} were killed`)
})

test('runs as many helpers as needed between childs min and childs max', async (t) => {
  const asked = externalThat(t, ['answers slowly', '0.05'], { childrenMin: 2, childrenMax: 4 })
  if (asked === undefined) return
  assert.equal(asked.module.pids.length, 2, 'before the first query')
  const answers = Array.from({ length: 3 }, () => asked.ask())
  assert.equal(asked.module.pids.length, 3)
  answers.push(...Array.from({ length: 9 }, () => asked.ask()))
  assert.equal(asked.module.pids.length, 4)
  for (const { values } of await Promise.all(answers)) assert.equal(values[AV.RESULT], 'ACK')
  assert.equal(asked.module.pids.length, 4)
  assert.equal(childrenOf(process.pid).length, 4)
})

test('asks queued queries in order', async (t) => {
  const asked = externalThat(t, ['answers'], { childrenMax: 1 })
  if (asked === undefined) return
  const order: string[] = []
  const users = Array.from({ length: 20 }, (_, index) => `user ${index}`)
  await Promise.all(users.map((user) => asked.ask(asked.query(user)).then(() => order.push(user))))
  assert.deepEqual(order, users)
})

test('times out a queued query without asking it', async (t) => {
  const asked = externalThat(t, ['hangs'], { childrenMax: 1, patienceMs: 300, timeoutMs: 60_000 })
  if (asked === undefined) return
  const pids = asked.module.pids
  const [first, second] = await Promise.all([asked.ask(), asked.ask()])
  assert.deepEqual([first?.code, second?.code], [TIMEOUT, TIMEOUT])
  assert.deepEqual(asked.module.pids, pids, 'the helper has its own time limit')
})

test('does not ask withdrawn queries and drops their answers', async (t) => {
  const asked = externalThat(t, ['answers slowly', '0.2'], { childrenMax: 1 })
  if (asked === undefined) return
  const pids = asked.module.pids
  const fail = (code: Code) => assert.fail(`answered ${code}`)
  const worked = asked.query()
  const waiting = asked.query()
  asked.module.ask(worked, fail)
  asked.module.ask(waiting, fail)
  asked.module.withdraw(worked)
  asked.module.withdraw(waiting)
  const { values } = await asked.ask(asked.query('jane'))
  assert.equal(values[AV.USER], 'jane')
  assert.equal(worked.values[AV.RESULT], undefined)
  assert.deepEqual(asked.module.pids, pids, 'the helper is as good as it was')
})

test('kills a helper that hangs on a withdrawn query', async (t) => {
  const asked = externalThat(t, ['hangs'], { childrenMax: 1, timeoutMs: 300 })
  if (asked === undefined) return
  const [pid] = asked.module.pids as [number]
  const query = asked.query()
  asked.module.ask(query, () => {})
  asked.module.withdraw(query)
  await asked.logged(new RegExp(`^helper: ${pid}: no answer within 0.3 s`))
  await until('the helper to end', () => !isAlive(pid))
})

test('throttles helpers that die at start after 30 starts', async (t) => {
  let nowMs = 1_000
  const asked = externalThat(
    t,
    ['dies at once'],
    { childrenMin: 4, nowMs: () => nowMs, childrenMax: 4 },
    'sh',
  )
  if (asked === undefined) return
  await asked.logged(/^external: \S+ respawning too fast; throttling for 30 seconds\.$/)
  await until('the last helper to end', () => childrenOf(process.pid).length === 0)
  const deaths = () => asked.log.filter((line) => line.includes('terminated before finishing first request'))
  const before = deaths().length
  assert.ok(before >= 30 && before < 30 + 4, `${before} were started`)
  const { values } = await asked.ask()
  assert.equal(values[AV.RESULT], 'ERR')
  assert.equal(values[AV.COMMENT], 'no helper can be started')
  assert.equal(deaths().length, before, 'none was started for the question')
  nowMs += 30_000
  await asked.ask()
  await until('others to be started', () => deaths().length > before)
})

test('ends idle helpers and restarts them on demand', async (t) => {
  const asked = externalThat(t, ['answers'], { childrenMin: 3, childrenMax: 3 })
  if (asked === undefined) return
  await asked.ask()
  asked.module.releaseIdle()
  assert.deepEqual(asked.module.pids, [])
  await until('the helpers to end', () => childrenOf(process.pid).length === 0)
  assert.deepEqual(asked.log, [])
  assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
  assert.equal(asked.module.pids.length, 3)
})

test('ends a busy helper after its answer when the others were released', async (t) => {
  const asked = externalThat(t, ['answers slowly', '0.2'], { childrenMax: 1 })
  if (asked === undefined) return
  const query = asked.query()
  asked.module.ask(query, () => {})
  asked.module.withdraw(query)
  asked.module.releaseIdle()
  assert.equal(asked.module.pids.length, 1)
  await until('the helper to end', () => childrenOf(process.pid).length === 0)
  assert.deepEqual(asked.log, [])
})

test('answers open queries on close and kills helpers that ignore SIGTERM', async (t) => {
  const asked = externalThat(t, ['ignores SIGTERM'], { childrenMin: 2, childrenMax: 2 })
  if (asked === undefined) return
  // They ignore SIGTERM once they have answered.
  await Promise.all([asked.ask(), asked.ask()])
  const pids = asked.module.pids
  const open = [asked.ask(), asked.ask(), asked.ask()]
  await within('the module to close', asked.module.close())
  for (const { values } of await Promise.all(open)) assert.equal(values[AV.RESULT], 'ERR')
  assert.ok(pids.length === 2 && pids.every((pid) => !isAlive(pid)))
  assert.deepEqual(childrenOf(process.pid), [])
  assert.equal((await asked.ask()).values[AV.COMMENT], 'the module is shutting down')
})

test('passes only three pipes to a helper', async (t) => {
  // Descriptors that the test itself has inherited do not count.
  const inherited = passedOnBy('self')
  const wake = openEventFd()
  const memory = openSharedMemory('tcprelay-test', 4_096)
  const socket = calls.socket(2, 1, 0)
  t.after(() => {
    wake.close()
    for (const fd of [memory, socket]) calls.close(fd)
  })
  const asked = externalThat(t, ['answers'], { childrenMin: 2 })
  if (asked === undefined) return
  await Promise.all([asked.ask(), asked.ask()])
  for (const pid of asked.module.pids) {
    const kinds = passedOnBy(pid).filter((fd) => !inherited.includes(fd))
    assert.deepEqual(
      kinds.map((kind) => kind.split(':')[0]),
      ['0 pipe', '1 pipe', '2 pipe'],
    )
    assert.ok(descriptorNumbersOf(pid).length <= 3 + inherited.length)
  }
})

test('answers each query once for any output of helpers', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  let nowMs = 1_000
  // The clock runs so fast that helpers are never throttled.
  const asked = externalThat(t, ['noise', `${seed}`], { nowMs: () => (nowMs += 30_000), timeoutMs: 1_000 })
  if (asked === undefined) return
  const answers = await Promise.all(Array.from({ length: 30 }, () => asked.ask()))
  for (const { values } of answers)
    assert.ok(['ACK', 'ERR'].includes(values[AV.RESULT] ?? ''), `seed ${seed}`)
})

test('runs helpers in a session of their own', async (t) => {
  const asked = externalThat(t, ['answers'])
  if (asked === undefined) return
  const [pid] = asked.module.pids as [number]
  const [, , group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  assert.deepEqual([Number(group), Number(session)], [pid, pid])
})

test('ends helpers when their parent is killed', async (t) => {
  if (!needs(t, 'sh')) return
  const holder = new Program(t, [process.execPath, fileOfProject('dist/test/harness/mavis-holder.js')])
  const [, pids = ''] = await holder.stdout.reached(/^helpers ([\d ]+)$/)
  const helpers = pids.split(' ').map(Number)
  assert.ok(helpers.length === 2 && helpers.every(isAlive))
  holder.signal('SIGKILL')
  await until('the helpers to end', () => !helpers.some(isAlive))
})

test('does not pass an inherited capability on to helpers', async (t) => {
  const undo = passesOnNetAdmin(t)
  if (undo === undefined) return
  t.after(undo)
  const asked = externalThat(t, ['answers'])
  if (asked === undefined) return
  const ambient = (pid: number | 'self') =>
    /^CapAmb:\t(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const ours = ambient('self')
  assert.match(ours ?? '', /[^0]/)
  const [pid] = asked.module.pids as [number]
  assert.match(ambient(pid) ?? '', /^0+$/)
  const next = spawnSync('grep', ['CapAmb', '/proc/self/status'], { encoding: 'utf8' }).stdout
  assert.equal(/\t(\w+)/.exec(next)?.[1], ours, 'other programs get it as before')
})

function passesOnNetAdmin(t: TestContext): (() => void) | undefined {
  const undo = passOnNetAdmin()
  if (undo === undefined) t.skip('needs CAP_NET_ADMIN')
  return undo
}
