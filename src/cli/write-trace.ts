/** Saves generated connections in the format of the access log, with the remotes that they got in the simulation. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { NO_ROUTE } from '../admission/router.js'
import { shownPath } from '../config/expectation.js'
import { reasonOf } from '../config/sources.js'
import { type AccessRecord, accessLine, idPrefix } from '../observe/access-line.js'
import { LINE_BYTES_MAX } from '../observe/log-ring.js'
import { NO_REMOTE, QUEUE_FULL, QUEUE_TIMEOUT, REJECTED } from '../simulate/decision.js'
import { DONE } from '../simulate/logged-remotes.js'
import { orderByTime } from '../simulate/order-by-time.js'
import type { Simulation } from '../simulate/simulate.js'
import type { Trace } from '../simulate/trace.js'
import type { SimulatedPlan } from './simulated-plan.js'

const BUFFER_BYTES = 1 << 18

/** The first port of clients, and the number of ports that they use. */
const FIRST_PORT = 1_024
const PORTS = 64_512

/** Lines are in the order in which sessions end, as in a log. Returns an error message. */
export function writeTrace(
  file: string,
  trace: Trace,
  simulation: Simulation,
  { plan }: SimulatedPlan,
): string | undefined {
  const endMs = trace.startMs.slice(0, trace.count)
  for (let i = 0; i < endMs.length; i++) endMs[i] = (endMs[i] as number) + lengthOf(i, trace, simulation)
  const order = orderByTime(endMs, trace.count)
  const prefix = idPrefix(0, trace.startMs[0] ?? 0)
  try {
    const lines = new LineBuffer(openSync(file, 'w', 0o640))
    for (const i of order) {
      const record = recordOf(i, trace, simulation, plan)
      lines.add(accessLine({ ...record, id: `${prefix}-${i + 1}`, endedAtMs: endMs[i] as number }))
    }
    lines.close()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
    return `cannot write ${shownPath(file)}: ${reasonOf(code)}`
  }
  return undefined
}

/** One buffer for all lines: a new one for each batch makes the collector of garbage look at the whole trace again. */
class LineBuffer {
  readonly #fd: number
  readonly #bytes = Buffer.allocUnsafe(BUFFER_BYTES)
  #used = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  add(line: string): void {
    if (BUFFER_BYTES - this.#used < LINE_BYTES_MAX) this.#flush()
    this.#used += this.#bytes.write(`${line}\n`, this.#used)
  }

  close(): void {
    this.#flush()
    closeSync(this.#fd)
  }

  /** A pipe takes less than all at once. */
  #flush(): void {
    for (let at = 0; at < this.#used; ) at += writeSync(this.#fd, this.#bytes, at, this.#used - at)
    this.#used = 0
  }
}

/** With the wait in a queue. Clients that are refused have no session. */
function lengthOf(i: number, { lengthMs }: Trace, { decisions, waitedMs }: Simulation): number {
  const sessionMs = (decisions[i] as number) < 0 ? 0 : (lengthMs[i] as number)
  return (waitedMs[i] as number) + sessionMs
}

function recordOf(
  i: number,
  trace: Trace,
  simulation: Simulation,
  { pools, remotes }: SimulatedPlan['plan'],
): Omit<AccessRecord, 'endedAtMs' | 'id'> {
  const decision = simulation.decisions[i] as number
  const isServed = decision >= 0
  return {
    client: clientOf(i, trace),
    credentials: undefined,
    via: '',
    tlvs: '',
    listener: trace.words.text(trace.listener[i] as number),
    pool: pools[simulation.pools[i] as number]?.label ?? '',
    remote: remotes[decision]?.name ?? '',
    bytesToRemote: isServed ? (trace.toRemote[i] as number) : 0,
    bytesToClient: isServed ? (trace.toClient[i] as number) : 0,
    durationMs: lengthOf(i, trace, simulation),
    queuedMs: simulation.waitedMs[i] as number,
    reason: isServed ? DONE : reasonOfRefusal(decision),
    cause: '',
    rule: '',
    comment: '',
    failedAttempts: '',
    why: '',
    clientTls: undefined,
    remoteTls: undefined,
    clientMptcp: undefined,
    remoteMptcp: undefined,
  }
}

function reasonOfRefusal(decision: number): string {
  if (decision === NO_REMOTE) return 'no-remote'
  if (decision === QUEUE_FULL) return 'queue-full'
  if (decision === QUEUE_TIMEOUT) return 'queue-timeout'
  if (decision === REJECTED) return 'rejected'
  return decision === NO_ROUTE ? 'no-route' : 'rejected-by-route'
}

/** Generated clients have IPv4 addresses. */
function clientOf(i: number, { client, clients }: Trace): string {
  const at = clients.addressAt(client[i] as number)
  const [a, b, c, d] = clients.bytes.subarray(at, at + 4)
  return `${a}.${b}.${c}.${d}:${FIRST_PORT + (i % PORTS)}`
}
