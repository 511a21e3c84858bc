import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ADMINISTRATION } from './admin.js'
import { afterwards, temporaryFolder } from './clean-up.js'
import { Client } from './client.js'
import { childrenOf, descriptorKinds, descriptorsOf, handlesSignal, isAlive } from './proc.js'
import { type Exit, Program, type ProgramOptions, TCPRELAY } from './program.js'
import { adminCount, type RelayPlan } from './relay.js'
import { until } from './until.js'

const SIGTERM = 15

/** Descriptors of the master for each child: the wire and the link; with `accept = direct` only the link. */
const SOCKETS_PER_CHILD = { broker: 2, direct: 1 } as const

/** A session in a child: its client and its remote. */
const SOCKETS_PER_SESSION = 2

export interface MasterOptions extends ProgramOptions {
  /** Children that have to relay before the test continues; zero if they are another program. */
  readonly children?: number
  /** Options for Node itself, which children get too. */
  readonly nodeWords?: readonly string[]
}

/** A running master with its children. After the test all of them must end in order, with nothing left. */
export class Master {
  readonly program: Program
  readonly file: string
  readonly #seen = new Set<number>()
  readonly #t: TestContext
  #ports: readonly number[] = []
  #idleMaster = new Map<string, number>()
  #idleChild = new Map<string, number>()

  readonly #accept: keyof typeof SOCKETS_PER_CHILD

  constructor(t: TestContext, program: Program, file: string, accept: keyof typeof SOCKETS_PER_CHILD) {
    this.#t = t
    this.#accept = accept
    this.program = program
    this.file = file
  }

  get pid(): number {
    return this.program.pid
  }

  port(index = 0): number {
    return this.#ports[index] as number
  }

