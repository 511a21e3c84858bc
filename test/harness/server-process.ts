import { createServer } from 'node:net'

/** A server in a process of its own, which says its first argument to everybody and leaves. */
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.end(process.argv[2] ?? '')
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
  const address = server.address()
  console.log(`port ${typeof address === 'object' ? address?.port : ''}`)
})
