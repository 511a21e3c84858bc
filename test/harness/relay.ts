import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ADMINISTRATION } from './admin.js'
import { afterwards, temporaryFolder } from './clean-up.js'
import { Client, type Place } from './client.js'
import { childrenOf, descriptorKinds, descriptorsOf, handlesSignal, isAlive, threadCountOf } from './proc.js'
import { type Exit, type Program, type ProgramOptions, startTcprelay } from './program.js'
import { until } from './until.js'

const SIGTERM = 15

/** Threads of libuv's pool, which start with the first file or name lookup. */
const POOL_THREADS = 4

/** Default of `splice` in tests: whole files run once more with TCPRELAY_TEST_SPLICE=yes or no. */
const { TCPRELAY_TEST_SPLICE } = process.env
const TRANSPORT = TCPRELAY_TEST_SPLICE === undefined ? [] : [`splice = ${TCPRELAY_TEST_SPLICE}`]

/** A remote, as written in the configuration. */
export interface Target {
  readonly directive: string
}

/** `relayTo(remote).with('idle timeout = 1').start(t)`: a relay in the making; each step returns another plan. */
export class RelayPlan {
  readonly #parts: {
    readonly targets: readonly Target[]
    readonly listeners: readonly string[]
    readonly relayLines: readonly string[]
    readonly masterLines: readonly string[]
    readonly topLines: readonly string[]
    readonly words: readonly string[]
    readonly options: ProgramOptions
  }

  constructor(parts: RelayPlan['parts']) {
    this.#parts = parts
  }

  get parts() {
    return this.#parts
  }

  /** Lines of section tcprelay. */
  with(...lines: readonly string[]): RelayPlan {
    return new RelayPlan({ ...this.#parts, relayLines: [...this.#parts.relayLines, ...lines] })
  }

  /** Lines of section spawnd. */
  withMaster(...lines: readonly string[]): RelayPlan {
    return new RelayPlan({ ...this.#parts, masterLines: [...this.#parts.masterLines, ...lines] })
  }

  /** Lines before all sections. */
  withTop(...lines: readonly string[]): RelayPlan {
    return new RelayPlan({ ...this.#parts, topLines: [...this.#parts.topLines, ...lines] })
  }

  /** Instead of a free port of 127.0.0.1. */
  listeningOn(...listeners: readonly string[]): RelayPlan {
    return new RelayPlan({ ...this.#parts, listeners })
  }

  /** Words of the command line. */
  startedWith(...words: readonly string[]): RelayPlan {
    return new RelayPlan({ ...this.#parts, words: [...this.#parts.words, ...words] })
  }

  /** How the process is started. */
  running(options: ProgramOptions): RelayPlan {
    return new RelayPlan({ ...this.#parts, options: { ...this.#parts.options, ...options } })
  }

  get text(): string {
    const { listeners, masterLines, relayLines, targets, topLines } = this.#parts
    const master = [...listeners.map((listener) => `listen = { ${listener} }`), 'single process = yes']
    const relay = [
      ...targets.map(({ directive }) => `remote = { ${directive} }`),
      ...TRANSPORT,
      ...relayLines,
    ]
    return [
      ...topLines,
      section('spawnd', [...master, ...masterLines]),
      section('tcprelay', relay.length === 0 ? ['retire = 0'] : relay),
    ].join('\n')
  }

  /** Writes the configuration to a temporary file. */
  file(t: TestContext): string {
    const file = join(temporaryFolder(t), 'relay.cfg')
    writeFileSync(file, this.text)
    return file
  }

  /** Starts the program and waits until it serves. */
  async start(t: TestContext): Promise<Relay> {
    const { listeners, options, words } = this.#parts
    const file = this.file(t)
    const program = startTcprelay(t, ['-D', ...words, file], options)
    const relay = new Relay(t, program, file)
    await relay.serves(listeners.length, adminCount(this.text))
    return relay
  }
}

function section(id: string, lines: readonly string[]): string {
  return `id = ${id} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
}

/** Places of the administration in a configuration. */
export function adminCount(text: string): number {
  return text.match(/\badmin = \{/g)?.length ?? 0
}

/** Shared memory, as /proc names it. */
const isMemory = (kind: string) => kind.startsWith('/memfd:')

/** A relay in front of these remotes, on a free port. */
export function relayTo(...targets: readonly Target[]): RelayPlan {
  return new RelayPlan({
    targets,
    listeners: ['address = 127.0.0.1 port = 0'],
    relayLines: [],
    masterLines: [],
    topLines: [],
    words: [],
    options: {},
  })
}

/** A running relay. After the test it must end in order, with no descriptor, thread or helper left. */
export class Relay {
  readonly program: Program
  /** Its configuration. */
  readonly file: string
  readonly #t: TestContext
  #ports: readonly number[] = []
  #idleKinds = new Map<string, number>()
  #idleThreads = 0
  /** Helper processes that it should have, and all that were seen. */
  #helperCount = 0
  readonly #helpers = new Set<number>()

  constructor(t: TestContext, program: Program, file: string) {
    this.program = program
    this.file = file
    this.#t = t
  }

  get pid(): number {
    return this.program.pid
  }

  /** Port of a listener, in the order of the configuration. */
  port(index = 0): number {
    return this.#ports[index] as number
  }

  async connect(options: Place = {}): Promise<Client> {
    return Client.connect(this.#t, { port: this.port(), ...options })
  }

  /** Waits for a line of its log. */
  logged(pattern: RegExp, nth = 1, deadlineMs?: number): Promise<RegExpExecArray> {
    return this.program.stderr.reached(pattern, nth, deadlineMs)
  }

  signal(signal: NodeJS.Signals): void {
    this.program.signal(signal)
  }

  ended(deadlineMs?: number): Promise<Exit> {
    return this.program.ended(deadlineMs)
  }

  /** Sockets of its sessions now. */
  get socketCount(): number {
    return (descriptorKinds(this.pid).get('socket') ?? 0) - (this.#idleKinds.get('socket') ?? 0)
  }

  /** Waits until all sessions are over. */
  async isIdle(): Promise<void> {
    await until('the sessions of the relay to end', () => this.socketCount <= 0)
  }

  /** Waits until it has that many helper processes, which are part of its idle state from now on. */
  async hasHelpers(count: number): Promise<number[]> {
    const pids = await until(`${count} helpers`, () => {
      const pids = childrenOf(this.pid).map(Number)
      return pids.length === count && pids
    })
    for (const pid of pids) this.#helpers.add(pid)
    this.#helperCount = count
    // Sessions may be open; the connections to a helper are pipes.
    this.#idleKinds.set('pipe', descriptorKinds(this.pid).get('pipe') ?? 0)
    return pids
  }

  /** Waits until the program accepts on `listenerCount` addresses; records its idle state. */
  async serves(listenerCount: number, adminCount = 0): Promise<void> {
    await this.logged(/bind to .* (succeeded|failed)/, listenerCount)
    await until('the relay to serve', () => {
      const hasReactor = descriptorsOf(this.pid).some((target) => target.includes('tcprelay-blocks'))
      return hasReactor && handlesSignal(this.pid, SIGTERM)
    })
    // Its sockets are part of the idle state.
    if (adminCount > 0) await this.logged(ADMINISTRATION, adminCount)
    const names = this.program.stderr.matching(/bind to .* succeeded/)
    this.#ports = names.map((line) => Number(/:(\d+) succeeded/.exec(line)?.[1]))
    this.idles()
    afterwards(this.#t, () => this.#leavesNothing())
  }

  /** Records its descriptors and threads as those without a session. */
  idles(): void {
    this.#idleKinds = descriptorKinds(this.pid)
    this.#idleThreads = threadCountOf(this.pid)
  }

  /**
   * Kinds of descriptors with more than in the idle state. Log files come and go, and a start that was not quite over when
   * the idle state was recorded had more.
   */
  #left(): string[] {
    const kinds = [...descriptorKinds(this.pid)].filter(([kind]) => !kind.startsWith('/') || isMemory(kind))
    return kinds.filter(([kind, count]) => count > (this.#idleKinds.get(kind) ?? 0)).map(([kind]) => kind)
  }

  /** Waits until all descriptors and threads of sessions are gone, and ends it in order. */
  async #leavesNothing(): Promise<void> {
    if (this.program.hasEnded) return
    await this.isIdle()
    await until(`descriptors of the relay to be gone: ${this.#left()}`, () => this.#left().length === 0)
    assert.ok(threadCountOf(this.pid) <= this.#idleThreads + POOL_THREADS, 'threads of the relay are left')
    await this.hasHelpers(this.#helperCount)
    this.signal('SIGTERM')
    const exit = await this.ended()
    assert.deepEqual(exit, { code: 0, signal: null }, this.program.stderr.text)
    await until('its helpers to end', () => [...this.#helpers].every((pid) => !isAlive(pid)))
  }
}
