import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { afterwards, temporaryFolder } from './clean-up.js'
import { Lines } from './lines.js'
import { needs } from './needs.js'
import { fileOfProject, TCPRELAY } from './program.js'
import { until } from './until.js'

const ANSWER_MAX_MS = 30_000

/** What a child sends on the wire. */
export const DONE = 0
export const KEEPALIVE = 1
export const MAY_DIE = 2
export const DYING = 3
export const BAD_CFG = 4
export const MAX = 5

/** Contents of the message about a client. */
export interface AcceptWords {
  readonly versions?: number
  readonly flags?: number
}

type Answer = Readonly<Record<string, unknown>>

/** A classic master, in Python, with this program as its child. */
export class ForeignMaster {
  readonly stderr: Lines
  readonly #stdin: Writable
  readonly #answers: Lines
  #answerCount = 1
  #childPid = 0

  constructor(process: ChildProcess) {
    this.#stdin = process.stdin as Writable
    this.#answers = new Lines(process.stdout as Readable)
    this.stderr = new Lines(process.stderr as Readable)
  }

  get childPid(): number {
    return this.#childPid
  }

  async starts(): Promise<void> {
    const [line] = await this.#answers.reached(/.*/)
    this.#childPid = Number(parsed(line).pid)
  }

  /** Connects that many clients and hands them over; returns how many of them got their echo. */
  async clients(count: number): Promise<unknown> {
    return (await this.#do({ do: 'clients', count })).answers
  }

  /** Hands over one client, which stays connected. */
  async hold(isUnix = false): Promise<void> {
    await this.#do({ do: 'hold', unix: isUnix })
  }

  /** The same with an SCTP client. */
  async holdSctp(): Promise<void> {
    await this.#do({ do: 'hold', sctp: true })
  }

  /** The same with more fields in the message; `tls`: whether the client speaks TLS, or only this version. */
  async holdWith(accept: AcceptWords, tls: boolean | 'TLSv1_2' | 'TLSv1_3'): Promise<void> {
    await this.#do({ do: 'hold', ...accept, tls })
  }

  /** The port that other clients can connect to, which `take` hands over. */
  async port(): Promise<number> {
    return (await this.#do({ do: 'port' })).port as number
  }

  async take(accept: AcceptWords): Promise<void> {
    await this.#do({ do: 'take', ...accept })
  }

  /** The reply to what that client sends. */
  async say(text: string, stream?: number): Promise<unknown> {
    return (await this.#do({ do: 'say', text, stream })).text
  }

  async release(): Promise<void> {
    await this.#do({ do: 'release' })
  }

  async send(type: number): Promise<void> {
    await this.#do({ do: 'send', type })
  }

  async sendBytes(hex: string): Promise<void> {
    await this.#do({ do: 'send', hex })
  }

  async close(): Promise<void> {
    await this.#do({ do: 'close' })
  }

  /** The child's exit code. */
  async ended(): Promise<unknown> {
    return (await this.#do({ do: 'wait' })).code
  }

  /** All messages of the child so far. */
  async heard(): Promise<(readonly [type: number, count: number])[]> {
    return (await this.#do({ do: 'heard' })).heard as (readonly [number, number])[]
  }

  /** Waits for a message of this type. */
  async hears(type: number): Promise<void> {
    await until(`message ${type} of the child`, async () => {
      return (await this.heard()).some(([found]) => found === type)
    })
  }

  /** Waits until exactly that many connections were reported as ended. */
  async countsDone(count: number): Promise<void> {
    let sum = 0
    await until(`${count} connections to have ended`, async () => {
      sum = (await this.heard()).reduce((all, [type, more]) => all + (type === DONE ? more : 0), 0)
      return sum >= count
    })
    if (sum !== count) throw new Error(`${sum} connections have ended instead of ${count}`)
  }

  async #do(command: Answer): Promise<Answer> {
    this.#stdin.write(`${JSON.stringify(command)}\n`)
    const [line] = await this.#answers.reached(/.*/, ++this.#answerCount, ANSWER_MAX_MS)
    const answer = parsed(line)
    if (answer.error !== undefined) throw new Error(`${command.do}: ${answer.error}\n${this.stderr.text}`)
    return answer
  }
}

function parsed(line: string): Answer {
  return JSON.parse(line)
}

/** `const master = await foreignMaster(t, file); if (!master) return` */
export function foreignMaster(
  t: TestContext,
  file: string,
  ...words: readonly string[]
): Promise<ForeignMaster | undefined> {
  return foreignMasterIn(t, {}, file, ...words)
}

/** The same with more variables in the environment. */
export async function foreignMasterIn(
  t: TestContext,
  environment: Readonly<Record<string, string>>,
  file: string,
  ...words: readonly string[]
): Promise<ForeignMaster | undefined> {
  if (!needs(t, 'python3')) return undefined
  const command = [process.execPath, TCPRELAY, '-D', ...words, file]
  const python = spawn('python3', [fileOfProject('test/harness/foreign_master.py'), ...command], {
    env: { ...process.env, NODE_OPTIONS: '', FOREIGN_FOLDER: temporaryFolder(t), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const master = new ForeignMaster(python)
  afterwards(t, async () => {
    const over = once(python, 'close')
    python.stdin.end() // it ends its child, then itself
    await over
  })
  await master.starts()
  return master
}
