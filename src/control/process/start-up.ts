/** Start-up of all processes: kernel checks, log, shutdown; of a head also pidfile, listeners and early signals. */
import { basename } from 'node:path'
import { EXIT_CANNOT_CREATE, EXIT_OK, EXIT_OS, EXIT_SOFTWARE, EXIT_TEMPORARY } from '../../base/exit-codes.js'
import { POLL_VARIABLE, SELECT_DESCRIPTORS } from '../../base/poll-mechanism.js'
import { problemLine } from '../../config/problems.js'
import type { ProcessPlan } from '../../engine/plan.js'
import { hideMemory } from '../../kernel/hide-memory.js'
import { descriptorLimit } from '../../kernel/limits.js'
import { linuxCalls } from '../../kernel/linux-calls.js'
import { linuxSystem } from '../../kernel/linux-system.js'
import type { System } from '../../kernel/system.js'
import { Boundary } from '../../observe/boundary.js'
import type { Log } from '../../observe/log.js'
import { ERR, INFO, NOTICE, WARNING } from '../../observe/severity.js'
import { TraceChannel } from '../../observe/trace.js'
import { prepareMachine } from '../../plan/check/machine.js'
import { childSessionsMax } from '../../plan/compile/limits.js'
import { headProcess } from '../../plan/compile/worker-plans.js'
import type { Loaded, LoadOptions } from '../../plan/load/load.js'
import { isUnderInetd } from '../../services/handed-over.js'
import { OrphanReaper } from '../../services/orphan-reaper.js'
import { writePidfile } from '../../services/pidfile.js'
import { ServiceManager } from '../../services/service-manager.js'
import { version } from '../../services/version.js'
import { detach, isInBackground, wantsBackground } from './background.js'
import { type BoundListener, bindAll } from './listeners.js'
import { openLog, writeText } from './log-setup.js'
import { Shutdown } from './shutdown.js'

/** The services of every process after its start-up. */
export interface Started {
  /** Name by which the program was started. */
  readonly program: string
  /** As on the command line. */
  readonly configurationFile: string
  readonly system: System
  readonly log: Log
  readonly shutdown: Shutdown
  /** Contains exceptions of handlers of external data. */
  readonly boundary: Boundary
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
}

/** A process that binds its own listeners. */
export interface StartedHead extends Started {
  /** By slot of the listener; undefined: it could not be bound. */
  readonly bound: readonly (BoundListener | undefined)[]
  readonly gracePeriodMs: number
  /** systemd or another service manager, if it supports notification (sd_notify). */
  readonly manager: ServiceManager
  /** Removes the pidfile, so that a successor can start. */
  releasePidfile(): void
  /** Removes the early signal handlers. Returns whether SIGHUP has arrived since the configuration was read. */
  releaseSignals(): boolean
}

/** Checks the kernel, opens the log, and routes uncaught exceptions to `Shutdown`. Undefined: the process must exit. */
export function startProcess(options: LoadOptions, plan: ProcessPlan): Started | undefined {
  const { arguments: given, program, programPath } = options
  const problem = prepareMachine(plan.mechanism)
  if (problem !== undefined) {
    writeText(`${program}: ${problem.message}\n`)
    process.exitCode = problem.exitCode
    return undefined
  }
  // Before the keys are passed to the reactor or to children.
  if (plan.hidesMemory) hideMemory()
  const system = linuxSystem()
  const log = openLog(system.calls, plan.log, given, programPath)
  const shutdown = new Shutdown()
  // From here on an exception ends the process with a log line.
  shutdown.catchAll((error) => log.say(ERR, `control thread: ${describe(error)}`), EXIT_SOFTWARE)
  return {
    program: basename(programPath, '.js'),
    configurationFile: given.configuration,
    system,
    log,
    shutdown,
    boundary: new Boundary(log.say, () => system.clock.monotonicMs()),
    traceMask: given.debugMask | plan.debugMask,
  }
}

/** Like `startProcess`, for a process that has read its configuration itself; logs the start-up lines. */
export function startReader(options: LoadOptions, loaded: Loaded): Started | undefined {
  const started = startProcess(options, headProcess(loaded))
  if (started === undefined) return undefined
  tellStartup(loaded, started.log)
  traceConfiguration(loaded, started.traceMask, started.log)
  return started
}

