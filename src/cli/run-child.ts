import { loadConfiguration } from '../config/load.js'
import { snapshotSources } from '../config/sources.js'
import { SO_TYPE, SOCK_DGRAM, SOL_SOCKET } from '../kernel/constants.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import { MessageBatch, NO_DESCRIPTOR } from '../kernel/message-batch.js'
import { messageCalls } from '../kernel/message-calls.js'
import { Link } from '../master/link.js'
import { LINK_FD, LINK_VARIABLE } from '../master/link-messages.js'
import { ServiceManager } from '../master/service-manager.js'
import { BAD_CFG, encodeSmall, SMALL_BYTES } from '../wire/child-message.js'
import { Child, WIRE_FD } from './child.js'
import type { Loaded, LoadOptions } from './load.js'
import type { ChildLink, Start } from './our-link.js'
import { Single } from './single.js'
import { startProcess } from './start-up.js'
import { systemNames } from './system-names.js'

/** A child recognises itself, as the original does, by a datagram socket on descriptor 0. */
export function isChild(): boolean {
  return linuxCalls().getOption(WIRE_FD, SOL_SOCKET, SO_TYPE) === SOCK_DGRAM
}

/** Our master has left a link on descriptor 3. */
export function hasLink(): boolean {
  return process.env[LINK_VARIABLE] === '1'
}

/** Tells the master that starting this child again would help nobody. */
export function reportBadConfiguration(): void {
  const batch = new MessageBatch(1, SMALL_BYTES)
  encodeSmall(batch.bytes, batch.offsetOf(0), BAD_CFG, 0)
  batch.setSend(0, SMALL_BYTES, NO_DESCRIPTOR)
  messageCalls().send(WIRE_FD, batch, 1)
}

/** Relays for a master of ours. Returns when it has started; the master, or a signal, ends it. */
export async function runLinkedChild(options: LoadOptions): Promise<void> {
  delete process.env[LINK_VARIABLE]
  let child: Child | undefined
  const link: ChildLink = new Link(LINK_FD, {
    onMessage(message) {
      if (message.kind === 'start') child ??= startChild(options, message, link)
      else child?.onMessage(message)
    },
    onEnd: () => child?.onMasterGone(),
  })
}

/** Relays for a classic master, which leaves nothing but the wire. */
export function runForeignChild(options: LoadOptions, loaded: Loaded): void {
  const started = startProcess(options, loaded)
  if (started === undefined) return
  const inlet = { master: 'foreign', fd: WIRE_FD } as const
  const nothing = () => {}
  const manager = new ServiceManager(started.system.calls, {}, process.pid)
  const head = {
    bound: [],
    gracePeriodMs: Number.POSITIVE_INFINITY,
    manager,
    releasePidfile: nothing,
    releaseSignals: nothing,
  }
  new Single({ ...started, ...head, options, loaded, events: {}, inlet }).start()
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
  const started = startProcess(options, {
    ...configuration,
    sources,
    sections,
    tls: { settings: start.tls, stamps: new Map() },
  })
  if (started === undefined) return undefined
  const traceMask = started.traceMask | start.traceMask
  return new Child({ ...started, traceMask, configuration, start, link })
}
