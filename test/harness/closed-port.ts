import { createServer } from 'node:net'
import type { Target } from './relay.js'

/** A port without a listener: it was free a moment ago. */
export async function closedPort(): Promise<{ port: number; target: Target }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return { port, target: { directive: `address = 127.0.0.1 port = ${port}` } }
}
