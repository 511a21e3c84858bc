/** Makes a server listen at the place of an `admin` block. */
import { once } from 'node:events'
import { chownSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import type { AdminPlace } from '../../config/table-admin.js'

/** Resolves with the name of the place; throws the system's error. */
export async function listenAt(server: Server, place: AdminPlace): Promise<string> {
  if (place.kind === 'tcp') {
    await listening(server, () => server.listen(place.port, place.host))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : place.port
    return place.host.includes(':') ? `[${place.host}]:${port}` : `${place.host}:${port}`
  }
  const { gid, path } = place
  await listening(server, () => bindWithMode(server, place)).catch(async (error) => {
    if (!isInUse(error) || !(await isStale(path))) throw error
    unlinkSync(path)
    await listening(server, () => bindWithMode(server, place))
  })
  if (gid !== undefined) chownSync(path, process.getuid?.() ?? 0, gid)
  return path
}

/** By the umask, so that the socket never has another mode. Node binds within the call. */
function bindWithMode(
  server: Server,
  { mode, path }: { readonly mode: number; readonly path: string },
): void {
  const before = process.umask(~mode & 0o777)
  try {
    server.listen(path)
  } finally {
    process.umask(before)
  }
}

async function listening(server: Server, listen: () => void): Promise<void> {
  const isListening = once(server, 'listening')
  listen()
  await isListening
}

/** A socket file without a listener: its process has ended without removing it. */
async function isStale(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return false
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
