// A remote: replies with its name to the first bytes of a client, and closes. Arguments: PORT NAME
import { createServer } from 'node:net'

const [, , port, name] = process.argv
createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.end(`${name}\n`))
}).listen(Number(port), '127.0.0.1', 4_096)
