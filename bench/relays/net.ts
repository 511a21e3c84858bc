import { fileURLToPath } from 'node:url'
import type { Relay } from './relay.js'

const PROGRAM = fileURLToPath(new URL('./net-relay.js', import.meta.url))

export const netRelay: Relay = {
  name: 'net',
  setting: "node:net and pipe, Node's own way",
  speaks: 'plain',
  isLeftOutWhenQuick: true,
  detect: () => ({ isPresent: true, version: `Node ${process.version}` }),
  launch: (site) => ({
    command: process.execPath,
    args: [PROGRAM, String(site.listenPort), site.remoteHost, String(site.remotePort)],
  }),
}
