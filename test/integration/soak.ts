import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { clientPortsHeldBy, freeze, stateOf } from '../harness/held.js'
import { Residents, Visitors } from '../harness/load.js'
import { type Master, masterText, spawning, startMaster } from '../harness/master.js'
import { childrenOf, threadCountOf } from '../harness/proc.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { echoes, type Remote, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

export interface SoakPlan {
  readonly visitsPerSecond: number
  readonly residents: number
  readonly reloads: number
  readonly kills: number
  /** Visits between two steps. */
  readonly visitsBetween: number
  /** More lines of the block `spawn`: how clients get to the children. */
  readonly spawn?: readonly string[]
}

/** Long connections end after that many reloads: a ninth old generation would be reset. */
const GENERATIONS_KEPT = 6

const RESIDENTS_ASK_EVERY_MS = 200

/** A child may start slowly on a busy machine. */
const SLOW_MS = 30_000

/** Threads of libuv's pool, which start with the first file or name lookup. */
const POOL_THREADS = 4

const CHILDREN = 2

/** Minimum space of one message to a child in the socket's buffer. */
const MESSAGE_IN_KERNEL_BYTES = 512

const HANDED_TO_THE_DYING = 20

/** What a kill interrupted. */
interface Kill {
  readonly killedMs: number
  readonly noticedMs: number
  /** Sessions of the child, by the ports of their clients. */
  readonly held: ReadonlySet<number>
}

/**
 * The service under load: new connections at a steady rate and long ones, while configurations change, one of them
 * with an error, and children are killed. Only sessions of killed children are lost.
 */
export function soakTest(name: string, plan: SoakPlan): void {
  test(name, { timeout: 600_000 }, async (t) => {
    const soak = await Soak.start(t, plan)
    for (let step = 1; step <= plan.reloads; step++) {
      await soak.reload(step)
      const killsUntilNow = Math.floor((step * plan.kills) / plan.reloads)
      if (soak.kills.length < killsUntilNow) await soak.kill(step)
      if (step === Math.ceil(plan.reloads / 2)) await soak.reloadWrongly()
    }
    await soak.settle()
    t.diagnostic(soak.summary)
    soak.checkLosses()
    await soak.checkAccessLog()
  })
}

class Soak {
  readonly kills: Kill[] = []
  readonly #t: TestContext
  readonly #plan: SoakPlan
  readonly #master: Master
  readonly #accessLog: string
  readonly #remotes: readonly Remote[]
  readonly #visitors: Visitors
  readonly #residents: Residents
  readonly #idleThreads: number
  #reloads = 0
  #extraPort = 0
  #extraCount = 0

  private constructor(
    t: TestContext,
    plan: SoakPlan,
    master: Master,
    remotes: readonly Remote[],
    accessLog: string,
  ) {
    this.#t = t
    this.#plan = plan
    this.#master = master
    this.#remotes = remotes
    this.#accessLog = accessLog
    this.#idleThreads = threadCountOf(master.pid)
    this.#residents = new Residents(t, master.port(), plan.residents, RESIDENTS_ASK_EVERY_MS)
    this.#visitors = new Visitors(t, master.port(), plan.visitsPerSecond)
  }

  static async start(t: TestContext, plan: SoakPlan): Promise<Soak> {
    const remotes = [await echo(t), await echo(t), await echo(t)]
    const accessLog = join(temporaryFolder(t), 'access.log')
    const first = configuration(0, remotes, accessLog, plan)
    const master = await startMaster(t, first, { children: CHILDREN })
    const soak = new Soak(t, plan, master, remotes, accessLog)
    await soak.#residents.areSettled()
    await soak.#visitors.serveMore(plan.visitsBetween)
    return soak
  }

  get summary(): string {
    const { lost } = this.#residents
    const { failed, served, visits } = this.#visitors
    const held = this.kills.map(({ held: ports }) => ports.size)
    return (
      `${visits.length} new connections, ${served} served, ${failed.length} lost; ` +
      `${this.#residents.exchanges} exchanges of ${this.#plan.residents} long connections, ${lost.length} lost; ` +
      `${this.#reloads} reloads; ${this.kills.length} children killed, with ${held} sessions`
    )
  }

