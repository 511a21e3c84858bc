import { EXIT_USAGE } from '../base/exit-codes.js'
import { loadConfiguration } from '../config/load.js'
import { snapshotSources } from '../config/sources.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import type { LoadOptions } from '../plan/load.js'
import { systemNames } from '../plan/system-names.js'
import { isLink } from '../services/handed-over.js'
import { Link, trusting } from '../services/link.js'
import { LINK_FD, LINK_VARIABLE } from '../services/link-messages.js'
import { Child } from './child.js'
import { writeText } from './log-setup.js'
import type { ChildLink, Start, ToOurChild } from './our-link.js'
import { startProcess } from './start-up.js'

/** Relays for a master of ours. Returns when it has started; the master, or a signal, ends it. */
export async function runLinkedChild(options: LoadOptions): Promise<void> {
  delete process.env[LINK_VARIABLE]
  if (!isLink(linuxCalls(), LINK_FD)) {
    writeText(
      `${options.program}: ${LINK_VARIABLE} is set, but no master has started this process: take it out of the environment\n`,
    )
    process.exitCode = EXIT_USAGE
    return
  }
  let child: Child | undefined
  const link: ChildLink = new Link(LINK_FD, trusting<ToOurChild>(), {
    onMessage(message) {
      if (message.kind === 'start') child ??= startChild(options, message, link)
      else child?.onMessage(message)
    },
    onEnd: () => child?.onMasterGone(),
  })
}

function startChild(options: LoadOptions, start: Start, link: ChildLink): Child | undefined {
  const sources = { ...snapshotSources(start.snapshot), snapshot: () => start.snapshot }
  const sections = { masterId: undefined, childId: start.sectionId }
  const configuration = loadConfiguration({
    file: options.arguments.configuration,
    sources,
    names: systemNames(),
    environment: new Map(start.environment),
    isInetd: false,
    ...sections,
  })
  const loaded = {
    ...configuration,
    sources,
    sections,
    mechanism: start.mechanism,
    tls: { settings: start.tls, stamps: new Map(), ocsp: [] },
  }
  const started = startProcess(options, loaded, true)
  if (started === undefined) return undefined
  const traceMask = started.traceMask | start.traceMask
  return new Child({ ...started, traceMask, configuration, start, link })
}
