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
 * The log of a process: syslog; readable lines on stderr too when that is a terminal, when -D asks for them,
 * and when there is no syslog daemon to take them.
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

/** The system's log alone. */
export function openSystemLog(calls: Calls, settings: LogPlan, programPath: string): Log {
  const targets = { syslog: new Syslog(calls), echo: undefined, trace: undefined }
  return new Log(logOptions(settings, programPath), targets)
}

function logOptions(settings: LogPlan, programPath: string): LogOptions {
  return {
    ident: settings.syslogIdent ?? basename(programPath, '.js'),
    pid: process.pid,
    facility: FACILITIES[settings.syslogFacility],
    severity: SEVERITIES.indexOf(settings.syslogSeverity),
  }
}

/** `debug redirect`: undefined leaves traces with the other lines. An error: they stay there, because it cannot be opened. */
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

/** Made at the first line: `-v` and `-h` need no native code. */
function stderrOutput(): LineOutput {
  stderrLines ??= new LineOutput(STDERR, dropNotice)
  return stderrLines
}

/** Writes at once, or drops and counts: a line about a crash must not wait in a buffer, nor the process for a reader. */
export function writeLine(line: string): void {
  stderrOutput().write(line)
}

/** Retry interval for lines that stderr had no room for. */
const RETRY_MS = 20

let isRetrying = false

/**
 * A line of the log. When stderr has no room, lines are kept for a while, because access lines and traces to the same
 * pipe can fill it within milliseconds. Traces are dropped like access lines.
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
    process.off('exit', retry)
    if (!stderrOutput().writeKept()) retryLater()
  }
  setTimeout(retry, RETRY_MS).unref()
  process.on('exit', retry)
}

/** Text that is shown before the process ends: waits some seconds for a reader that is slow. */
export function writeText(text: string): void {
  stderrOutput().writeAll(text)
}

function dropNotice(count: number): string {
  return `${new Date().toISOString()} tcprelay[${process.pid}] warning: ${count} log lines were dropped: nobody read them\n`
}