function tellStartup({ mechanism, problems }: Loaded, log: Log): void {
  log.say(INFO, `startup (version ${version()})`)
  for (const problem of problems) log.say(WARNING, problemLine(problem))
  log.say(INFO, `${mechanism} event notification mechanism is being used`)
  if (mechanism !== 'select' || descriptorLimit() < SELECT_DESCRIPTORS) return
  const limits = `${SELECT_DESCRIPTORS} descriptors and so about ${childSessionsMax()} connections a process`
  log.say(NOTICE, `select has ${limits}: for more use epoll (${POLL_VARIABLE} = 4), or more children`)
}

/** Starts a head: detaches if configured, locks the pidfile, binds the listeners. Undefined: the process exits. */
export async function startHead(options: LoadOptions, loaded: Loaded): Promise<StartedHead | undefined> {
  const { arguments: given } = options
  const { spawnd, tcprelay } = loaded
  // Under inetd the process stays in the foreground, like the original: inetd waits for its exit.
  if (wantsBackground(loaded, options) && !isInBackground() && !isUnderInetd(linuxCalls())) {
    detach()
    return undefined
  }
  // Before the pidfile exists: an early SIGTERM must remove it.
  const releaseSignals = onEarlySignals(() => started?.shutdown.exit(EXIT_OK))
  const started = startReader(options, loaded)
  if (started === undefined) return undefined
  const { log, system, shutdown } = started
  // PID 1 of a container without an init process.
  if (process.pid === 1) new OrphanReaper().start()
  const releasePidfile = holdPidfile(given.pidfile ?? spawnd.pidfile, shutdown, log)
  if (releasePidfile === undefined) {
    shutdown.exit(EXIT_CANNOT_CREATE)
    return undefined
  }
  // After the pidfile: a second instance ends before it touches addresses and socket files of the first.
  const bound = await bindAll(system.calls, spawnd, log.say)
  // A listener with `bind retry delay` may be bound later, so the process goes on without any.
  const mayRetry = spawnd.listeners.some(({ bindRetryDelayMs }) => bindRetryDelayMs > 0)
  if (!mayRetry && bound.every((listener) => listener === undefined)) {
    log.say(ERR, 'Failed to bind to any address or port. Exiting.')
    shutdown.exit(EXIT_TEMPORARY)
    return undefined
  }
  const { gracePeriodS } = given
  const gracePeriodMs = gracePeriodS === undefined ? tcprelay.gracePeriodMs : gracePeriodS * 1000
  const manager = new ServiceManager(system.calls, process.env, process.pid, log.say)
  return { ...started, bound, gracePeriodMs, manager, releasePidfile, releaseSignals }
}

/** A start that fails for lack of descriptors or memory is logged as one line, without a stack trace. */
export function startOrLeave({ log, releaseSignals, shutdown }: StartedHead, start: () => void): void {
  try {
    start()
    // The head's own handlers are installed now.
    if (releaseSignals()) process.emit('SIGHUP')
  } catch (error) {
    log.say(ERR, `cannot start: ${error instanceof Error ? error.message : error}`)
    shutdown.exit(EXIT_OS)
  }
}

/**
 * Before the process serves it has no sessions, so SIGTERM and SIGINT shut it down at once, which removes the pidfile.
 * SIGHUP is recorded for a reload after the start, because the file may have changed after it was read.
 */
function onEarlySignals(exit: () => void): () => boolean {
  let isReloadWanted = false
  const remember = () => {
    isReloadWanted = true
  }
  process.on('SIGTERM', exit).on('SIGINT', exit).on('SIGHUP', remember)
  return () => {
    process.off('SIGTERM', exit).off('SIGINT', exit).off('SIGHUP', remember)
    return isReloadWanted
  }
}

/** Traces every directive with its position, without values, because some are secret. */
function traceConfiguration({ given, sections }: Loaded, traceMask: number, log: Log): void {
  const trace = new TraceChannel('CONFIG', traceMask, log.say)
  if (!trace.isOn) return
  trace.say(`sections '${sections.masterId}' and '${sections.childId}'`)
  for (const { blocks, name, position } of given) {
    trace.say(`${position.file}:${position.line}:${position.column}: ${[...blocks, name].join(' > ')}`)
  }
}

/** Creates and locks the pidfile, if configured. Returns a function that removes it; undefined: it failed. */
function holdPidfile(path: string | undefined, shutdown: Shutdown, log: Log): (() => void) | undefined {
  if (path === undefined) return () => {}
  try {
    const pidfile = writePidfile(path, process.pid)
    let isHeld = true
    const release = () => {
      if (isHeld) pidfile.remove()
      isHeld = false
    }
    shutdown.add({
      end(done) {
        release()
        done()
      },
    })
    return release
  } catch (error) {
    log.say(ERR, `cannot write the pidfile: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
