/** Checks a loaded configuration against this version and this machine, before start, reload, or with `-P`. */
import {
  EXIT_CANNOT_CREATE,
  EXIT_CONFIG,
  EXIT_NO_INPUT,
  EXIT_NO_PERMISSION,
  EXIT_OS,
  EXIT_USAGE,
} from '../../base/exit-codes.js'
import type { Arguments } from '../../config/arguments.js'
import { unlandedProblems } from '../../config/check.js'
import { hasOtherChildren, ownDatagramProblems } from '../../config/check-datagrams.js'
import { ownProxyProblems } from '../../config/check-proxy.js'
import { LANDED } from '../../config/landed.js'
import type { ConfigProblem } from '../../config/problems.js'
import { overrideRows } from '../../config/table-overrides.js'
import { nameOf } from '../../config/word-tree.js'
import { CAP_SETGID, CAP_SETUID, hasCapability } from '../../kernel/capabilities.js'
import { linuxCalls } from '../../kernel/linux-calls.js'
import { hasSctp } from '../../kernel/sctp-sockets.js'
import { resolveHost } from '../../services/resolver.js'
import { resolvable } from '../compile/resolvable.js'
import type { Loaded } from '../load/load.js'
import { isPipe } from '../load/streamed-configuration.js'
import { listenerProblems } from './listener-limit.js'
import { socketProblems } from './socket-problems.js'
import { pidfileProblems, writtenFileProblems } from './written-files.js'

/** For -P: warnings about host names that cannot be resolved now. */
export async function lookedUpProblems({ spawnd, tcprelay }: Loaded): Promise<ConfigProblem[]> {
  // One place for each `listen` block, as its ports share the name.
  const places = [
    ...spawnd.listeners.flatMap(({ bind, portIndex, position }) =>
      bind.kind === 'name' && portIndex === 0 ? [{ name: bind, position }] : [],
    ),
    ...tcprelay.remotes.flatMap(({ target, position }) =>
      target.kind === 'name' ? [{ name: target, position }] : [],
    ),
  ]
  const problems = places.map(async ({ name, position }): Promise<ConfigProblem[]> => {
    const failure = await resolveHost(resolvable(name)).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
    if (failure === undefined) return []
    return [{ severity: 'warning', position, message: `cannot resolve '${name.host}' now: ${failure}` }]
  })
  return (await Promise.all(problems)).flat()
}

/** Errors of a valid configuration that this version or this machine cannot run, with children or without. */
export function startProblems(loaded: Loaded, hasChildren: boolean): readonly ConfigProblem[] {
  const { given, spawnd } = loaded
  return [
    // Children of another program may support what this version lacks.
    ...unlandedProblems(given, LANDED, hasChildren && spawnd.spawn.exec !== undefined),
    ...listenerProblems(loaded),
    ...socketProblems(linuxCalls(), loaded, hasChildren),
    ...(hasChildren ? uselessOverrides(loaded) : []),
    ...kernelProblems(loaded),
    ...(hasChildren ? userProblems(loaded) : []),
    ...writtenFileProblems(loaded),
  ]
}

/** Warnings about listeners that override options of relaying, which children of another program do not know. */
function uselessOverrides({ given, spawnd }: Loaded): readonly ConfigProblem[] {
  if (spawnd.spawn.exec === undefined) return []
  const names = new Set(Object.values(overrideRows).map(nameOf))
  return given
    .filter(({ blocks, name }) => blocks.at(-1) === 'listen' && names.has(name))
    .map(({ name, position }) => {
      const message = `'${name}' of a listener has no effect: another program relays its clients`
      return { severity: 'warning', position, message }
    })
}

/** Errors that matter at start only, not at a reload. */
export function headProblems(
  loaded: Loaded,
  given: Arguments,
  hasChildren: boolean,
): readonly ConfigProblem[] {
  return [
    ...backgroundProblems(loaded, given),
    ...(hasChildren ? foreignFileProblems(loaded, given) : singleProcessProblems(loaded, given)),
    ...pidfileProblems(loaded, given),
  ]
}

