import { createServer } from 'node:net'

/** A server in a process of its own that sends its first argument to every client and closes. */
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.end(process.argv[2] ?? '')
})
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
  const address = server.address()
  console.log(`port ${typeof address === 'object' ? address?.port : ''}`)
})
