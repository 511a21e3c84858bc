import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { PROJECT_DIR } from '../system/machine.js'
import type { Relay, RelaySite } from './relay.js'

/**
 * Fills in the words LISTENPORT, REMOTEHOST and REMOTEPORT, also as parts of an argument, and the names
 * of files: CERTFILE, KEYFILE, and PEMFILE for both in one.
 */
export function fillIn(word: string, site: RelaySite): string {
  return word
    .replaceAll('LISTENPORT', String(site.listenPort))
    .replaceAll('REMOTEHOST', site.remoteHost)
    .replaceAll('REMOTEPORT', String(site.remotePort))
    .replaceAll('CERTFILE', site.certificate?.certificateFile ?? '')
    .replaceAll('KEYFILE', site.certificate?.keyFile ?? '')
    .replaceAll('PEMFILE', site.certificate?.bothFile ?? '')
}

/** The program runs in a folder of its own, so names of files of the project become absolute. */
function absolute(word: string): string {
  const path = join(PROJECT_DIR, word)
  return !isAbsolute(word) && word.includes('/') && existsSync(path) ? path : word
}

/**
 * Any program as the judged relay, from `--subject`. Words are split at spaces and no shell is
 * involved, so that the measured process is the program itself.
 */
export function subjectRelay(commandLine: string): Relay {
  const [command = '', ...args] = commandLine.trim().split(/\s+/).map(absolute)
  return {
    name: 'subject',
    setting: commandLine,
    isOurs: true,
    speaks: /CERTFILE|PEMFILE/.test(commandLine) ? 'tls' : 'plain',
    detect: () => ({ isPresent: true, version: 'from the command line' }),
    launch: (site) => ({ command, args: args.map((word) => fillIn(word, site)) }),
  }
}
