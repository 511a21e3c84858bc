import { closeSync } from 'node:fs'
import { CHILDREN_MAX } from '../accept/dispatcher.js'
import type { SocketAddress } from '../base/address.js'
import { type Cells, createCells, giveBack } from '../cells/cells.js'
import { messageCalls } from '../kernel/message-calls.js'
import { type ChildProgram, Children, type Extras } from '../master/children.js'
import { Link } from '../master/link.js'
import { LINK_VARIABLE, type ToChild, type ToMaster } from '../master/link-messages.js'
import { LogDrain } from '../master/log-drain.js'
import { ReactorThread } from '../master/reactor-thread.js'
import { Resolver } from '../master/resolver.js'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from './acceptor-settings.js'
import { type AccessLog, openAccessLog } from './access-log.js'
import { Alarms } from './alarms.js'
import { tellServing } from './background.js'
import { closeInspector } from './close-inspector.js'
import { EXIT_CONFIG, EXIT_OK, EXIT_SOFTWARE } from './exit-codes.js'
import { ListenerKeeper } from './listener-keeper.js'
import type { Loaded } from './load.js'
import {
  acceptMessage,
  isOwnProgram,
  masterShape,
  namedRemotes,
  placementLimits,
  stickyOptions,
} from './settings.js'
import type { StartedHead } from './start-up.js'

/** The master's own row of the cells, behind those of the children. */
const MASTER_ROW = CHILDREN_MAX

/** Children that did not end by themselves after they were told to cut their sessions. */
const KILL_AFTER_MS = 2_000

type Snapshot = ReturnType<Loaded['sources']['snapshot']>
type ChildLink = Link<ToMaster, ToChild<Snapshot>>

export interface MasterParts extends StartedHead {
  readonly loaded: Loaded
  /** How our own children are started: this program, with the configuration and the section that they read. */
  readonly ownProgram: Pick<ChildProgram, 'command' | 'words'>
}

/** The control thread of a master: its reactor, which accepts, its children, which relay, and what exists once. */
export class Master {
  readonly #parts: MasterParts
  readonly #cells: Cells
  readonly #cellsFd: number
  readonly #access: AccessLog
  readonly #thread: ReactorThread<AcceptorSettings, AcceptorCommand, AcceptorReport>
  readonly #children: Children
  readonly #links = new Map<number, ChildLink>()
  readonly #drains = new Map<number, LogDrain>()
  readonly #resolver: Resolver
  readonly #addresses = new Map<number, readonly SocketAddress[]>()
  readonly #listeners: ListenerKeeper
  readonly #alarms = new Alarms()
  readonly #trace: TraceChannel
  #isEnding = false

