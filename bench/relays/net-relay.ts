// A relay in plain Node: `net` and `pipe`, with half-close. It is the baseline
// that the product has to beat. Arguments: LISTENPORT REMOTEHOST REMOTEPORT
import { connect, createServer, type Socket } from 'node:net'

const [listenPort, remoteHost, remotePort] = process.argv.slice(2)

function closeTogether(one: Socket, other: Socket): void {
  one.on('error', () => other.destroy())
  one.on('close', () => other.destroySoon())
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const remote = connect({
    host: remoteHost ?? '127.0.0.1',
    port: Number(remotePort),
    allowHalfOpen: true,
    noDelay: true,
  })
  client.pipe(remote)
  remote.pipe(client)
  closeTogether(client, remote)
  closeTogether(remote, client)
})
// The default backlog of 511 would cost whole seconds when a generator opens many connections at once.
server.listen({ host: '127.0.0.1', port: Number(listenPort), backlog: 4096 })
process.on('SIGTERM', () => process.exit(0))
