import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAST, NEVER_MS, Reports } from '../../test/support/discovery.js'
import { listAndWatch } from './list-and-watch.js'
import type { FoundMember } from './source.js'

test('an error of the program while changes are reported is a problem, and the watch goes on', async (t) => {
  const reports = new Reports()
  let change = () => {}
  let members: () => readonly FoundMember[] = () => []
  const source = listAndWatch(
    {
      read: async () => {},
      members: () => members(),
      watch: (signal, { onChange, onOpen }) => {
        onOpen()
        change = onChange
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        })
      },
    },
    reports,
    { intervalMs: NEVER_MS },
    FAST,
  )
  t.after(() => source.close())
  await reports.answered(1)
  members = () => {
    throw new TypeError('x is no function')
  }
  change()
  assert.equal(await reports.troubled(), 'internal error: TypeError: x is no function')
  members = () => [{ name: 'a', hosts: ['127.0.0.1'], port: 1, weight: undefined, tier: undefined }]
  change()
  await reports.has('a 127.0.0.1:1')
})