  constructor(parts: MasterParts) {
    this.#parts = parts
    const { loaded, log, system, traceMask, way } = parts
    this.#trace = new TraceChannel('PROC', traceMask, log.say)
    const { cells, fd } = createCells(masterShape(loaded))
    this.#cells = cells
    this.#cellsFd = fd
    this.#access = openAccessLog(loaded.tcprelay, log)
    this.#listeners = new ListenerKeeper({
      listeners: loaded.spawnd.listeners,
      bound: parts.bound,
      calls: system.calls,
      say: log.say,
      onListen: (slot, listener) => this.#post({ kind: 'listen', slot, fd: listener.fd }),
    })
    this.#children = new Children(this.#program(), this.#childrenEvents(), closeSync, log.say)
    this.#thread = new ReactorThread(new URL('./acceptor-entry.js', import.meta.url), this.#settings(), {
      onReport: (report) => this.#onReport(report),
      onFailure: (error) => this.#fail(`reactor: ${error.stack ?? error.message}`),
    })
    this.#resolver = new Resolver(
      (remoteSlot, addresses) => this.#onAddresses(remoteSlot, addresses),
      log.say,
      new TraceChannel('DNS', traceMask, log.say),
    )
    this.#openDrain(MASTER_ROW)
    way.add({ leave: (done) => this.#leave(done) })
  }

  start(): void {
    this.#listeners.start()
    for (const remote of namedRemotes(this.#parts.loaded.tcprelay)) void this.#resolver.add(remote)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => this.#end(signal))
    process.on('SIGUSR1', () => this.#access.reopen())
    process.on('SIGHUP', () => this.#parts.log.say(WARNING, 'SIGHUP: this version cannot reload yet'))
  }

  #settings(): AcceptorSettings {
    const { loaded, traceMask } = this.#parts
    const { names } = this.#listeners
    const { spawnd } = loaded
    return {
      cells: { fd: this.#cellsFd, shape: masterShape(loaded) },
      row: MASTER_ROW,
      listeners: spawnd.listeners.map((settings, slot) => ({
        name: names[slot] ?? '',
        message: acceptMessage(settings, slot),
        queue: settings,
        sticky: stickyOptions(settings),
      })),
      limits: placementLimits(spawnd),
      overload: spawnd.overload,
      wireBufferBytes: spawnd.tcpBufsizeBytes,
      sticky: stickyOptions(spawnd.spawn),
      accessRules: spawnd.accessRules,
      traceMask,
    }
  }

  #program(): ChildProgram {
    const { loaded, ownProgram } = this.#parts
    const { spawn } = loaded.spawnd
    const isOwn = isOwnProgram(spawn)
    return {
      command: isOwn ? ownProgram.command : (spawn.exec ?? ''),
      words: isOwn ? ownProgram.words : ownProgram.words.slice(1),
      environment: isOwn ? { ...process.env, [LINK_VARIABLE]: '1' } : process.env,
      uid: spawn.user?.uid,
      gid: spawn.group ?? spawn.user?.gid,
      workingDirectory: spawn.workingDirectory,
    }
  }

  #childrenEvents() {
    return {
      openExtras: (slot: number) => this.#openLink(slot),
      onStarted: (slot: number) => this.#openDrain(slot),
      onGone: (slot: number) => this.#onGone(slot),
    }
  }

  /** The far ends of the descriptors that a child of ours gets from 3 on. */
  #openLink(slot: number): Extras {
    const { loaded, log, traceMask } = this.#parts
    if (!isOwnProgram(loaded.spawnd.spawn)) return NO_EXTRAS
    const pair = messageCalls().socketPair('stream')
    if (typeof pair === 'number') {
      log.say(ERR, `cannot open a link to a child: error ${-pair}`)
      return NO_EXTRAS
    }
    const [ours, theirs] = pair
    const link: ChildLink = new Link(ours, {
      onMessage: (message) => this.#onChildMessage(slot, message),
      onEnd: () => {
        if (this.#links.get(slot) === link) this.#links.delete(slot)
      },
    })
    this.#links.set(slot, link)
    link.send({
      kind: 'start',
      slot,
      shape: masterShape(loaded),
      snapshot: loaded.sources.snapshot(),
      environment: [...loaded.environment],
      sectionId: loaded.sections.childId ?? '',
      listenerNames: this.#listeners.names,
      unixListeners: loaded.spawnd.listeners.map(
        ({ bind }) => bind.kind === 'address' && bind.address.family === 'unix',
      ),
      traceMask,
      addresses: [...this.#addresses],
    })
    return { fds: [theirs, this.#cellsFd], release: () => closeSync(theirs) }
  }

  #openDrain(row: number): void {
    const { log } = this.#parts
    const drain = new LogDrain(this.#cells.child(row), log.say, (line) => this.#access.write(line))
    this.#drains.set(row, drain)
  }

  #onReport(report: AcceptorReport): void {
    if (this.#trace.isOn) this.#trace.say(`from the reactor: ${JSON.stringify(report)}`)
    switch (report.kind) {
      case 'log':
        this.#drains.get(MASTER_ROW)?.drain()
        return
      case 'serving':
        closeInspector()
        tellServing()
        return
      case 'wanted':
        this.#children.start(report.slot, report.fd)
        return
      case 'bad-configuration':
        this.#parts.log.say(ERR, 'Child reported fatal configuration problem. Exiting.')
        this.#parts.way.leave(EXIT_CONFIG)
        return
    }
  }

  #onChildMessage(slot: number, message: ToMaster): void {
    if (message.kind === 'log') this.#drains.get(slot)?.drain()
    else if (this.#trace.isOn) this.#trace.say(`from child ${slot}: ${message.kind}`)
  }

  #onAddresses(remoteSlot: number, addresses: readonly SocketAddress[]): void {
    this.#addresses.set(remoteSlot, addresses)
    for (const link of this.#links.values()) link.send({ kind: 'addresses', remoteSlot, addresses })
  }

  /** What the child still had to say is carried on, and what it held is given back. */
  #onGone(slot: number): void {
    this.#links.get(slot)?.close()
    this.#links.delete(slot)
    this.#drains.get(slot)?.close()
    this.#drains.delete(slot)
    giveBack(this.#cells, slot)
    this.#post({ kind: 'gone', slot })
    if (this.#isEnding && this.#children.count === 0) this.#parts.way.leave(EXIT_OK)
  }

  #post(command: AcceptorCommand): void {
    if (this.#trace.isOn) this.#trace.say(`to the reactor: ${JSON.stringify(command)}`)
    this.#thread.post(command)
  }

  #fail(text: string): void {
    this.#parts.log.say(ERR, text)
    this.#parts.way.leave(EXIT_SOFTWARE)
  }

  /** The first signal lets sessions finish, the second one ends them. */
  #end(signal: NodeJS.Signals): void {
    const { gracePeriodMs, log, way } = this.#parts
    if (this.#isEnding) {
      this.#cut()
      return
    }
    this.#isEnding = true
    log.say(INFO, `${signal}: exiting`)
    this.#children.stopStarting()
    this.#post({ kind: 'drain' })
    this.#listeners.close()
    this.#parts.releasePidfile()
    if (this.#children.count === 0) way.leave(EXIT_OK)
    this.#alarms.after(gracePeriodMs, () => {
      log.say(WARNING, 'the grace period is over: resetting the sessions that are left')
      this.#cut()
    })
  }

  /** Children of ours reset what they have; foreign ones know no such word and are ended. */
  #cut(): void {
    for (const link of this.#links.values()) link.send({ kind: 'cut' })
    if (this.#links.size < this.#children.count) this.#children.kill('SIGTERM')
    this.#alarms.after(KILL_AFTER_MS, () => this.#children.kill('SIGKILL'))
  }

  #leave(done: () => void): void {
    this.#isEnding = true
    this.#alarms.clear()
    this.#listeners.close()
    this.#resolver.close()
    this.#children.stopStarting()
    for (const link of this.#links.values()) link.close()
    this.#thread.end({ kind: 'stop' }, () => {
      for (const drain of this.#drains.values()) drain.close()
      this.#access.close(done)
    })
  }
}

const NO_EXTRAS: Extras = { fds: [], release: () => {} }
