import { installHint } from '../system/launch.js'
import { findCommand, versionOf } from '../system/machine.js'
import type { Presence, Relay } from './relay.js'

/** Its manual has one word on speed, the size of a block; 8 KiB when nothing is said, and what more brings ends here. */
const BLOCK_BYTES = 128 * 1024

function detect(): Presence {
  const command = findCommand('socat')
  if (command === undefined) return { isPresent: false, remedy: installHint(['socat']) }
  return { isPresent: true, version: versionOf(command, ['-V']) }
}

/** A process for each connection: where connections are kept, that is all there would be to see. */
export const socat: Relay = {
  name: 'socat',
  setting: 'a process for each connection, blocks of 128 KiB, nodelay',
  speaks: 'plain',
  workloads: ['connections', 'bulk-down', 'bulk-up', 'bulk-both'],
  isLeftOutWhenQuick: true,
  detect,
  launch: ({ listenPort, remoteHost, remotePort }) => ({
    command: findCommand('socat') ?? 'socat',
    args: [
      '-b',
      String(BLOCK_BYTES),
      `TCP4-LISTEN:${listenPort},bind=127.0.0.1,backlog=4096,nodelay,fork`,
      `TCP4:${remoteHost}:${remotePort},nodelay`,
    ],
  }),
}
