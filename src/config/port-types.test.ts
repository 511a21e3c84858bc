import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPorts, portList } from './port-types.js'

test('lists ports one by one, in the order of the configuration', () => {
  assert.deepEqual(portList(80), [80])
  assert.deepEqual(
    portList([
      { first: 8002, last: 8004 },
      { first: 443, last: 443 },
      { first: 65_534, last: 65_535 },
    ]),
    [8002, 8003, 8004, 443, 65_534, 65_535],
  )
})

test('formats ports as one word', () => {
  assert.equal(formatPorts(80), '80')
  assert.equal(
    formatPorts([
      { first: 8002, last: 8004 },
      { first: 443, last: 443 },
    ]),
    '8002-8004,443',
  )
})
