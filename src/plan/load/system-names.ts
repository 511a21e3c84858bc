/** Lookup of users, groups and services of this system. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { machine, release, type } from 'node:os'
import type { Account, Names } from '../../config/names.js'

/** Time limit of getent: a directory service that does not answer must not block the start. */
const GETENT_TIMEOUT_MS = 5_000

/** Searches the files in /etc first, then getent(1), which also queries LDAP and the like. */
export function systemNames(folder = '/etc', lookUp = getent): Names {
  // In this order, because getent blocks this thread until a directory service answers.
  const find = (file: string, query: string, isIt: (line: string) => boolean) =>
    linesOf(`${folder}/${file}`).find(isIt) ?? lookUp(file, query)
  return {
    user: (name) => accountOf(find('passwd', name, (line) => line.startsWith(`${name}:`))),
    group: (name) =>
      numberAt(
        find('group', name, (line) => line.startsWith(`${name}:`)),
        2,
      ),
    service: (name, protocol) =>
      portOf(find('services', `${name}/${protocol}`, (line) => isService(line, name, protocol))),
    platform: `${type()}-${release()}-${machine()}`.toLowerCase(),
  }
}

function accountOf(line: string | undefined): Account | undefined {
  const uid = numberAt(line, 2)
  const gid = numberAt(line, 3)
  return uid === undefined || gid === undefined ? undefined : { uid, gid }
}

/** passwd(5) and group(5): fields separated by colons. */
function numberAt(line: string | undefined, index: number): number | undefined {
  const field = line?.split(':')[index] ?? ''
  return /^\d+$/.test(field) ? Number(field) : undefined
}

/** `name port/protocol alias…` */
function isService(line: string, name: string, protocol: string): boolean {
  const [first, port = '', ...aliases] = serviceFields(line)
  return port.endsWith(`/${protocol}`) && [first, ...aliases].includes(name)
}

function portOf(line: string | undefined): number | undefined {
  const [, port = ''] = serviceFields(line ?? '')
  const [, digits] = /^(\d+)\//.exec(port) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** services(5): fields separated by blanks; `#` starts a comment. */
function serviceFields(line: string): readonly string[] {
  return (line.split('#')[0] ?? '').trim().split(/\s+/)
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}

/** Rejects names that begin with `-`: a configuration by another author must not pass options to getent. */
function getent(database: string, key: string): string | undefined {
  if (!/^[\w.][\w.$@/-]*$/.test(key)) return undefined
  // Synchronous, as the parser asks while it reads a line.
  const { status, stdout } = spawnSync('getent', [database, key], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: GETENT_TIMEOUT_MS,
  })
  return status === 0 ? stdout.split('\n')[0] : undefined
}
