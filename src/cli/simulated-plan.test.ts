import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEGIN_MS, compileText, planOfText, traceOf } from '../../test/support/simulation-plan.js'
import type { GivenOutage } from './simulate-arguments.js'
import { outagesOf, UnknownRemote } from './simulated-outages.js'

const POOLS = `
id = spawnd { listen { port = 80 } }
id = tcprelay {
  pool = web { remote { name = a 10.0.0.1:1 } remote { name = b 10.0.0.2:1 } }
  pool = db { balance = maglev key = certificate remote { name = a 10.0.0.3:1 } }
  route = { source = 10.0.0.0/8 pool = db }
  route = { pool = web }
}`

const policies = (change?: Parameters<typeof planOfText>[1]) =>
  planOfText(POOLS, change).plan.pools.map(({ policy }) => policy)

test('replaces the policy of one pool or of all', () => {
  assert.deepEqual(policies(), ['least-use', 'maglev'])
  assert.deepEqual(policies({ policy: 'first' }), ['first', 'first'])
  assert.deepEqual(policies({ pool: 'web', policy: 'source' }), ['source', 'maglev'])
  const { plan } = planOfText(POOLS, { pool: 'web', policy: 'source' })
  assert.deepEqual(plan.pools[0]?.key, { by: 'source', ipv4Bits: 32, ipv6Bits: 128 })
})

test('names the pools that there are', () => {
  assert.equal(
    compileText(POOLS, { pool: 'wbe', policy: 'first' }),
    "option '--pool': there is no pool 'wbe': did you mean 'web'?",
  )
  assert.equal(
    compileText(POOLS, { pool: 'nothing', policy: 'first' }),
    "option '--pool': there is no pool 'nothing': web, db",
  )
})

test('says in what a simulation differs from the relay', () => {
  assert.deepEqual(planOfText(POOLS, { pool: 'web', policy: 'least-time' }).notes, [
    'pool web: no access log has connect times: all remotes answer equally fast',
    'pool db: no access log has certificates: clients are recognised by their addresses',
  ])
})

test('resolves outages: names of remotes, and times from the first connection', () => {
  const { trace } = traceOf([{ at: 7 }, { at: 3, seconds: 60 }])
  const { rows } = planOfText(POOLS).prepare(trace, 1)
  const resolve = (remote: string, to?: GivenOutage['to']) =>
    outagesOf([{ text: '', remote, from: { ms: 500, isRelative: true }, to }], rows, trace)
  const beginMs = BEGIN_MS + 3_000
  assert.deepEqual(resolve('b'), [{ row: 1, fromMs: beginMs + 500, toMs: Infinity }])
  assert.deepEqual(resolve('db/a', { ms: 5, isRelative: false }), [
    { row: 2, fromMs: beginMs + 500, toMs: 5 },
  ])
  for (const [remote, message] of [
    ['a', "option '--down': 'a' is a remote of several pools: write 'web/a' or 'db/a'"],
    ['web/b2', "option '--down': there is no remote 'web/b2': a, b, a"],
  ] as const) {
    const found = resolve(remote)
    assert.ok(found instanceof UnknownRemote)
    assert.equal(found.message, message)
  }
})
