import { installHint } from '../system/launch.js'
import { findCommand, versionOf } from '../system/machine.js'
import type { Presence, Relay } from './relay.js'

/** Block size, the only advice on speed in its manual; the default is 8 KiB, and more than this gains nothing. */
const BLOCK_BYTES = 128 * 1024

function detect(): Presence {
  const command = findCommand('socat')
  if (command === undefined) return { isPresent: false, remedy: installHint(['socat']) }
  return { isPresent: true, version: versionOf(command, ['-V']) }
}

/** A process for each connection: with kept connections that would be the only visible effect. */
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
