import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { AV } from '../../src/base/mavis-attributes.js'
import { DOWN, FINAL, TIMEOUT } from '../../src/mavis/module.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { externalMtThat } from '../harness/mavis-helper.js'
import { childrenOf, isAlive } from '../harness/proc.js'
import { until, within } from '../harness/until.js'

const SHORT_MS = 300

/** Long enough for an answer of Python that has just been started, on a busy machine. */
const ANSWER_MAX_MS = 2_000

const QUERIES = 2_000

/** The helper is killed after this number of answers. */
const KILL_EVERY = 500

test('accepts answers in any order', async (t) => {
  const asked = externalMtThat(t, ['backwards', '5'])
  if (asked === undefined) return
  const order: string[] = []
  const users = ['a', 'b', 'c', 'd', 'e']
  await Promise.all(
    users.map((user) =>
      asked.ask(asked.query(user)).then(({ code, values }) => {
        order.push(values[AV.USER] ?? '')
        assert.equal(code, FINAL)
        assert.equal(values[AV.USER], user)
        assert.equal(values[AV.IDENTITY_SOURCE], 'first')
      }),
    ),
  )
  assert.deepEqual(order, ['e', 'd', 'c', 'b', 'a'])
  assert.equal(childrenOf(process.pid).length, 1)
})

test(`answers ${QUERIES} queries once each while the helper is killed`, async (t) => {
  const asked = externalMtThat(t, ['in order'], { patienceMs: 60_000, timeoutMs: 60_000 })
  if (asked === undefined) return
  let answeredCount = 0
  let killedCount = 0
  const answers = Array.from({ length: QUERIES }, (_, i) =>
    asked.ask(asked.query(`user ${i}`)).then(({ values }) => {
      const [pid] = asked.module.pids
      if (++answeredCount % KILL_EVERY === 0 && pid !== undefined && answeredCount < KILL_EVERY * 3) {
        killedCount++
        process.kill(pid, 'SIGKILL')
      }
      assert.equal(values[AV.RESULT], 'ACK')
      assert.equal(values[AV.USER], `user ${i}`)
    }),
  )
  await Promise.all(answers)
  assert.equal(answeredCount, QUERIES)
  assert.equal(killedCount, 2)
})

test('asks again the queries of a helper that died', async (t) => {
  const asked = externalMtThat(t, ['dies in the middle once', join(temporaryFolder(t), 'was')])
  if (asked === undefined) return
  const [first] = asked.module.pids as [number]
  const answers = await Promise.all(Array.from({ length: 10 }, () => asked.ask()))
  for (const { values } of answers) assert.equal(values[AV.RESULT], 'ACK')
  assert.notEqual(asked.module.pids[0], first)
  await asked.logged(new RegExp(`^helper: ${first}: terminated `))
})

for (const { behaviour, logged } of [
  { behaviour: 'wrong magic', logged: /malformed answer. Terminating.$/ },
  { behaviour: 'wrong length', logged: /answer too long. Terminating.$/ },
  { behaviour: 'missing serial', logged: /missing serial. Terminating.$/ },
  { behaviour: 'dies at once', logged: /terminated before finishing first request \(exit code \d+\)$/ },
])
  test(`answers ERR when helpers fail: ${behaviour}`, async (t) => {
    const asked = externalMtThat(t, [behaviour])
    if (asked === undefined) return
    const { code, values } = await asked.ask()
    assert.equal(code, FINAL)
    assert.equal(values[AV.RESULT], 'ERR')
    assert.equal(values[AV.COMMENT], 'helpers terminated without an answer')
    await asked.logged(logged)
  })

test('passes NFD and DOWN on', async (t) => {
  const asked = externalMtThat(t, ['not found'])
  if (asked === undefined) return
  const { code, values } = await asked.ask()
  assert.equal(code, DOWN)
  assert.equal(values[AV.RESULT], 'NFD')
})

for (const behaviour of ['small writes', 'twice'])
  test(`answers each query once: ${behaviour}`, async (t) => {
    const asked = externalMtThat(t, [behaviour])
    if (asked === undefined) return
    const pids = asked.module.pids
    for (let i = 0; i < 5; i++) assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
    assert.deepEqual(asked.module.pids, pids)
  })

