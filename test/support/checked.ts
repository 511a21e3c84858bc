/** Runs single health checks against servers of the test. */
import { createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import type { SocketAddress } from '../../src/base/address.js'
import { Conversation } from '../../src/health/conversation.js'
import type { ProbeCheck, ProbeFinding } from '../../src/health/probe-checks.js'
import { ProbeFailure } from '../../src/health/probe-failure.js'
import { ProbeSession, type SessionPlan, type SessionRemote } from '../../src/health/probe-session.js'
import { runProbe } from '../../src/health/probe-types.js'

/** Handles one connection of the server. */
export type Serve = (socket: Socket) => void

/** Of a check that is to end by itself, also on a busy machine. */
export const PLAN: SessionPlan = { sendProxy: undefined, timeoutMs: 20_000 }
/** Of a check that is to run into its limit, but only after what it does first, also on a busy machine. */
export const SOON: SessionPlan = { sendProxy: undefined, timeoutMs: 400 }

/** A server on loopback. */
export async function serverThat(t: TestContext, serve: Serve): Promise<SocketAddress> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    serve(socket)
  })
  const sockets = new Set<Socket>()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const place = server.address()
  if (place === null || typeof place === 'string') throw new Error('the server has no port')
  return { family: 'ipv4', host: '127.0.0.1', port: place.port }
}

/** Its result: `up: TEXT` or `down: REASON`. Anything but a `ProbeFailure` is thrown. */
export async function checkAt(
  address: SocketAddress,
  check: ProbeCheck,
  plan: SessionPlan = PLAN,
  remote: SessionRemote = {},
): Promise<string> {
  const session = new ProbeSession([address], plan, remote)
  try {
    return resultText(await runProbe(session, check))
  } catch (error) {
    if (error instanceof ProbeFailure) return `down: ${error.message}`
    throw error
  } finally {
    session.close()
  }
}

export async function checked(
  t: TestContext,
  check: ProbeCheck,
  serve: Serve,
  plan: SessionPlan = PLAN,
): Promise<string> {
  return checkAt(await serverThat(t, serve), check, plan)
}

/** Reads what the client sends and answers with these bytes, whatever it was; then closes, or waits for the client. */
export function says(answer: string | Uint8Array, { closes = false } = {}): Serve {
  return (socket) => {
    socket.once('data', () => (closes ? socket.end(answer) : void socket.write(answer)))
  }
}

/** Accepts and says nothing. */
export const SILENT: Serve = (socket) => void socket.resume()

/** Closes without an answer. */
export const CLOSING: Serve = (socket) => void socket.once('data', () => socket.end())

/** Sends the same bytes without end. */
export function floods(bytes: string): Serve {
  const chunk = bytes.repeat(Math.ceil(16_384 / bytes.length))
  return (socket) => {
    const pour = () => {
      while (socket.writable && socket.write(chunk));
    }
    socket.on('drain', pour).resume()
    pour()
  }
}

/** A conversation in which exactly these chunks arrive, and then the end, whatever is sent. */
export function conversationOf(chunks: readonly (Uint8Array | string)[]): Conversation {
  const left = chunks.map((chunk) => Buffer.from(chunk)).filter(({ byteLength }) => byteLength > 0)
  const stream = new Duplex({
    read() {
      // In turns of their own, so that no two chunks are read together.
      setImmediate(() => this.push(left.shift() ?? null))
    },
    write: (_chunk, _encoding, done) => done(),
  })
  return new Conversation(stream as Socket)
}

/** The result of a check in such a conversation. */
export async function checkedIn(
  check: ProbeCheck,
  chunks: readonly (Uint8Array | string)[],
): Promise<string> {
  const talk = conversationOf(chunks)
  const session = { connect: async () => talk } as unknown as ProbeSession
  try {
    return resultText(await runProbe(session, check))
  } catch (error) {
    if (error instanceof ProbeFailure) return `down: ${error.message}`
    throw error
  } finally {
    talk.close()
  }
}

function resultText({ text, warning }: ProbeFinding): string {
  return `up: ${text}${warning === undefined ? '' : `, but ${warning}`}`
}
