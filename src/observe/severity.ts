/** Severities of syslog (RFC 5424, 6.2.1), most severe first. */
export const SEVERITIES = ['EMERG', 'ALERT', 'CRIT', 'ERR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG'] as const

export const ERR = 3
export const WARNING = 4
export const NOTICE = 5
export const INFO = 6
export const DEBUG = 7

export type SeverityName = (typeof SEVERITIES)[number]