test('replaces a helper that answers nothing in time', async (t) => {
  const asked = externalMtThat(t, ['hangs'], { timeoutMs: SHORT_MS })
  if (asked === undefined) return
  const [hanging] = asked.module.pids as [number]
  const { code } = await asked.ask()
  assert.equal(code, TIMEOUT)
  await asked.logged(new RegExp(`^helper: ${hanging}: no answer within 0.3 s. Terminating.$`))
  await until('the helper to end', () => !isAlive(hanging))
  assert.notEqual(asked.module.pids[0], hanging)
})

test('keeps a helper that answers other queries when one times out', async (t) => {
  const asked = externalMtThat(t, ['hangs on joe'], { timeoutMs: ANSWER_MAX_MS })
  if (asked === undefined) return
  const pids = asked.module.pids
  const hanging = asked.ask(asked.query('joe'))
  for (let i = 0; i < 5; i++) assert.equal((await asked.ask(asked.query('jane'))).values[AV.RESULT], 'ACK')
  assert.equal((await hanging).code, TIMEOUT)
  assert.deepEqual(asked.module.pids, pids)
})

test('drops the answer to a withdrawn query', async (t) => {
  const asked = externalMtThat(t, ['backwards', '2'])
  if (asked === undefined) return
  const query = asked.query()
  asked.module.ask(query, () => assert.fail('answered'))
  asked.module.withdraw(query)
  assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
  for (const { values } of await Promise.all([asked.ask(), asked.ask()]))
    assert.equal(values[AV.RESULT], 'ACK')
  assert.equal(query.values[AV.RESULT], undefined)
})

test('rejects a query whose serial is open already', async (t) => {
  const asked = externalMtThat(t, ['backwards', '2'])
  if (asked === undefined) return
  const query = asked.query()
  const first = asked.ask(query)
  const { values } = await asked.ask({ serial: query.serial, values: [...query.values] })
  assert.equal(values[AV.COMMENT], 'another open query has the same serial')
  await Promise.all([first, asked.ask()])
})

test('answers ERR to a query that is too long', async (t) => {
  const asked = externalMtThat(t, ['answers'])
  if (asked === undefined) return
  assert.equal((await asked.ask(asked.query('x'.repeat(70_000)))).values[AV.RESULT], 'ERR')
  assert.deepEqual(asked.log, ['external-mt: query too long, ignoring'])
})

test('times out queries that the helper does not read', async (t) => {
  const asked = externalMtThat(t, ['reads nothing'], { timeoutMs: 60_000, patienceMs: SHORT_MS })
  if (asked === undefined) return
  const answers = Array.from({ length: 20 }, () => asked.ask(asked.query('x'.repeat(60_000))))
  for (const { code } of await Promise.all(answers)) assert.equal(code, TIMEOUT)
})

test('ends the idle helper and restarts it on demand', async (t) => {
  const asked = externalMtThat(t, ['answers'])
  if (asked === undefined) return
  await asked.ask()
  asked.module.releaseIdle()
  await until('the helper to end', () => childrenOf(process.pid).length === 0)
  assert.deepEqual(asked.log, [])
  assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
})

test('throttles a helper that dies at start after 30 starts', async (t) => {
  let nowMs = 1_000
  const asked = externalMtThat(t, ['dies at once'], { nowMs: () => nowMs })
  if (asked === undefined) return
  await asked.logged(/^external-mt: \S+ respawning too fast; throttling for 30 seconds\.$/)
  const deaths = () => asked.log.filter((line) => line.includes('terminated before finishing first request'))
  await until('all deaths to be logged', () => deaths().length === 30)
  assert.equal((await asked.ask()).values[AV.COMMENT], 'no helper can be started')
  nowMs += 30_000
  await asked.ask()
  await until('another one to be started', () => deaths().length > 30)
})

test('answers open queries on close', async (t) => {
  const asked = externalMtThat(t, ['hangs'])
  if (asked === undefined) return
  const open = asked.ask()
  await within('the module to close', asked.module.close())
  assert.equal((await open).values[AV.COMMENT], 'the module is shutting down')
  assert.deepEqual(childrenOf(process.pid), [])
})

test('ends a helper that writes text instead of frames', async (t) => {
  const asked = externalMtThat(t, ['text in chunks'])
  if (asked === undefined) return
  const { code, values } = await asked.ask()
  assert.deepEqual(
    [code, values[AV.RESULT], values[AV.COMMENT]],
    [FINAL, 'ERR', 'helpers terminated without an answer'],
  )
  await asked.logged(/malformed answer\. Terminating\.$/)
  assert.ok(!asked.log.some((line) => line.startsWith('internal error')), asked.log.join('\n'))
})
