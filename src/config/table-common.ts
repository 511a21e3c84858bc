import { applyDebugSteps, type DebugStep, debugSteps } from './debug-mask.js'
import { directory, logTarget } from './file-types.js'
import { count, UINT_MAX, yesNo } from './number-types.js'
import { caseRow } from './pattern-types.js'
import { folded, optional, value } from './row.js'
import { syslogFacility, syslogSeverity, text } from './text-types.js'

/** Directives of the top level that either section may also set for its own process. */
export const commonRows = {
  syslogIdent: optional('syslog ident', text('NAME'), {
    doc: 'Name under which lines appear in the system log.',
    defaultText: "the program's name",
  }),
  syslogSeverity: value('syslog severity|level', syslogSeverity, 'INFO', {
    doc: 'Severity that lines are logged with.',
  }),
  syslogFacility: value('syslog facility', syslogFacility, 'UUCP', {
    doc: 'Facility that lines are logged with.',
  }),
  syslogDefault: optional('syslog default', yesNo, {
    doc: 'Accepted for the sake of old files; has no effect.',
  }),
  syslogFilter: optional('syslog filter', count({ max: UINT_MAX }), {
    doc: 'Accepted for the sake of old files; has no effect.',
  }),
  debugMask: folded('debug|trace', debugSteps, foldDebugSteps, {
    doc:
      'Turns trace output on: numbers of the mask that -d takes, or words (CONFIG, PROC, NET, DNS, ALL, NONE; the ' +
      "original's others are accepted), with - in front to turn one off. Repetitions add up.",
    defaultText: 'NONE',
  }),
  debugRedirect: optional('debug|trace redirect', logTarget, { doc: 'Where trace output goes.' }),
  proctitle: optional('proctitle', text(), { doc: 'Accepted for the sake of old files; has no effect.' }),
  coredumpDirectory: optional('coredump directory', directory, {
    doc:
      "Lets processes that hold keys of TLS leave core files, which they otherwise do not. A core goes where the kernel's " +
      'core_pattern says, not into this directory.',
  }),
  regexMatchCase: caseRow,
}

function foldDebugSteps(items: readonly (readonly DebugStep[])[], inherited: number | undefined): number {
  return applyDebugSteps(inherited ?? 0, items.flat())
}
