// Stands in for the system log: discards the datagrams that arrive on a UDP port, so that a measurement writes
// nothing to the machine's log. Argument: PORT. Prints a line when it listens.
import { createSocket } from 'node:dgram'

const port = Number(process.argv[2])
const socket = createSocket('udp4')
socket.on('message', () => {})
socket.bind(port, '127.0.0.1', () => process.stdout.write('listens\n'))
