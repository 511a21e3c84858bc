import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browserProblem } from './browser-guard.js'

const isAdmitted = (host: string | undefined, origin?: string) =>
  browserProblem({ host, origin }, ['Relay.test']) === undefined

test('admits addresses, localhost and configured names', () => {
  for (const host of [
    '127.0.0.1',
    '127.0.0.1:9901',
    '[::1]:9901',
    'localhost:1',
    'relay.test',
    'RELAY.TEST:9901',
  ])
    assert.ok(isAdmitted(host), host)
  for (const host of [
    undefined,
    '',
    'attacker.test',
    'relay.test.',
    'a@relay.test',
    'relay.test/x',
    '[::1',
    '127.0.0.1?',
  ])
    assert.ok(!isAdmitted(host), host)
})

test('admits pages of the same origin only', () => {
  assert.ok(isAdmitted('relay.test:9901', 'http://relay.test:9901'))
  for (const origin of [
    'http://relay.test',
    'http://relay.test:9902',
    'http://attacker.test:9901',
    'null',
    '',
    'file:///x',
  ])
    assert.ok(!isAdmitted('relay.test:9901', origin), origin)
})
