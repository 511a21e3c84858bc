/** The program tcprelayctl, which asks a running relay; loads nothing of the relay itself. */
import { runCtl } from '../admin/ctl/run-ctl.js'
import { version } from '../services/version.js'
import { writeTo } from './write-to.js'

export async function main(
  _program: string,
  words: readonly string[] = process.argv.slice(2),
): Promise<void> {
  process.exitCode = await runCtl(words, {
    environment: process.env,
    isTerminal: process.stdout.isTTY,
    version: version(),
    write: writeTo,
  })
}
