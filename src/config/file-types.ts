/** Value types for files, directories and programs, which are checked when they are read. */
import { dirname } from 'node:path/posix'
import { Refusal, shownPath } from './expectation.js'
import { cannotRead, reasonOf } from './sources.js'
import { acceptedOrReported, oneToken, readOne, type ValueType, type World } from './value-type.js'

/** A file that must exist and be readable. */
export const readableFile = oneToken('FILE', (path, { sources }) => {
  // Checked by metadata only: a FIFO would block, and the contents are read later.
  const { type, unreadable } = sources.kind(path)
  const code = type === 'directory' ? 'EISDIR' : unreadable
  return code === undefined ? path : new Refusal(cannotRead(path, code, sources))
})

/** A program with its path; `%o` and `%O` stand for the platform, `%%` for a percent sign. */
export const executableFile = oneToken('PATH', checkExecutable)

/** The path of the program if it is executable. */
export function checkExecutable(pattern: string, world: World): string | Refusal {
  const path = expandPlatform(pattern, world)
  const { type, isExecutable, unreadable = '' } = world.sources.kind(path)
  if (type === 'file' && isExecutable) return path
  const reason =
    type === 'missing' ? reasonOf(unreadable) : type === 'file' ? 'it is not executable' : reasonOf('EINVAL')
  return new Refusal(`cannot run ${shownPath(world.sources.absolute(path))}: ${reason}`)
}

export const directory = oneToken('DIRECTORY', (path, { sources }) => checkDirectory(path, path, { sources }))

/** `working directory [WORD] = DIRECTORY`: the original requires a word without meaning. */
export const workingDirectory: ValueType<string> = {
  grammar: directory.grammar,
  read(input) {
    // The whole token, so that an error points to it.
    const readPath = () => readOne(input, 'a directory', (token) => token)
    const first = readPath()
    const path = first !== undefined && input.tokens.skipEquals() ? readPath() : first
    return path && acceptedOrReported(input.problems, path, checkDirectory(path.text, path.text, input))
  },
}

/** A file to be written: its directory must exist. */
export const writtenFile = oneToken('FILE', (path, world) => checkDirectory(dirname(path), path, world))

export type LogTarget =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'syslog' }
  | { readonly kind: 'stderr' }

/** A destination of lines: a file, `syslog` or `stderr`. */
export const logTarget: ValueType<LogTarget> = oneToken('FILE|syslog|stderr', (path, world) => {
  if (path === 'syslog' || path === 'stderr') return { kind: path }
  const { absolute, kind } = world.sources
  if (kind(path).type === 'directory') return new Refusal(`${shownPath(absolute(path))} is a directory`)
  const checked = checkDirectory(dirname(path), path, world)
  return checked instanceof Refusal ? checked : { kind: 'file', path: checked }
})

function checkDirectory(path: string, answer: string, { sources }: Pick<World, 'sources'>): string | Refusal {
  const { type, unreadable = '' } = sources.kind(path)
  if (type === 'directory') return answer
  const reason = reasonOf(type === 'missing' ? unreadable : 'ENOTDIR')
  return new Refusal(`cannot use directory ${shownPath(sources.absolute(path))}: ${reason}`)
}

function expandPlatform(pattern: string, { names }: World): string {
  return pattern.replace(/%([oO%])/g, (_, letter: string) => (letter === '%' ? '%' : names.platform))
}
