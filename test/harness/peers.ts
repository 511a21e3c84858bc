import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import type { Ending } from './client.js'
import { needs } from './needs.js'
import { fileOfProject } from './program.js'
import type { Target } from './relay.js'
import { within } from './until.js'

/** Timeout of a step of a test with plain sockets. */
const ANSWER_MAX_MS = 90_000

type Answer = Readonly<Record<string, unknown>>
type Ask = (command: string, parameters: Answer) => Promise<Answer>

/** What was sent or received, and how that ended. */
export interface Transfer {
  readonly bytes: number
  readonly sha256: string
  readonly ending: Ending
}

interface Buffers {
  readonly receiveBytes?: number
  readonly sendBytes?: number
}

interface Place {
  readonly host?: string
  readonly port?: number
  /** For example IPPROTO_MPTCP. */
  readonly protocol?: number
}

/** One end of a connection. */
export class Peer {
  readonly #ask: Ask
  readonly #handle: unknown
  /** The peer's address, for a connection that was accepted. */
  readonly from: { readonly host: string; readonly port: number }

  constructor(ask: Ask, { handle, host, port }: Answer) {
    this.#ask = ask
    this.#handle = handle
    this.from = { host: String(host), port: Number(port) }
  }

  async send(text: string): Promise<void> {
    await this.#do('send', { text })
  }

  /** With MSG_OOB. */
  async sendUrgent(text: string): Promise<void> {
    await this.#do('send_urgent', { text })
  }

  /** Sends that many bytes; returns how far it got. */
  sendMuch(bytes: number): Promise<Transfer> {
    return this.#transfer('send_much', { bytes })
  }

  /** Sends until the peer takes no more; returns how many bytes that were. */
  async fill(): Promise<number> {
    return Number((await this.#do('fill')).bytes)
  }

  /** The next bytes, exactly that many unless the connection ends. */
  async read(bytes: number): Promise<string> {
    return String((await this.#do('read', { bytes })).text)
  }

  /** Reads the next bytes without returning them. */
  readMuch(bytes: number): Promise<Transfer> {
    return this.#transfer('read_to_end', { bytes })
  }

  /** Reads up to the end; with a pause after each chunk if requested. */
  readToEnd(slowly: { chunkBytes?: number; pauseMs?: number } = {}): Promise<Transfer> {
    return this.#transfer('read_to_end', slowly)
  }

  /** Reads up to the end and returns how the connection ended. */
  async ending(): Promise<Ending> {
    return (await this.readToEnd()).ending
  }

  async endWriting(): Promise<void> {
    await this.#do('end_writing')
  }

  async close(): Promise<void> {
    await this.#do('close')
  }

  async reset(): Promise<void> {
    await this.#do('reset')
  }

  async #transfer(command: string, parameters: Answer): Promise<Transfer> {
    const { bytes, sha256, ending } = await this.#do(command, parameters)
    return { bytes: Number(bytes), sha256: String(sha256), ending: String(ending) }
  }

  #do(command: string, parameters: Answer = {}): Promise<Answer> {
    return this.#ask(command, { handle: this.#handle, ...parameters })
  }
}

/** A listening socket. */
export class PeerServer implements Target {
  readonly port: number
  readonly directive: string
  readonly #ask: Ask
  readonly #adopt: (answer: Answer) => Peer
  readonly #handle: unknown

  constructor(ask: Ask, adopt: (answer: Answer) => Peer, { handle, port }: Answer, host: string) {
    this.#ask = ask
    this.#adopt = adopt
    this.#handle = handle
    this.port = Number(port)
    this.directive = `address = ${host} port = ${port}`
  }

  async accept(): Promise<Peer> {
    return this.#adopt(await this.#ask('accept', { handle: this.#handle }))
  }

  /** Serves `count` connections: each gets the text and then a reset, or a close. */
  async answerAll(count: number, text: string, end: 'reset' | 'close'): Promise<void> {
    await this.#ask('answer_all', { handle: this.#handle, count, text, isReset: end === 'reset' })
  }

  async close(): Promise<void> {
    await this.#ask('close', { handle: this.#handle })
  }
}

/** Plain sockets, in a process of their own. */
export class RawPeers {
  readonly #t: TestContext
  readonly #process: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #count = 0
  #rest = ''

  constructor(t: TestContext, under: readonly string[]) {
    this.#t = t
    const [file = '', ...words] = [...under, 'python3', fileOfProject('test/harness/raw_peers.py')]
    this.#process = spawn(file, words)
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    this.#process.stderr.pipe(process.stderr)
    afterwards(t, async () => {
      const ended = once(this.#process, 'close')
      this.#process.kill('SIGKILL')
      await ended
    })
  }

  async listen(options: Buffers & Place & { backlog?: number; fastOpen?: number } = {}): Promise<PeerServer> {
    const adopt = (answer: Answer) => this.#closedAfterwards(answer)
    return new PeerServer(
      this.#ask,
      adopt,
      await this.#ask('listen', { ...options }),
      options.host ?? '127.0.0.1',
    )
  }

  async connect(
    port: number,
    options: Buffers & Omit<Place, 'port'> & { first?: string } = {},
  ): Promise<Peer> {
    return this.#closedAfterwards(await this.#ask('connect', { port, ...options }))
  }

  /** Begins to connect; the outcome shows when the connection is used. */
  async startConnecting(port: number, host?: string): Promise<Peer> {
    return this.#closedAfterwards(await this.#ask('start_connect', { port, host }))
  }

  /** A server that never answers: its queue is full, so the kernel drops SYNs. */
  async blackhole(place: Pick<Place, 'host' | 'port'> = {}): Promise<PeerServer> {
    const server = await this.listen({ ...place, backlog: 0 })
    for (let i = 0; i < 4; i++) await this.startConnecting(server.port, place.host)
    return server
  }

  /** A datagram socket in the file system; returns a function that waits for the next one. */
  async listenForDatagrams(path: string): Promise<() => Promise<string>> {
    const { handle } = await this.#ask('listen_datagrams', { path })
    return async () => String((await this.#ask('read_datagram', { handle })).text)
  }

  #closedAfterwards(answer: Answer): Peer {
    const peer = new Peer(this.#ask, answer)
    afterwards(this.#t, () => peer.close())
    return peer
  }

  readonly #ask: Ask = async (command, parameters) => {
    const id = ++this.#count
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    this.#process.stdin.write(`${JSON.stringify({ id, do: command, ...parameters })}\n`)
    const got = await within(`plain sockets: ${command}`, answer, ANSWER_MAX_MS)
    if (got.error !== undefined) throw new Error(`${command}: ${got.error}`)
    return got
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const answer: Answer & { id?: number } = JSON.parse(line)
      this.#waiting.get(answer.id ?? 0)?.(answer)
      this.#waiting.delete(answer.id ?? 0)
    }
  }
}

/** `const peers = rawPeers(t); if (!peers) return`; `under`: words that start a program, as in a namespace. */
export function rawPeers(t: TestContext, under: readonly string[] = []): RawPeers | undefined {
  return needs(t, 'python3') ? new RawPeers(t, under) : undefined
}
