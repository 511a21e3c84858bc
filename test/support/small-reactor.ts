/** A minimal reactor thread, for tests of the control thread's side. */
import { parentPort, workerData } from 'node:worker_threads'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { openEpoll } from '../../src/reactor/epoll.js'
import { Loop } from '../../src/reactor/loop.js'
import { Mailbox } from '../../src/reactor/mailbox.js'
import type { Poller } from '../../src/reactor/poller.js'
import type { ThreadData } from '../../src/reactor/thread-data.js'

/** The behaviour of the reactor. */
export interface SmallSettings {
  /** Whether it throws before its loop runs. */
  readonly throwsAtOnce: boolean
}

export type SmallCommand =
  | { readonly kind: 'echo'; readonly value: unknown }
  | { readonly kind: 'throw'; readonly value: unknown }
  /** Reports the number of turns so far. */
  | { readonly kind: 'waits' }
  | { readonly kind: 'stop' }

/** Reports every command that it receives. */
function main(): void {
  const { settings, wakeFd } = workerData as ThreadData<SmallSettings>
  if (settings.throwsAtOnce) throw new Error('at once')
  if (parentPort === null) throw new Error('runs in a worker only')
  let waits = 0
  const poller = openEpoll()
  const counting: Poller = {
    ...poller,
    wait(ready, timeoutMs) {
      waits++
      return poller.wait(ready, timeoutMs)
    },
  }
  const loop = new Loop(counting, linuxSystem().clock)
  const mailbox = new Mailbox<SmallCommand, unknown>(parentPort, wakeFd, (command) => {
    if (command.kind === 'echo') mailbox.post(command.value)
    else if (command.kind === 'throw') throw command.value
    else if (command.kind === 'waits') mailbox.post(waits)
    else loop.stop()
  })
  mailbox.open(loop)
  mailbox.post('open')
  loop.run()
  mailbox.close()
  poller.close()
}

main()
