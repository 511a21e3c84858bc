import { openSocket } from './abstract-names.js'

/**
 * A program for another user: connects to a Unix socket, sends a text and prints the reply.
 * unix-client.js @NAME TEXT
 */
const [name = '', text = ''] = process.argv.slice(2)
openSocket(name)
  .setEncoding('utf8')
  .on('data', (answer: string) => process.stdout.write(answer))
  .on('error', (error) => process.stdout.write(error.message))
  .end(text)
