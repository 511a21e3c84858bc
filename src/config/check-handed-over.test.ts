import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../test/config/fake-world.js'
import { handedOverProblems } from './check-handed-over.js'
import { loadConfiguration } from './load.js'

const POOL = 'pool = a { remote { 10.0.0.1:1 } }'

function problemsOf(lines: string): readonly string[] {
  const world = fakeWorld({ case: `id = tcprelay {\n${lines}\n}` })
  const sections = { masterId: undefined, childId: 'tcprelay' }
  const request = { file: 'case', ...world, ...sections, environment: new Map(), isInetd: false }
  const { problems, tcprelay } = loadConfiguration(request)
  assert.deepEqual(problems, [])
  return handedOverProblems(tcprelay).map(
    ({ message, position, severity }) => `${severity} ${position.line}: ${message}`,
  )
}

test('without a route or the pool default nobody is served', () => {
  assert.deepEqual(problemsOf(POOL), [
    "error 1: no client gets a pool: there is neither a 'route' nor a pool 'default'",
  ])
  for (const served of ['remote { 10.0.0.1:1 }', `${POOL} route { pool = a }`])
    assert.deepEqual(problemsOf(served), [])
})

test('routes by listener or protocol reach nobody', () => {
  const never = 'no client reaches this route: another program is the master'
  const routes = [
    'route { listener = front pool = a }',
    'route { realm = inside protocol = any pool = a }',
    'route { realm = inside port = 80 source = 10.0.0.0/8 server name = a.example pool = a }',
  ]
  assert.deepEqual(problemsOf([POOL, ...routes].join('\n')), [`warning 3: ${never}`, `warning 4: ${never}`])
})
