import { test } from 'node:test'
import { freeze } from './held.js'
import { spawning, startMaster } from './master.js'
import { relayTo } from './relay.js'

/** A test that waits for ever, with a master and two children, one of which is stopped. Prints their process ids. */
test('waits for ever', async (t) => {
  const plan = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).withMaster(spawning([2, 2]))
  const master = await startMaster(t, plan, { children: 2 })
  const children = master.children()
  await freeze(children[0] as number)
  console.log(`pids ${[master.pid, ...children].join(' ')}`)
  await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1))
})
