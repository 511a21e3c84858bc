// Stands in for the system log: takes the datagrams that come to a UDP port and forgets them, so that nothing on
// the machine is written to because of a measurement. Argument: PORT. Prints a line when it listens.
import { createSocket } from 'node:dgram'

const port = Number(process.argv[2])
const socket = createSocket('udp4')
socket.on('message', () => {})
socket.bind(port, '127.0.0.1', () => process.stdout.write('listens\n'))
