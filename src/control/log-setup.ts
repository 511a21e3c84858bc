import { openSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import type { Arguments } from '../config/arguments.js'
import type { SpawndSettings } from '../config/table-spawnd.js'
import type { Calls } from '../kernel/calls.js'
import { Log, type WriteLine } from '../observe/log.js'
import { SEVERITIES } from '../observe/severity.js'
import { FACILITIES, Syslog } from '../observe/syslog.js'
import type { LogSettings } from '../plan/log-settings.js'

/**
 * The log of a process: syslog; readable lines on stderr too when that is a terminal, when -D asks for them,
 * and when there is no syslog daemon to take them.
 */
export function openLog(calls: Calls, settings: LogSettings, given: Arguments, programPath: string): Log {
  const syslog = new Syslog(calls)
  const isEchoed = given.isDebugOnStderr || process.stderr.isTTY === true
  return new Log(
    {
      ident: settings.syslogIdent ?? basename(programPath, '.js'),
      pid: process.pid,
      facility: FACILITIES[settings.syslogFacility],
      severity: SEVERITIES.indexOf(settings.syslogSeverity),
    },
    {
      syslog,
      echo: isEchoed ? writeLine : undefined,
      fallback: writeLine,
      trace: traceTarget(settings.debugRedirect),
    },
  )
}

/** `debug redirect`: undefined leaves traces with the other lines. A file is written line by line. */
function traceTarget(target: SpawndSettings['debugRedirect']): WriteLine | undefined {
  if (target === undefined || target.kind === 'syslog') return undefined
  if (target.kind === 'stderr') return writeLine
  const fd = openSync(target.path, 'a', 0o640)
  return (line) => writeTo(fd, line)
}

/** Written at once: a line about a crash must not wait in a buffer. */
export function writeLine(line: string): void {
  writeTo(2, line)
}

/** A terminal that is gone, or a full disk, costs the line and nothing else. */
export function writeTo(fd: number, line: string): void {
  try {
    writeSync(fd, line)
  } catch {}
}
