/** Names in logs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenerNames, remoteKey, remoteName } from './socket-names.js'

test('listeners have their names, with the port where a block has several', () => {
  const listeners = [
    { block: 0, name: 'front', portIndex: 0 },
    { block: 1, name: undefined, portIndex: 0 },
    { block: 2, name: 'many', portIndex: 0 },
    { block: 2, name: 'many', portIndex: 1 },
  ]
  assert.deepEqual(listenerNames(listeners, ['[::]:1', '10.0.0.1:2', '[::]:8001', '[::]:8002']), [
    'front',
    '10.0.0.1:2',
    'many:8001',
    'many:8002',
  ])
})

test('remotes have their names, and keys that distinguish pools', () => {
  const target = { kind: 'name', host: 'db.test', port: 80, family: 'any' } as const
  const remote = { name: undefined, ports: 'own', sctp: undefined, target } as const
  assert.equal(remoteName(remote), 'db.test:80')
  assert.equal(remoteName({ ...remote, name: 'db' }), 'db')
  assert.equal(remoteKey({ ...remote, poolName: 'default' }), 'db.test:80')
  assert.equal(remoteKey({ ...remote, poolName: 'web', name: 'db' }), 'web/db')
})