  /** Another configuration: when it is in force, its remotes get clients. */
  async reload(step: number): Promise<void> {
    this.#residents.generation = step
    this.#residents.leaveBefore(step - GENERATIONS_KEPT)
    const next = configuration(step, this.#remotes, this.#accessLog, this.#plan)
    await this.#reloadTo(masterText(next))
    await this.#usesRemotesOf(step)
    await this.#useExtraListener(hasExtraListener(step))
    await this.#visitors.serveMore(this.#plan.visitsBetween)
  }

  async reloadWrongly(): Promise<void> {
    const text = readFileSync(this.#master.file, 'utf8')
    writeFileSync(this.#master.file, text.replace('remote =', 'remoat ='))
    this.#master.signal('SIGHUP')
    await this.#master.logged(/is wrong: the old one goes on/, 1, SLOW_MS)
    await this.#visitors.serveMore(this.#plan.visitsBetween)
    await this.#usesRemotesOf(this.#reloads)
  }

  /** Kills a child, alternately an old and a young one; waits for the end of its sessions and for a successor. */
  async kill(step: number): Promise<void> {
    const victim = await this.#freezeOne(step % 4 < 2 ? 'oldest' : 'youngest')
    // Some die with clients that they have just been handed.
    if (this.kills.length % 2 === 1) await this.#visitors.comeMore(HANDED_TO_THE_DYING)
    const held = clientPortsHeldBy(victim, this.#master.port())
    const doomed = this.#residents.settled.filter(({ clientPort }) => held.has(clientPort))
    const killedMs = performance.now()
    process.kill(victim, 'SIGKILL')
    await this.#master.logged(new RegExp(`child \\(pid ${victim}\\) .*signal SIGKILL`), 1, SLOW_MS)
    this.kills.push({ killedMs, noticedMs: performance.now(), held })
    await until('the sessions of the killed child to end', () =>
      doomed.every(({ failure }) => failure !== undefined),
    )
    await this.#residents.areSettled()
    await this.#visitors.serveMore(this.#plan.visitsBetween)
  }

  /** Stops the oldest or the youngest child that has sessions. */
  #freezeOne(which: 'oldest' | 'youngest'): Promise<number> {
    return until('a child with sessions', async () => {
      const held = (pid: number) => clientPortsHeldBy(pid, this.#master.port()).size
      const busy = this.#master.children().filter((pid) => held(pid) > 0)
      const pid = busy.at(which === 'oldest' ? 0 : -1)
      return pid !== undefined && (await freeze(pid)) && pid
    })
  }

  /** Back to the first configuration without load: everything has to be as in the beginning. */
  async settle(): Promise<void> {
    await this.#reloadTo(masterText(configuration(0, this.#remotes, this.#accessLog, this.#plan)))
    await this.#residents.stop()
    await this.#visitors.stop()
    const young = await this.#master.hasChildren(CHILDREN, SLOW_MS)
    await this.#master.holds(...young.map(() => 0))
    assert.deepEqual(childrenOf(this.#master.pid).map(Number).map(stateOf).includes('Z'), false, 'zombies')
    assert.ok(threadCountOf(this.#master.pid) <= this.#idleThreads + POOL_THREADS, 'threads are left')
    for (const remote of this.#remotes) await remote.holds(0)
    const { text } = this.#master.program.stderr
    assert.doesNotMatch(text, /ending \d+ children|were dropped|client was lost|terminated abnormally \(exit/)
    assert.equal(this.#master.program.stderr.matching(/SIGHUP: reloading/).length, this.#reloads + 1)
  }

  /** Lost clients must have been given to a killed child, and none may have been refused. */
  checkLosses(): void {
    const { failed } = this.#visitors
    const isDuringKill = (startedMs: number, overMs = 0) =>
      this.kills.some(({ killedMs, noticedMs }) => startedMs < noticedMs && overMs > killedMs)
    assert.deepEqual(
      failed.filter(({ failure }) => /not connected|wrong reply/.test(failure ?? '')),
      [],
      'refused, or answered wrongly',
    )
    assert.deepEqual(
      failed.filter(({ overMs, startedMs }) => !isDuringKill(startedMs, overMs)),
      [],
      'lost while no child was killed',
    )
    const { lost } = this.#residents
    const held = new Set(this.kills.flatMap(({ held: ports }) => [...ports]))
    const untouched = lost.filter(({ bornMs, clientPort, exchanges, failedMs }) => {
      // Clients that had just connected may have been on their way to the child.
      return exchanges === 0 ? !isDuringKill(bornMs, failedMs) : !held.has(clientPort)
    })
    assert.deepEqual(
      untouched.map(({ failure, exchanges }) => ({ failure, exchanges })),
      [],
      'long connections of living children that were lost',
    )
    const onTheirWay = failed.filter(({ clientPort }) => !held.has(clientPort))
    const onTheirWayMax = this.kills.length * this.#wireLength
    assert.ok(onTheirWay.length <= onTheirWayMax, `${onTheirWay.length} were lost that no killed child had`)
  }

  /** Every connection has its access line with an orderly end, unless its child was killed. */
  async checkAccessLog(): Promise<void> {
    const { failed, visits } = this.#visitors
    const killed = new Set(this.kills.flatMap(({ held }) => [...held]))
    const served = [...visits.filter(({ failure }) => failure === undefined), ...this.#residents.left]
    const read = () => {
      const log = readFileSync(this.#accessLog, 'utf8')
      const lines = linesByPort(log)
      const silent = served.filter(({ clientPort }) => !takeOne(lines, clientPort))
      return { log, lines, silent: silent.filter(({ clientPort }) => !killed.has(clientPort)) }
    }
    const { lines, log } = await until('a line for every connection', () => {
      const found = read()
      return found.silent.length === 0 && found
    })
    const ends = new Set([...log.matchAll(/ end=(\S+)/g)].map(([, end]) => end))
    assert.deepEqual([...ends], ['done'])
    const ended = failed.filter(({ clientPort }) => takeOne(lines, clientPort))
    assert.deepEqual(ended, [], 'connections that a child has ended, which was not killed')
  }

  /** Clients that can be on their way to a child: none where it accepts by itself. */
  get #wireLength(): number {
    if (this.#plan.spawn?.includes('accept = direct')) return 0
    const bufferBytes = Number(readFileSync('/proc/sys/net/core/wmem_default', 'utf8'))
    return Math.ceil(bufferBytes / MESSAGE_IN_KERNEL_BYTES)
  }

  async #reloadTo(text: string): Promise<void> {
    writeFileSync(this.#master.file, text)
    this.#master.signal('SIGHUP')
    this.#reloads++
    await this.#master.logged(/the new configuration is in force/, this.#reloads, SLOW_MS)
  }

  async #usesRemotesOf(step: number): Promise<void> {
    const remotes = remotesOf(step, this.#remotes)
    const count = () => remotes.reduce((sum, { acceptedCount }) => sum + acceptedCount, 0)
    const before = count()
    await until('clients at the new remotes', () => count() > before, SLOW_MS)
  }

  /** A listener beside the main one serves while it is configured, and refuses when it is not. */
  async #useExtraListener(isThere: boolean): Promise<void> {
    if (isThere) {
      const bound = await this.#master.logged(/bind to 127\.0\.0\.2:(\d+) succeeded/, ++this.#extraCount)
      const client = await this.#visitExtra(Number(bound[1]))
      assert.equal(await client.exchange('beside'), 'beside')
      await client.close()
    } else if (this.#extraPort !== 0) {
      await until('the listener that is gone to refuse', async () => {
        const client = await this.#visitExtra(this.#extraPort)
        const isRefused = client.socket.destroyed
        await client.close()
        return isRefused
      })
    }
  }

  #visitExtra(port: number): Promise<Client> {
    this.#extraPort = port
    return Client.connect(this.#t, { host: '127.0.0.2', port })
  }
}

function echo(t: TestContext): Promise<Remote> {
  return remoteThat(echoes).start(t)
}

const INSTANCES = [
  [CHILDREN, CHILDREN],
  [2, 3],
  [1, 4],
  [3, 3],
] as const
const USERS = [
  [500, 1_000],
  [100, 1_000],
  [20, 300],
] as const

function hasExtraListener(step: number): boolean {
  return step % 2 === 1
}

/** One remote, in turn, or two; which of two gets a client depends on the sessions that they have. */
function remotesOf(step: number, remotes: readonly Remote[]): readonly [Remote, ...Remote[]] {
  const main = remotes[step % remotes.length] as Remote
  const other = remotes[(step + 1) % remotes.length] as Remote
  return step % 4 === 3 ? [main, other] : [main]
}

/** The configuration of a step: other remotes, weights, listeners, numbers of children and of their users. */
function configuration(
  step: number,
  remotes: readonly Remote[],
  accessLog: string,
  { spawn = [] }: SoakPlan,
): RelayPlan {
  const [main, ...others] = remotesOf(step, remotes)
  const targets = [main.with(`weight = ${1 + (step % 5)}`), ...others]
  const instances = INSTANCES[step % INSTANCES.length] as (typeof INSTANCES)[0]
  const users = USERS[step % USERS.length] as (typeof USERS)[0]
  const extra = hasExtraListener(step) ? ['address = 127.0.0.2 port = 0'] : []
  return relayTo(...targets)
    .with(`access log = "${accessLog}"`)
    .listeningOn('address = 127.0.0.1 port = 0', ...extra)
    .withMaster(spawning(instances, users, ...spawn))
}

/** Number of access lines for each client port of the main listener. */
function linesByPort(log: string): Map<number, number> {
  const counts = new Map<number, number>()
  for (const [, port] of log.matchAll(/ client=127\.0\.0\.1:(\d+) listener=127\.0\.0\.1:/g)) {
    counts.set(Number(port), (counts.get(Number(port)) ?? 0) + 1)
  }
  return counts
}

/** Removes one line, if there is one. */
function takeOne(lines: Map<number, number>, port: number): boolean {
  const count = lines.get(port) ?? 0
  lines.set(port, Math.max(0, count - 1))
  return count > 0
}
