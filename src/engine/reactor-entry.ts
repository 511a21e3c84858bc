/** Entry of a reactor's thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { errorText } from '../kernel/errno.js'
import { linuxSystem } from '../kernel/linux-system.js'
import { linuxSandbox, type SandboxCalls } from '../kernel/sandbox-calls.js'
import { Mailbox } from '../reactor/mailbox.js'
import { openPoller } from '../reactor/open-poller.js'
import type { ThreadData } from '../reactor/thread-data.js'
import { Reactor } from './build-reactor.js'
import type { Command, ReactorSettings, Report } from './reactor-settings.js'

/** Runs the loop of a reactor until the command `stop`. */
function main(): void {
  if (parentPort === null) throw new Error('a reactor runs in a thread of its own')
  const { settings, wakeFd } = workerData as ThreadData<ReactorSettings>
  const poller = openPoller(settings.plan.process.mechanism)
  // Mailbox and reactor refer to each other; no command is handled before the first turn of the loop.
  const mailbox = new Mailbox<Command, Report>(parentPort, wakeFd, (command) => reactor.handle(command))
  const reactor = new Reactor(settings, linuxSystem(), poller, (report) => mailbox.post(report))
  mailbox.open(reactor.loop)
  // Last: everything that it uses has been loaded. The filter of system calls comes from the control thread.
  if (settings.restrictsFiles === true) giveUpFiles(linuxSandbox())
  // Before the loop, which returns only after `stop`.
  mailbox.post({ kind: 'serving' })
  reactor.loop.run()
  mailbox.close()
}

/** An exception ends the process. The control thread has checked that the kernel supports it. */
function giveUpFiles(sandbox: SandboxCalls): void {
  sandbox.setNoNewPrivileges()
  const outcome = sandbox.restrictFiles(undefined)
  if (outcome < 0) throw new Error(`cannot enter the sandbox: Landlock: ${errorText(-outcome)}`)
}

main()
