/** The addresses of the name servers. */
import { readFile } from 'node:fs/promises'
import { type HostAddress, parseHostLiteral, withPort } from '../../base/address.js'
import { errorReason } from '../error-reason.js'
import { DnsFailure } from './dns-failure.js'

const RESOLV_CONF = '/etc/resolv.conf'
const DNS_PORT = 53

/** Without a file or a server in it: the machine itself (resolv.conf(5)). */
const DEFAULT: HostAddress = { family: 'ipv4', host: '127.0.0.1', port: DNS_PORT }

/** The servers of the system. Read for each round of lookups: a change takes effect with the next one. */
export async function systemServers(path = RESOLV_CONF): Promise<readonly HostAddress[]> {
  try {
    return serversIn(await readFile(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [DEFAULT]
    throw new DnsFailure(`cannot read ${path}: ${errorReason(error)}`)
  }
}

/** Other lines, such as `search` and `options`, have no meaning for us: names are absolute. */
export function serversIn(text: string): readonly HostAddress[] {
  const literals = text.split('\n').flatMap((line) => {
    const [, host = ''] = /^\s*nameserver\s+(\S+)/.exec(line) ?? []
    return parseHostLiteral(host) ?? []
  })
  const servers = literals.map((literal) => withPort(literal, DNS_PORT))
  return servers.length === 0 ? [DEFAULT] : servers
}

/** The host as functions of Node accept it. */
export function hostOf(address: HostAddress): string {
  return address.family === 'ipv6' && address.scope !== '' ? `${address.host}%${address.scope}` : address.host
}
