import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileOfProject } from '../harness/program.js'
import type { Target } from '../harness/relay.js'
import { within } from '../harness/until.js'

const ANSWER_MAX_MS = 40_000

export type Answer = Readonly<Record<string, unknown>>

/** Properties of a message beside its bytes. */
export interface About {
  readonly stream?: number
  readonly ppid?: number
  readonly unordered?: boolean
}

export interface SocketOptions {
  readonly tcp?: boolean
  readonly port?: number
  /** More than one for a host with several addresses. */
  readonly hosts?: readonly string[]
  readonly streams?: number
  /** Of the receive buffer, in bytes. */
  readonly buffer?: number
}

/** Sockets of SCTP and TCP, in Python: one process for all tests of a guest, where starting one is slow. */
export class SctpPeers {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #last = 0

  constructor() {
    this.#child = spawn('python3', [fileOfProject('test/vm/sctp_peers.py')])
    this.#child.stderr.pipe(process.stderr)
    createInterface(this.#child.stdout).on('line', (line) => {
      const answer = JSON.parse(line) as Answer
      this.#waiting.get(Number(answer.id))?.(answer)
    })
  }

  /** Throws the failure, an errno by its name. */
  async ask(command: string, parameters: object = {}): Promise<Answer> {
    const id = ++this.#last
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    this.#child.stdin.write(`${JSON.stringify({ ...parameters, id, do: command })}\n`)
    const { id: _, ...answer } = await within(`an answer to ${command}`, answered, ANSWER_MAX_MS)
    if (answer.error !== undefined) throw new Error(String(answer.error))
    return answer
  }

  async listen(options: SocketOptions = {}): Promise<SctpServer> {
    const { handle, port } = await this.ask('listen', options)
    return new SctpServer(this, handle, Number(port), options)
  }

  async connect(port: number, options: SocketOptions = {}): Promise<SctpEnd> {
    const { handle, port: own } = await this.ask('connect', { ...options, port })
    return new SctpEnd(this, handle, Number(own))
  }

  async end(): Promise<void> {
    this.#child.kill()
    await once(this.#child, 'close')
  }
}

export class SctpServer implements Target {
  readonly directive: string
  readonly port: number
  readonly #peers: SctpPeers
  readonly #handle: unknown

  constructor(
    peers: SctpPeers,
    handle: unknown,
    port: number,
    { hosts = ['127.0.0.1'], tcp }: SocketOptions,
  ) {
    this.#peers = peers
    this.#handle = handle
    this.port = port
    const addresses = hosts.map((host) => `address = ${host}`).join(' ')
    this.directive = `${addresses} port = ${port} protocol = ${tcp === true ? 'TCP' : 'SCTP'}`
  }

  async accept(): Promise<SctpEnd> {
    const { handle } = await this.#peers.ask('accept', { handle: this.#handle })
    return new SctpEnd(this.#peers, handle, this.port)
  }

  /** Echoes to every client. */
  async echo(): Promise<void> {
    await this.#peers.ask('echo', { handle: this.#handle })
  }
}

/** One end of a connection. */
export class SctpEnd {
  readonly port: number
  readonly #peers: SctpPeers
  readonly #handle: unknown

  constructor(peers: SctpPeers, handle: unknown, port: number) {
    this.#peers = peers
    this.#handle = handle
    this.port = port
  }

  send(text: string, about: About = {}): Promise<Answer> {
    return this.#do('send', { text, ...about })
  }

  sendBytes(bytes: number, about: About & { readonly seed?: number } = {}): Promise<Answer> {
    return this.#do('send', { bytes, ...about })
  }

  /** The next message, or `{ ended: true }`. */
  receive(): Promise<Answer> {
    return this.#do('receive')
  }

  /** That many bytes, as of a stream. */
  read(bytes: number): Promise<Answer> {
    return this.#do('read', { bytes })
  }

  /** Sends messages of a size until the peer has taken none for `quiet` seconds. */
  fill(size: number, quiet: number): Promise<Answer> {
    return this.#do('fill', { size, quiet })
  }

  async ending(): Promise<unknown> {
    return (await this.#do('ending')).how
  }

  async shutdown(): Promise<void> {
    await this.#do('shutdown')
  }

  async close(): Promise<void> {
    await this.#do('close')
  }

  async abort(): Promise<void> {
    await this.#do('abort')
  }

  streams(): Promise<Answer> {
    return this.#do('streams')
  }

  #do(command: string, parameters: object = {}): Promise<Answer> {
    return this.#peers.ask(command, { ...parameters, handle: this.#handle })
  }
}
