import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls } from '../../test/support/sockets.js'
import { ServiceManager } from './service-manager.js'

const nothing = () => {}

test('removes its variables from the environment', () => {
  const environment = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7', OTHER: 'x' }
  assert.equal(new ServiceManager(calls, environment, 7, nothing).watchdogMs, 3_000)
  assert.deepEqual(environment, { OTHER: 'x' })
})

test('ignores a watchdog for another process or without interval', () => {
  for (const environment of [{ WATCHDOG_USEC: '1000', WATCHDOG_PID: '8' }, { WATCHDOG_USEC: 'x' }, {}]) {
    assert.equal(new ServiceManager(calls, { ...environment }, 7, nothing).watchdogMs, undefined)
  }
})

test('ignores a missing service manager', () => {
  new ServiceManager(calls, {}, 7, nothing).ready()
  const manager = new ServiceManager(calls, { NOTIFY_SOCKET: '/nowhere/at/all' }, 7, nothing)
  manager.ready()
  manager.alive()
  manager.stopping()
})
