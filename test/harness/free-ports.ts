import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** There is a gap of this size somewhere among the ephemeral ports of the kernel. */
const TRIES_MAX = 100

const PORT_MAX = 65_535

/** The first of `count` consecutive ports that are free on these addresses; the kernel picks it. */
export async function freePorts(count: number, ...hosts: readonly string[]): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const [first] = await bindAndClose([{ host: hosts[0] ?? '', port: 0 }])
    if (first === undefined || first + count - 1 > PORT_MAX) continue
    const ports = Array.from({ length: count }, (_, i) => first + i)
    const places = hosts.flatMap((host) => ports.map((port) => ({ host, port })))
    if ((await bindAndClose(places)).length === places.length) return first
  }
  throw new Error(`there are no ${count} free ports in a row`)
}

interface Place {
  readonly host: string
  readonly port: number
}

/** Listens on all ports at once, up to the first one in use. */
async function bindAndClose(places: readonly Place[]): Promise<number[]> {
  const servers: Server[] = []
  try {
    for (const place of places) {
      const server = createServer().listen(place)
      await once(server, 'listening')
      servers.push(server)
    }
  } catch {
    // The port is in use.
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  for (const server of servers) server.close()
  await Promise.all(servers.map((server) => once(server, 'close')))
  return ports
}