  connect(port = this.port()): Promise<Client> {
    return Client.connect(this.#t, { port })
  }

  /** Processes of the children that relay, also of those that accept no more clients. */
  children(): number[] {
    const pids = childrenOf(this.pid).map(Number).filter(relays)
    for (const pid of pids) this.#seen.add(pid)
    return pids
  }

  /** Waits until that many children relay; returns them in the order of their start. */
  async hasChildren(count: number, deadlineMs?: number): Promise<number[]> {
    return until(
      `${count} children, not ${this.children().length}`,
      () => {
        const pids = this.children()
        return pids.length === count && childrenOf(this.pid).length === count && pids
      },
      deadlineMs,
    )
  }

  /** Sessions of a child now, by its sockets. */
  sessionsOf(pid: number): number {
    const sockets = kindsOfChild(pid).get('socket') ?? 0
    return (sockets - (this.#idleChild.get('socket') ?? 0)) / SOCKETS_PER_SESSION
  }

  /** Sessions of every child, in the order of their start. */
  sessions(): number[] {
    return this.children().map((pid) => this.sessionsOf(pid))
  }

  /** Waits until the children have these numbers of sessions, such as [2, 1]. */
  async holds(...sessions: readonly number[]): Promise<void> {
    let last: number[] = []
    try {
      await until('sessions', () => {
        last = this.sessions()
        return last.join() === sessions.join()
      })
    } catch {
      assert.deepEqual(last, sessions, 'sessions of the children')
    }
  }

  logged(pattern: RegExp, nth = 1, deadlineMs?: number): Promise<RegExpExecArray> {
    return this.program.stderr.reached(pattern, nth, deadlineMs)
  }

  signal(signal: NodeJS.Signals): void {
    this.program.signal(signal)
  }

  ended(deadlineMs?: number): Promise<Exit> {
    return this.program.ended(deadlineMs)
  }

  /** Waits until every process that the master has started is gone. */
  async leavesNoChild(deadlineMs?: number): Promise<void> {
    const alive = () => [...this.#seen].filter(isAlive)
    await until(`children to end: ${alive()}`, () => alive().length === 0, deadlineMs)
  }

  async serves(listeners: number, children: number, adminCount = 0): Promise<void> {
    await this.logged(/bind to .* (succeeded|failed)/, listeners)
    await until('the master to hear signals', () => handlesSignal(this.pid, SIGTERM))
    // Its sockets are part of the idle state.
    if (adminCount > 0) await this.logged(ADMINISTRATION, adminCount)
    const names = this.program.stderr.matching(/bind to .* succeeded/)
    this.#ports = names.map((line) => Number(/:(\d+) succeeded/.exec(line)?.[1]))
    await this.idlesAt(children)
    afterwards(this.#t, () => this.#leavesNothing())
  }

  /** Waits for that many children, and records their descriptors and the master's as idle. */
  async idlesAt(children: number): Promise<void> {
    const [first] = await this.hasChildren(children)
    this.#idleMaster = descriptorKinds(this.pid)
    this.#idleMaster.set('socket', this.#ownSockets())
    if (first !== undefined) this.#idleChild = descriptorKinds(first)
  }

  /** Waits until master and children have no descriptors of sessions. */
  async #isIdle(): Promise<void> {
    const left = () => this.children().flatMap((pid) => differences(kindsOfChild(pid), this.#idleChild))
    await until(`descriptors of the children as before: ${left()}`, () => left().length === 0)
    await until(`descriptors of the master as before: ${this.#leftByMaster()}`, () => {
      return this.#leftByMaster().length === 0
    })
  }

  /** Sockets of the master that do not belong to a child. */
  #ownSockets(): number {
    const children = childrenOf(this.pid).length
    return (descriptorKinds(this.pid).get('socket') ?? 0) - children * SOCKETS_PER_CHILD[this.#accept]
  }

  async #leavesNothing(): Promise<void> {
    if (!this.program.hasEnded) {
      if (this.#idleChild.size > 0) await this.#isIdle()
      this.signal('SIGTERM')
      const exit = await this.ended()
      assert.deepEqual(exit, { code: 0, signal: null }, this.program.stderr.text)
    }
    await this.leavesNoChild()
  }

  #leftByMaster(): string[] {
    const now = descriptorKinds(this.pid)
    now.set('socket', this.#ownSockets())
    return differences(now, this.#idleMaster)
  }
}

/** Kinds of descriptors that are more than before. A start that is not quite over when it is recorded has more. */
function differences(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): string[] {
  return [...now.keys()]
    .filter((kind) => !kind.startsWith('/') || kind.startsWith('/memfd'))
    .filter((kind) => (now.get(kind) ?? 0) > (before.get(kind) ?? 0))
    .map((kind) => `${kind}: ${before.get(kind) ?? 0} before, ${now.get(kind)} now`)
}

/** Nothing for a child that has ended since it was listed: the next look will not find it. */
function kindsOfChild(pid: number): ReadonlyMap<string, number> {
  try {
    return descriptorKinds(pid)
  } catch {
    return new Map()
  }
}

/** Checks for a child with its reactor and signal handlers. */
function relays(pid: number): boolean {
  try {
    return descriptorsOf(pid).some((name) => name.includes('tcprelay-blocks')) && handlesSignal(pid, SIGTERM)
  } catch {
    return false // it has just ended
  }
}

/** Starts a master whose children relay as the plan says, and waits until all of them do. */
export async function startMaster(
  t: TestContext,
  plan: RelayPlan,
  { children = 1, nodeWords = [], ...options }: MasterOptions = {},
): Promise<Master> {
  const file = join(temporaryFolder(t), 'master.cfg')
  const text = masterText(plan)
  writeFileSync(file, text)
  const words = ['-D', ...plan.parts.words, file]
  const command = [process.execPath, ...nodeWords, TCPRELAY, ...words]
  const program = new Program(t, command, { ...plan.parts.options, ...options })
  const master = new Master(t, program, file, text.includes(DIRECT) ? 'direct' : 'broker')
  await master.serves(plan.parts.listeners.length, children, adminCount(text))
  return master
}

/** For `spawning`: children accept by themselves. */
export const DIRECT = 'accept = direct'

/** The plan's configuration with children. */
export function masterText(plan: RelayPlan): string {
  return plan.text.replace('single process = yes', 'single process = no')
}

/** `spawning([1, 3], [2, 4])`: the block of instances and users. */
export function spawning(
  instances: readonly [min: number, max: number],
  users: readonly [min: number, max: number] = [100, 1_000],
  ...more: readonly string[]
): string {
  const lines = [
    `instances min = ${instances[0]}`,
    `instances max = ${instances[1]}`,
    `users min = ${users[0]}`,
    `users max = ${users[1]}`,
    ...more,
  ]
  return `spawn = { ${lines.join(' ')} }`
}
