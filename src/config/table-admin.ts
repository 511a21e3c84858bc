/** The directives of the administration of a running relay. */

import { type HostLiteral, parseHostLiteral } from '../base/address.js'
import { ADMIN_LEVELS, type AdminLevel } from '../base/admin-level.js'
import { DEFAULT_ADMIN_PATH } from '../base/admin-path.js'
import type { Position } from '../base/problem.js'
import { groupId } from './account-types.js'
import { parsePort, socketPath } from './address-types.js'
import { withoutBrackets } from './address-value.js'
import { Refusal, refuseText, shownPath } from './expectation.js'
import { fileMode } from './number-types.js'
import { type Completion, completedBlock, list, optional, type Settings } from './row.js'
import { cannotRead } from './sources.js'
import { choice, text } from './text-types.js'
import { type AdminToken, readTokenFile } from './token-file.js'
import { commaList, oneToken } from './value-type.js'

/** The owner only. */
const DEFAULT_MODE = 0o600

export type AdminPlace = { readonly position: Position } & (
  | {
      readonly kind: 'unix'
      readonly path: string
      readonly mode: number
      /** Undefined: that of the process. */
      readonly gid: number | undefined
      /** Of all who may connect. */
      readonly level: AdminLevel
    }
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      readonly tokens: readonly AdminToken[]
      readonly hostNames: readonly string[]
    }
)

const hostAddress = withoutBrackets(
  oneToken<HostLiteral>('ADDRESS', (given) => parseHostLiteral(given) ?? refuseText('an IP address', given)),
)

const port = oneToken('PORT', (given, { names }) => {
  return parsePort(given) ?? names.service(given, 'tcp') ?? refuseText('a port from 0 to 65535', given)
})

/** Lines of the file are not shown, because they contain tokens. */
const tokenFile = oneToken<readonly AdminToken[]>('FILE', (file, { sources }) => {
  const answer = sources.read(file)
  if (!answer.ok) return new Refusal(cannotRead(file, answer.code, sources))
  const { mistakes, tokens } = readTokenFile(answer.bytes)
  const [first] = mistakes
  return first === undefined ? tokens : new Refusal(`${shownPath(sources.absolute(file))}: ${first}`)
})

const adminRows = {
  path: optional('path', socketPath, {
    doc:
      'Path of the Unix socket. Its directory must exist. Clients need no token: who may connect is decided by `mode` ' +
      'and `group`. Several relays on one machine need different paths.',
    defaultText: `\`${DEFAULT_ADMIN_PATH}\`, unless \`address\` is given`,
    isOurs: true,
  }),
  mode: optional('mode', fileMode, {
    doc: 'Mode of the Unix socket.',
    defaultText: '`0600`: the user of the master only',
    isOurs: true,
  }),
  group: optional('group', groupId, {
    doc: 'Group of the Unix socket, with a `mode` such as `0660`.',
    defaultText: 'the group of the master',
    isOurs: true,
  }),
  level: optional('level', choice(ADMIN_LEVELS), {
    doc:
      'What clients of the Unix socket may do. `read`: ask. `operate`: also drain remotes and set their weights. `admin`: ' +
      'everything, such as reload and stop.',
    defaultText: '`admin`',
    isOurs: true,
  }),
  address: optional('address', hostAddress, {
    doc:
      'IP address to listen on by TCP, instead of a Unix socket. The connection is not encrypted: use a loopback address, ' +
      'or a network that you trust.',
    isOurs: true,
  }),
  port: optional('port', port, {
    doc: 'Port of `address`.',
    zero: 'a port that the system chooses',
    isOurs: true,
  }),
  tokens: optional('token file', tokenFile, {
    doc:
      'File with a line `LEVEL TOKEN` for each client by TCP; required with `address`. A client sends its token as ' +
      '`Authorization: Bearer TOKEN`, and has the level of its line, see `level`. A token has at least 16 letters, digits ' +
      'or `.` `_` `~` `+` `/` `-`. Lines that begin with `#` are comments. The file is read again at a reload.',
    isOurs: true,
  }),
  hostNames: list('host name|names', commaList(text('NAME')), {
    doc:
      'Names by which clients address the port. Requests to other names are rejected, so that a page in a browser cannot ' +
      'reach it by a name of its own (DNS rebinding). IP addresses and `localhost` are always accepted.',
    defaultText: 'none',
    isOurs: true,
  }),
}

type Given = Settings<typeof adminRows>

export const adminBlock = completedBlock(
  'admin',
  'Lets administrators ask and change the running relay: by `tcprelayctl`, by HTTP, and at `/metrics` in the format ' +
    'OpenMetrics, see [operations](operations.md#ask-a-running-relay). Repeat it for more places. Without it there is none.',
  adminRows,
  (given, completion) =>
    given.address === undefined ? unixPlace(given, completion) : tcpPlace(given, completion),
)

function unixPlace(given: Given, { hasMistakes, refuse }: Completion): AdminPlace | undefined {
  const {
    group,
    hostNames,
    level = 'admin',
    mode = DEFAULT_MODE,
    path = DEFAULT_ADMIN_PATH,
    position,
    port,
    tokens,
  } = given
  if (hasMistakes) return undefined
  const [ofTcp] = [
    ...(port === undefined ? [] : ['port']),
    ...(tokens === undefined ? [] : ['token file']),
    ...(hostNames.length === 0 ? [] : ['host name']),
  ]
  if (ofTcp !== undefined) return refuse(`'${ofTcp}' requires 'address': clients of a Unix socket need none`)
  if (path.startsWith('\0'))
    return refuse('an abstract socket has no mode, so every process could connect: use a path')
  return { kind: 'unix', path, mode, gid: group, level, position }
}

function tcpPlace(given: Given, { hasMistakes, refuse }: Completion): AdminPlace | undefined {
  const { address, group, hostNames, level, mode, path, port, position, tokens } = given
  if (hasMistakes || address === undefined) return undefined
  const [ofUnix] = [
    ...(path === undefined ? [] : ['path']),
    ...(mode === undefined ? [] : ['mode']),
    ...(group === undefined ? [] : ['group']),
    ...(level === undefined ? [] : ['level']),
  ]
  if (ofUnix !== undefined)
    return refuse(`'${ofUnix}' is about Unix sockets and cannot be used with 'address'`)
  if (port === undefined) return refuse("'address' requires 'port'")
  if (tokens === undefined)
    return refuse("'address' requires 'token file': every process could connect otherwise")
  const scope = address.family === 'ipv6' && address.scope !== '' ? `%${address.scope}` : ''
  return { kind: 'tcp', host: address.host + scope, port, tokens, hostNames: hostNames.flat(), position }
}
