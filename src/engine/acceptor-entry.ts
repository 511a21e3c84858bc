/** Entry of the thread in which a master accepts. */
import { parentPort, workerData } from 'node:worker_threads'
import { linuxSystem } from '../kernel/linux-system.js'
import { Mailbox } from '../reactor/mailbox.js'
import { openPoller } from '../reactor/open-poller.js'
import type { ThreadData } from '../reactor/thread-data.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from './acceptor-settings.js'
import { Acceptor } from './build-acceptor.js'

/** Runs the loop of a master's reactor until the command `stop`. */
function main(): void {
  if (parentPort === null) throw new Error('a reactor runs in a thread of its own')
  const { settings, wakeFd } = workerData as ThreadData<AcceptorSettings>
  const poller = openPoller(settings.plan.process.mechanism)
  // Mailbox and acceptor refer to each other; no command is handled before the first turn of the loop.
  const mailbox = new Mailbox<AcceptorCommand, AcceptorReport>(parentPort, wakeFd, (command) =>
    acceptor.handle(command),
  )
  const acceptor = new Acceptor(settings, linuxSystem(), poller, (report) => mailbox.post(report))
  mailbox.open(acceptor.loop)
  acceptor.start()
  // Before the loop, which returns only after `stop`.
  mailbox.post({ kind: 'serving' })
  acceptor.loop.run()
  mailbox.close()
}

main()
