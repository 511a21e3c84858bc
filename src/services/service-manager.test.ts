import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls } from '../../test/support/sockets.js'
import { ServiceManager } from './service-manager.js'

const nothing = () => {}

test('the variables of the service manager do not reach children', () => {
  const environment = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7', OTHER: 'x' }
  assert.equal(new ServiceManager(calls, environment, 7, nothing).watchdogMs, 3_000)
  assert.deepEqual(environment, { OTHER: 'x' })
})

test('a watchdog that means another process, or none, is no watchdog', () => {
  for (const environment of [{ WATCHDOG_USEC: '1000', WATCHDOG_PID: '8' }, { WATCHDOG_USEC: 'x' }, {}]) {
    assert.equal(new ServiceManager(calls, { ...environment }, 7, nothing).watchdogMs, undefined)
  }
})

test('a manager that is not there is no error', () => {
  new ServiceManager(calls, {}, 7, nothing).ready()
  const manager = new ServiceManager(calls, { NOTIFY_SOCKET: '/nowhere/at/all' }, 7, nothing)
  manager.ready()
  manager.alive()
  manager.stopping()
})
