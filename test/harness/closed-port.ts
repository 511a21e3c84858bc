import { freePort } from './free-ports.js'
import type { Target } from './relay.js'

/** A port of 127.0.0.1 without a listener, where a test may start one. */
export async function closedPort(): Promise<{ port: number; target: Target }> {
  const port = await freePort()
  return { port, target: { directive: `address = 127.0.0.1 port = ${port}` } }
}
