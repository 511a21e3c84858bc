/** Opens the log of a process and writes to its stderr. */
import { basename } from 'node:path'
import { isatty } from 'node:tty'
import type { Arguments } from '../../config/arguments.js'
import type { LogPlan } from '../../engine/plan.js'
import type { Calls } from '../../kernel/calls.js'
import { LineOutput } from '../../observe/line-output.js'
import { Log, type LogOptions, type WriteLine } from '../../observe/log.js'
import { DEBUG, ERR, SEVERITIES } from '../../observe/severity.js'
import { FACILITIES, Syslog } from '../../observe/syslog.js'
import { openForLines } from '../../services/open-file.js'

/**
 * The log of a process: syslog, and readable lines on stderr if that is a terminal, with -D, or without a syslog
 * daemon.
 */
export function openLog(calls: Calls, settings: LogPlan, given: Arguments, programPath: string): Log {
  const isEchoed = given.isDebugOnStderr || isatty(STDERR)
  const trace = traceTarget(settings.debugRedirect)
  const targets = {
    syslog: new Syslog(calls),
    echo: isEchoed ? writeLogLine : undefined,
    fallback: writeLogLine,
  }
  const log = new Log(logOptions(settings, programPath), {
    ...targets,
    trace: trace instanceof Error ? undefined : trace,
  })
  if (trace instanceof Error) log.say(ERR, `cannot open the file of traces: ${trace.message}`)
  return log
}

/** A log to syslog only. */
export function openSystemLog(calls: Calls, settings: LogPlan, programPath: string): Log {
  const targets = { syslog: new Syslog(calls), echo: undefined, trace: undefined }
  return new Log(logOptions(settings, programPath), targets)
}

/** `severity` replaces that of informational lines (`Log`). */
function logOptions(settings: LogPlan, programPath: string): LogOptions {
  return {
    ident: settings.syslogIdent ?? basename(programPath, '.js'),
    pid: process.pid,
    facility: FACILITIES[settings.syslogFacility],
    severity: SEVERITIES.indexOf(settings.syslogSeverity),
  }
}

/** The target of `debug redirect`; undefined: that of other lines. An error if the file cannot be opened. */
function traceTarget(target: LogPlan['debugRedirect']): WriteLine | Error | undefined {
  if (target === undefined || target.kind === 'syslog') return undefined
  if (target.kind === 'stderr') return writeLine
  try {
    const output = new LineOutput(openForLines(target.path), dropNotice)
    return (line) => output.write(line)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const STDERR = 2

let stderrLines: LineOutput | undefined

/** Created at the first line, so that `-v` and `-h` load no native code. */
function stderrOutput(): LineOutput {
  stderrLines ??= new LineOutput(STDERR, dropNotice)
  return stderrLines
}

/** Opens stderr before its first line: afterwards the process may not open files. */
export function openStderr(): void {
  stderrOutput()
}

/** Writes without buffering or blocking, so that a line about a crash is not lost; without room drops and counts. */
export function writeLine(line: string): void {
  stderrOutput().write(line)
}

/** Retry interval for lines that stderr had no room for. */
const RETRY_MS = 20

let isRetrying = false

/**
 * Writes a line of the log. If stderr is full, lines are kept and retried, because access lines and traces can fill the
 * same pipe within milliseconds. Traces are dropped like access lines.
 */
function writeLogLine(line: string, severity: number): void {
  if (severity === DEBUG) writeLine(line)
  else if (stderrOutput().writeOrKeep(line)) retryLater()
}

function retryLater(): void {
  if (isRetrying) return
  isRetrying = true
  const retry = () => {
    isRetrying = false
    // One handler at most, however often stderr is full.
    process.off('exit', retry)
    if (!stderrOutput().writeKept()) retryLater()
  }
  setTimeout(retry, RETRY_MS).unref()
  process.on('exit', retry)
}

/** Writes text before the process exits: waits some seconds for a slow reader. */
export function writeText(text: string): void {
  stderrOutput().writeAll(text)
}

function dropNotice(count: number): string {
  return `${new Date().toISOString()} tcprelay[${process.pid}] warning: ${count} log lines were dropped: the output was full\n`
}
