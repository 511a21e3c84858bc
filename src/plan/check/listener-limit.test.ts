import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../../test/config/fake-world.js'
import { loadConfiguration } from '../../config/load.js'
import { listenerProblems } from './listener-limit.js'

function load(listeners: string) {
  const configuration = loadConfiguration({
    file: 'case',
    ...fakeWorld({ case: `id = spawnd {\n${listeners}\n} id = tcprelay { remote { 1.2.3.4:5 } }` }),
    masterId: 'spawnd',
    childId: 'tcprelay',
    environment: new Map(),
    isInetd: false,
  })
  return { ...configuration, mechanism: 'epoll' } as const
}

test('rejects listening sockets above half of the open files', () => {
  const loaded = load('listen { port = 1-40 }\nlisten { port = 101-120 }')
  assert.equal(loaded.spawnd.listeners.length, 60)
  assert.deepEqual(listenerProblems(loaded, 120), [])
  const [problem, ...others] = listenerProblems(loaded, 119)
  assert.deepEqual(others, [])
  assert.equal(problem?.severity, 'error')
  assert.equal(problem?.position.line, 3, 'the block that is too much')
  assert.match(
    problem?.message ?? '',
    /^too many listening sockets: 60 exceed half of the limit of 119 open files/,
  )
})
