/** Sources of members against servers of the test. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createRawServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { FoundMember, Source, SourceEvents } from '../../src/discovery/source.js'
import type { SourceTimes } from '../../src/discovery/source-times.js'
import { afterwards } from '../harness/clean-up.js'
import { until } from '../harness/until.js'

/** Times with which a test does not wait. */
export const FAST: SourceTimes = {
  retryFirstMs: 10,
  retryMaxMs: 20,
  gatherMs: 5,
  watchMinMs: 20,
  random: () => 0.5,
}

/** An interval that does not pass in a test, and one that does. */
export const NEVER_MS = 3_600_000
export const SOON_MS = 10

export const ASKING = { timeoutMs: 10_000, caFile: undefined, certFile: undefined, keyFile: undefined }

/** Everything that a source reports, in its order. */
export class Reports implements SourceEvents {
  /** What the last answer lacks. */
  lack: string | undefined
  readonly answers: (readonly FoundMember[])[] = []
  readonly problems: string[] = []
  /** `answer` or `problem` for each. */
  readonly kinds: string[] = []
  /** Called after each of them. */
  onReport: () => void = () => {}

  onAnswer(members: readonly FoundMember[], lack?: string): void {
    this.lack = lack
    this.kinds.push('answer')
    this.answers.push(members)
    this.onReport()
  }

  onProblem(text: string): void {
    this.kinds.push('problem')
    this.problems.push(text)
    this.onReport()
  }

  /** The newest answer: `NAME HOST:PORT` of each member, sorted. */
  get members(): string | undefined {
    return this.answers.length === 0 ? undefined : membersText(this.answers.at(-1) ?? [])
  }

  async answered(count: number): Promise<void> {
    await until(`${count} answers, not ${this.answers.length}`, () => this.answers.length >= count)
  }

  async troubled(count = 1): Promise<string> {
    await until(`${count} problems`, () => this.problems.length >= count)
    return this.problems[count - 1] ?? ''
  }

  async has(members: string): Promise<void> {
    await until(`the members ${members}`, () => this.members === members).catch((error) => {
      throw new Error(`${error.message}; they are ${this.members}, problems: ${this.problems.join(' | ')}`)
    })
  }
}

export function membersText(members: readonly FoundMember[]): string {
  return members
    .map(({ hosts, name, port }) => `${name} ${hosts.join('+')}:${port}`)
    .sort()
    .join(', ')
}

/** Opens a source, which is closed at the end of the test. */
export function opened(t: TestContext, open: (events: SourceEvents) => Source): Reports & { source: Source } {
  const reports = new Reports()
  const source = open(reports)
  afterwards(t, () => source.close())
  return Object.assign(reports, { source })
}

/** A problem without the place of the server, which differs in each run. */
export function withoutPlace(text: string): string {
  return text.replaceAll(/127\.0\.0\.1:\d+/g, 'PLACE')
}

export type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void

export interface ScriptedServer {
  readonly url: string
  /** `METHOD TARGET` of each request. */
  readonly requests: string[]
  /** How requests are handled from now on. */
  handle: Handle
  /** Resets all connections. */
  disconnect(): void
}

/** An HTTP server on loopback whose answers the test scripts. */
export async function scriptedServer(t: TestContext, handle: Handle): Promise<ScriptedServer> {
  const sockets = new Set<Socket>()
  const scripted: Omit<ScriptedServer, 'url'> = {
    requests: [],
    handle,
    disconnect() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
  const server = createServer(async (request, response) => {
    response.on('error', () => {})
    let body = ''
    for await (const chunk of request) body += chunk
    scripted.requests.push(`${request.method} ${request.url}`)
    scripted.handle(request, response, body)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(t, async () => {
    scripted.disconnect()
    server.close()
    await once(server, 'close')
  })
  return Object.assign(scripted, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

/** A server on loopback that handles connections by itself. */
export async function rawServer(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createRawServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** Answers each request with this document. */
export function json(value: unknown, headers: Record<string, string> = {}, status = 200): Handle {
  return (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
    response.end(typeof value === 'string' ? value : JSON.stringify(value))
  }
}
