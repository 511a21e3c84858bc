/** Checks operating system, architecture and version of Node. */

export interface Platform {
  readonly os: string
  readonly arch: string
  readonly nodeVersion: string
}

// package.json says the same, but npm only warns about `engines`, and a copied folder is not checked at all.
const NODE_MAJOR_MIN = 20
// Those for which the struct layouts and constants of this folder hold.
const ARCHES: readonly string[] = ['x64', 'arm64']

/** An error message if the program cannot run on this platform. */
export function unsupportedReason(platform: Platform): string | undefined {
  const major = Number.parseInt(platform.nodeVersion, 10)
  if (major < NODE_MAJOR_MIN) {
    return `tcprelay needs Node.js ${NODE_MAJOR_MIN} or later, this is ${platform.nodeVersion}`
  }
  if (platform.os !== 'linux') return `tcprelay runs on Linux only, this is ${platform.os}`
  if (!ARCHES.includes(platform.arch)) {
    return `tcprelay supports ${ARCHES.join(' and ')} only, this is ${platform.arch}`
  }
  return undefined
}

export function thisPlatform(): Platform {
  return { os: process.platform, arch: process.arch, nodeVersion: process.versions.node }
}
