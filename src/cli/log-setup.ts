import { openSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import type { SpawndSettings } from '../config/table-spawnd.js'
import type { Calls } from '../kernel/calls.js'
import { Log, type WriteLine } from '../observe/log.js'
import { SEVERITIES } from '../observe/severity.js'
import { FACILITIES, Syslog } from '../observe/syslog.js'
import type { Arguments } from './arguments.js'

/**
 * The log of a process: syslog; readable lines on stderr too when that is a terminal, when -D asks for them,
 * and when there is no syslog daemon to take them.
 */
export function openLog(calls: Calls, settings: SpawndSettings, given: Arguments, programPath: string): Log {
  const syslog = new Syslog(calls)
  const hasSyslog = syslog.open()
  const isEchoed = given.isDebugOnStderr || process.stderr.isTTY === true || !hasSyslog
  return new Log(
    {
      ident: settings.syslogIdent ?? basename(programPath, '.js'),
      pid: process.pid,
      facility: FACILITIES[settings.syslogFacility],
      severity: SEVERITIES.indexOf(settings.syslogSeverity),
    },
    {
      syslog: hasSyslog ? syslog : undefined,
      echo: isEchoed ? writeLine : undefined,
      trace: traceTarget(settings.debugRedirect),
    },
  )
}

/** `debug redirect`: undefined leaves traces with the other lines. A file is written line by line. */
function traceTarget(target: SpawndSettings['debugRedirect']): WriteLine | undefined {
  if (target === undefined || target.kind === 'syslog') return undefined
  if (target.kind === 'stderr') return writeLine
  const fd = openSync(target.path, 'a', 0o640)
  return (line) => void writeSync(fd, line)
}

/** Written at once: a line about a crash must not wait in a buffer. A terminal that is gone is no error. */
export function writeLine(line: string): void {
  try {
    writeSync(2, line)
  } catch {}
}
