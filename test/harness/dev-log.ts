import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './clean-up.js'
import type { RawPeers } from './peers.js'
import { until } from './until.js'

/** What Node opens in /dev. */
const DEVICES = ['null', 'urandom']

/** A system log for one process, which has its own /dev. */
export interface DevLog {
  /** Starts a program with that /dev: `relay.running({ under: log.under })`. */
  readonly under: readonly string[]
  /** Waits for a datagram that matches. */
  got(pattern: RegExp): Promise<string>
}

/** Undefined, with the test skipped, if mount namespaces are not available. */
export async function devLog(t: TestContext, peers: RawPeers): Promise<DevLog | undefined> {
  if (spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status !== 0) {
    t.skip('no mount namespace can be made here')
    return undefined
  }
  const folder = join(temporaryFolder(t), 'dev')
  mkdirSync(folder)
  for (const device of DEVICES) writeFileSync(join(folder, device), '')
  const next = await peers.listenForDatagrams(join(folder, 'log'))
  const mounts = DEVICES.map((device) => `mount --bind /dev/${device} ${folder}/${device}`)
  const script = [...mounts, `mount --rbind ${folder} /dev`, 'exec "$@"'].join(' && ')
  return {
    under: ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'],
    got: (pattern) =>
      until(`a datagram like ${pattern}`, async () => {
        const datagram = await next()
        return pattern.test(datagram) && datagram
      }),
  }
}
