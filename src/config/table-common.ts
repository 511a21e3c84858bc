/** Directives that the top level and both sections have in common. */
import { applyDebugSteps, type DebugStep, debugSteps } from './debug-mask.js'
import { directory, logTarget } from './file-types.js'
import { type Located, located } from './located.js'
import { count, UINT_MAX, yesNo } from './number-types.js'
import { caseRow } from './pattern-types.js'
import { folded, optional, value } from './row.js'
import { syslogFacility, syslogSeverity, text } from './text-types.js'
import { commaList } from './value-type.js'

/** Directives of the top level that either section may also set for its own process. */
export const commonRows = {
  syslogIdent: optional('syslog ident', text('NAME'), {
    doc: 'Program name of lines in the system log.',
    defaultText: "the program's name",
  }),
  syslogSeverity: value('syslog severity|level', syslogSeverity, 'INFO', {
    doc: 'Severity of lines in the system log.',
  }),
  syslogFacility: value('syslog facility', syslogFacility, 'UUCP', {
    doc: 'Facility of lines in the system log.',
  }),
  syslogDefault: optional('syslog default', yesNo, {
    doc: 'Accepted for compatibility; has no effect.',
  }),
  syslogFilter: optional('syslog filter', count({ max: UINT_MAX }), {
    doc: 'Accepted for compatibility; has no effect.',
  }),
  debugMask: folded('debug|trace', debugSteps, foldDebugSteps, {
    doc:
      'Enables trace output: numbers of the mask that `-d` takes, or words (`CONFIG`, `PROC`, `NET`, `DNS`, `ALL`, ' +
      "`NONE`; the original's other words are accepted), prefixed with `-` to disable one. Repetitions add up.",
    defaultText: 'NONE',
  }),
  debugRedirect: optional('debug|trace redirect', logTarget, { doc: 'Destination of trace output.' }),
  proctitle: optional('proctitle', text(), { doc: 'Accepted for compatibility; has no effect.' }),
  coredumpDirectory: optional('coredump directory', directory, {
    doc:
      'Allows core dumps of processes that hold TLS keys; they are disabled otherwise. The kernel writes core ' +
      'files according to core_pattern, not into this directory.',
  }),
  regexMatchCase: caseRow,
  geoFiles: folded(
    'geo file',
    commaList(located(text('FILE'))),
    (given, inherited: readonly Located<string>[] | undefined) =>
      given.length === 0 ? (inherited ?? []) : given.flat(),
    {
      doc:
        'Database in the format MMDB with the networks of countries or autonomous systems, such as GeoLite2-Country.mmdb and ' +
        'GeoLite2-ASN.mmdb of MaxMind, or those of DB-IP and IPinfo. Access rules with `country` or `asn` need one; those of both ' +
        'sections use the files of both. It is read again when it changes, without a reload; while it cannot be read, the previous ' +
        'networks are kept.',
      defaultText: 'none',
      isOurs: true,
    },
  ),
}

function foldDebugSteps(items: readonly (readonly DebugStep[])[], inherited: number | undefined): number {
  return applyDebugSteps(inherited ?? 0, items.flat())
}
