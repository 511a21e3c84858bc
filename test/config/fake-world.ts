/** An in-memory world for tests of configurations: files, users, groups and services. */
import { Buffer } from 'node:buffer'
import { normalize, resolve } from 'node:path/posix'
import { expandBraces, matchesGlob } from '../../src/base/glob.js'
import type { Names } from '../../src/config/names.js'
import type { PathKind, Sources } from '../../src/config/sources.js'

export interface FakeWorld {
  readonly sources: Sources
  readonly names: Names
  readonly mainText: string
}

/** Paths that exist in addition to the files of a test. */
const DIRECTORIES = new Set(['.', '/', '/run', '/tmp', '/var/log', 'conf', 'inc'])
const PROGRAMS = new Set(['/usr/local/libexec/tcprelay', '/x/foo', 'bin/helper'])
const READABLE = new Set(['/some/where/sample.pem', '/some/where/key.pem'])
const LOCKED = new Set(['/some/where/secret.pem'])

export const fakeNames: Names = {
  user: (name) => (name === 'nobody' ? { uid: 65_534, gid: 65_534 } : undefined),
  group: (name) => (name === 'nogroup' ? 65_534 : undefined),
  service: (name) => ({ ssh: 22, http: 80, https: 443 })[name],
  platform: 'linux-6.1.0-x86_64',
}

/** Files in memory. A text that begins with `!CODE` makes reading the file fail with this errno name. */
export function fakeSources(files: Readonly<Record<string, string | Uint8Array>>): Sources {
  const names = Object.keys(files)
  const isThere = (path: string) => names.includes(normalize(path))
  return {
    read(path) {
      const content = files[normalize(path)]
      if (content === undefined) return { ok: false, code: 'ENOENT' }
      const [, code] = /^!(E\w+)/.exec(String(content)) ?? []
      return code === undefined ? { ok: true, bytes: Buffer.from(content) } : { ok: false, code }
    },
    glob: (pattern) => ({
      names: expandBraces(pattern)
        .flatMap((one) =>
          names.filter((name) =>
            isThere(one) ? name === normalize(one) : matchesGlob(name, normalize(one)),
          ),
        )
        .sort(),
      failures: [],
    }),
    absolute: (path) => resolve('/here', path),
    kind: (path) => fakeKind(path, isThere(path)),
  }
}

export function fakeWorld(files: Readonly<Record<string, string | Uint8Array>>): FakeWorld {
  return { sources: fakeSources(files), names: fakeNames, mainText: String(files.case ?? '') }
}

function fakeKind(path: string, isFile: boolean): PathKind {
  const isProgram = PROGRAMS.has(path)
  const isReadable = isFile || isProgram || READABLE.has(path) || DIRECTORIES.has(path)
  const type = DIRECTORIES.has(path) ? 'directory' : isReadable || LOCKED.has(path) ? 'file' : 'missing'
  const unreadable = isReadable ? undefined : type === 'missing' ? 'ENOENT' : 'EACCES'
  return { type, unreadable, isExecutable: isProgram || DIRECTORIES.has(path) }
}
