/** The process of a child of ours: everything that it needs comes over the link to its master. */
import { EXIT_USAGE } from '../base/exit-codes.js'
import { closeInherited } from '../kernel/close-inherited.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import { linuxSandbox } from '../kernel/sandbox-calls.js'
import { TraceChannel } from '../observe/trace.js'
import type { LoadOptions } from '../plan/load/load.js'
import { isLink } from '../services/handed-over.js'
import { asJson, Link, trusting } from '../services/link.js'
import { CELLS_FDS, LINK_FD, LINK_VARIABLE, WAKEUP_FD } from '../services/link-messages.js'
import { Child } from './children/child.js'
import type { ChildLink, Start, ToOurChild } from './children/our-link.js'
import { openRelayingThread } from './open-threads.js'
import { writeText } from './process/log-setup.js'
import { startProcess } from './process/start-up.js'

/** Relays for a master of ours. Returns when it has started; the master, or a signal, ends it. */
export async function runLinkedChild(options: LoadOptions): Promise<void> {
  // MAVIS helpers inherit the environment.
  delete process.env[LINK_VARIABLE]
  if (!isLink(linuxCalls(), LINK_FD)) {
    writeText(
      `${options.program}: ${LINK_VARIABLE} is set, but no master has started this process: take it out of the environment\n`,
    )
    process.exitCode = EXIT_USAGE
    return
  }
  let child: Child | undefined
  const link: ChildLink = new Link(LINK_FD, trusting<ToOurChild>(), asJson, {
    onMessage(message) {
      // `start` is the first message; a second one is ignored.
      if (message.kind === 'start') child ??= startChild(options, message, link)
      else child?.onMessage(message)
    },
    onEnd: () => child?.onMasterGone(),
  })
}

function startChild(options: LoadOptions, start: Start, link: ChildLink): Child | undefined {
  const started = startProcess(options, start.plan.process)
  if (started === undefined) return undefined
  const { listeners, remotes } = start.plan
  // Of the command line of the master, and of the plan.
  const traceMask = started.traceMask | start.traceMask
  const trace = new TraceChannel('CONFIG', traceMask, started.log.say)
  if (trace.isOn) trace.say(`plan of ${listeners.length} listeners and ${remotes.length} remotes received`)
  closeInherited(lastDescriptor(start))
  const [thread, sandbox] = [openRelayingThread(), linuxSandbox()]
  return new Child({ ...started, traceMask, start, link, thread, sandbox })
}

/** The last descriptor that the master has passed on. */
function lastDescriptor({ listeners, sticky }: Start): number {
  const fds = [...(listeners ?? []), ...sticky].flatMap((part) => part?.fd ?? [])
  return Math.max(listeners === undefined ? CELLS_FDS.own : WAKEUP_FD, ...fds)
}