/** Without the permission to change to the configured user or group no child could start. */
function userProblems({ spawnd }: Loaded): readonly ConfigProblem[] {
  const { group, position, user } = spawnd.spawn
  // As in `control/children/child-program.ts`.
  const gid = group ?? user?.gid ?? user?.uid
  const isUserLost = user !== undefined && user.uid !== process.getuid?.() && !hasCapability(CAP_SETUID)
  const isGroupLost = gid !== undefined && gid !== process.getgid?.() && !hasCapability(CAP_SETGID)
  if (!isUserLost && !isGroupLost) return []
  const message = 'children are not permitted to switch to the configured user or group'
  const hint = 'start as root, or with CAP_SETUID and CAP_SETGID'
  return [{ severity: 'error', position, message, hint, code: 'forbidden' }]
}

/** Tried with a socket, which loads the kernel module if that is possible. */
function kernelProblems({ spawnd, tcprelay }: Loaded): readonly ConfigProblem[] {
  const places = [...spawnd.listeners, ...tcprelay.remotes].filter(({ sctp }) => sctp !== undefined)
  if (places.length === 0 || hasSctp(linuxCalls())) return []
  return places.map(({ position }) => {
    const hint = "load the kernel module: 'modprobe sctp'"
    return { severity: 'error', position, message: 'this kernel does not support SCTP', hint }
  })
}

/**
 * The background process does not inherit a socket of systemd or a pipe, so neither can be used with `background`.
 */
function backgroundProblems(
  { spawnd, top }: Loaded,
  { background = spawnd.background, configuration }: Arguments,
): readonly ConfigProblem[] {
  if (!background) return []
  const hint = "use 'background = no' or the option -f"
  const gone = spawnd.listeners.flatMap(({ bind, position }): ConfigProblem[] => {
    if (bind.kind !== 'inherited' || bind.name === undefined) return []
    const message = `the inherited socket '${bind.name}' cannot be used in the background`
    return [{ severity: 'error', position, message, hint }]
  })
  if (!isPipe(configuration)) return gone
  const message = 'a configuration from a pipe cannot be used in the background, where it is read again'
  return [...gone, { severity: 'error', position: top.position, message, hint }]
}

/** Children of another program open the configuration file themselves. */
function foreignFileProblems({ spawnd }: Loaded, { configuration }: Arguments): readonly ConfigProblem[] {
  const { config, exec, position } = spawnd.spawn
  if (exec === undefined || config !== undefined || !isPipe(configuration)) return []
  const message = 'children of another program cannot read a configuration from a pipe'
  return [{ severity: 'error', position, message, hint: "add 'config = FILE' to 'spawn'" }]
}

/** Errors for -1 with listeners that only the children of another program can serve, which -1 disables. */
export function singleProcessProblems(
  { spawnd }: Loaded,
  { isSingleProcess }: Arguments,
): readonly ConfigProblem[] {
  if (!isSingleProcess || !hasOtherChildren(spawnd)) return []
  return [...ownDatagramProblems(spawnd), ...ownProxyProblems(spawnd)]
}

/** The exit code for these problems, as in the original. */
export function exitCodeFor(problems: readonly ConfigProblem[]): number {
  const errors = problems.filter(({ severity }) => severity === 'error')
  // A mixture of kinds is a wrong configuration.
  const isAll = (code: ConfigProblem['code']) => errors.every((problem) => problem.code === code)
  if (isAll('unreadable')) return EXIT_NO_INPUT
  if (isAll('no-listeners')) return EXIT_OS
  if (isAll('cannot-create')) return EXIT_CANNOT_CREATE
  if (isAll('forbidden')) return EXIT_NO_PERMISSION
  return isAll('no-remotes') ? EXIT_USAGE : EXIT_CONFIG
}

/** Warnings change neither the start nor the exit code. */
export function hasErrors(problems: readonly ConfigProblem[]): boolean {
  return problems.some(({ severity }) => severity === 'error')
}
