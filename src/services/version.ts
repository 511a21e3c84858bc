/** The version of this program. */
import { readFileSync } from 'node:fs'

/** The version in package.json. */
export function version(): string {
  // The same path from dist/src/services/ and from the bundle in dist/bundle/cli/.
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return isManifest ? String(manifest.version) : 'unknown'
}

/** `PROG version VERSION/FEATURES`, as the original prints it. */
export function versionLine(program: string): string {
  return `${program} version ${version()}/EPOLL (Node.js ${process.versions.node})`
}
