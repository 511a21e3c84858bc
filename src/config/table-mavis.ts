/** The directives about MAVIS in section `tcprelay`, and the modules that this program has built in. */
import { AV } from '../base/mavis-attributes.js'
import type { ModuleSettings } from '../mavis/settings.js'
import { groupId, userId } from './account-types.js'
import { writtenFile } from './file-types.js'
import { located } from './located.js'
import { moduleHeading } from './module-heading.js'
import { moduleBlock } from './module-rows.js'
import { count, fileMode, time, yesNo } from './number-types.js'
import { idFilters, nameFilters } from './pattern-types.js'
import { type Block, folded, list, ofKinds, optional, value } from './row.js'
import { attribute } from './script-attribute.js'
import { externalBlock, externalMtBlock } from './table-mavis-helpers.js'
import { remoteModuleBlock } from './table-mavis-remote.js'
import { choice, text } from './text-types.js'
import { commaList, reportUnexpected, type ValueType } from './value-type.js'

const purgePeriodMs = value(['purge period', 'purge-outdated'], time(), 300_000, {
  doc: 'Interval between removals of expired entries.',
  zero: 'with every query',
})

const cacheBlock = moduleBlock(
  'cache',
  'Caches answers of the modules below it; those of TYPE `TACPLUS`, which this program queries, completely.',
  {
    expireMs: optional('expire', time(), {
      doc: 'How long answers are cached.',
      defaultText: 'no caching',
      zero: 'no caching',
    }),
    expireFtpMs: optional('expire FTP|ftp', time(), {
      doc: 'Like `expire`, for queries of TYPE `FTP`.',
      defaultText: '`expire`',
      zero: 'no caching',
    }),
    expireTacplusMs: optional('expire TACPLUS|tacplus', time(), {
      doc: 'Like `expire`, for queries of TYPE `TACPLUS`.',
      defaultText: '`expire`',
      zero: 'no caching',
    }),
    purgePeriodMs,
  },
  ({ expireFtpMs, expireMs = 0, expireTacplusMs, purgePeriodMs }) => {
    const times = [
      ['FTP', expireFtpMs ?? expireMs],
      ['TACPLUS', expireTacplusMs ?? expireMs],
    ] as const
    return { module: 'cache', expireMs: new Map(times.filter(([, ms]) => ms > 0)), purgePeriodMs } as const
  },
)

const limitBlock = moduleBlock(
  'limit',
  'Rejects clients by address after the modules below it have rejected them too often.',
  {
    count: value('blacklist count', count(), 0, {
      doc: 'Number of rejections after which an address is blacklisted.',
      zero: 'no blacklist',
    }),
    timeMs: value('blacklist time', time(), 300_000, {
      doc: 'How long rejections are counted, and how long an address is blacklisted.',
      zero: 'no blacklist',
    }),
    purgePeriodMs,
  },
  ({ count, purgePeriodMs, timeMs }) => ({ module: 'limit', count, timeMs, purgePeriodMs }) as const,
)

const logBlock = moduleBlock(
  'log',
  'Logs the answers of the modules below it. It has no directives of its own.',
  {},
  () => ({ module: 'log' }) as const,
)

const nullBlock = moduleBlock(
  'null',
  'Only runs its scripts. It has no directives of its own.',
  {},
  () => ({ module: 'null' }) as const,
)

const PATTERNS =
  '`not` inverts the list. A [pattern](#scripts) is in POSIX syntax, or between slashes and after `=` in Perl syntax.'

const groupsBlock = moduleBlock(
  'groups',
  'Processes groups in the answers of the modules below it: maps numbers to names, and filters groups.',
  {
    resolveGid: value('resolve gid', yesNo, false, { doc: 'Maps the number in GID to a name.' }),
    resolveGids: value('resolve gids', yesNo, false, { doc: 'Maps the numbers in GIDS to names.' }),
    gidAttribute: value('resolve gid attribute', attribute, AV.GID, {
      doc: 'Attribute that receives the name for GID.',
    }),
    gidsAttribute: value('resolve gids attribute', attribute, AV.GIDS, {
      doc: 'Attribute that receives the names for GIDS.',
    }),
    gidFilter: filters('gid filter', idFilters, 'Numbers that are kept in GID; `not` inverts the list.'),
    gidsFilter: filters('gids filter', idFilters, 'Numbers that are kept in GIDS; `not` inverts the list.'),
    groupFilter: filters('group filter', nameFilters, `Names that are kept in GID; ${PATTERNS}`),
    groupsFilter: filters(
      'groups filter',
      nameFilters,
      `Names that are kept in GIDS and TACMEMBER; ${PATTERNS}`,
    ),
    memberOfFilter: filters('memberof filter', nameFilters, `Names that are kept in MEMBEROF; ${PATTERNS}`),
  },
  (given) => {
    const { gidAttribute, gidFilter, gidsAttribute, gidsFilter, resolveGid, resolveGids } = given
    const { groupFilter, groupsFilter, memberOfFilter } = given
    const numbers = { resolveGid, resolveGids, gidAttribute, gidsAttribute, gidFilter, gidsFilter }
    return { module: 'groups', ...numbers, groupFilter, groupsFilter, memberOfFilter } as const
  },
)

const teeBlock = moduleBlock(
  'tee',
  'Appends queries and answers to files, in the format of the module `external`.',
  {
    pathIn: optional('path in', writtenFile, { doc: 'File for queries.', defaultText: '`path`' }),
    pathOut: optional('path out', writtenFile, { doc: 'File for answers.', defaultText: '`path`' }),
    path: optional('path', writtenFile, { doc: 'File for both.' }),
    mode: value('mode', fileMode, 0o600, { doc: 'Mode of a file that is created.' }),
    user: optional('userid|user-id', userId, {
      doc: 'Owner of a file that is created. A name also sets the group.',
      defaultText: "this program's user",
    }),
    group: optional('groupid|group-id', groupId, {
      doc: 'Group of a file that is created.',
      defaultText: "this program's, or the user's",
    }),
  },
  ({ group, mode, path, pathIn = path, pathOut = path, user }, { refuse }) => {
    if (pathIn === undefined && pathOut === undefined)
      return refuse("this module needs a file: add 'path = FILE'")
    return { module: 'tee', pathIn, pathOut, mode, uid: user?.uid, gid: group ?? user?.gid } as const
  },
)

const CERTIFICATE_MODES = { required: 'cert-required', sufficient: 'cert-sufficient' } as const

/** `cert [required|sufficient]`; `cert` alone keeps the password mode, as in the original. */
const authMode: ValueType<'password' | 'cert-required' | 'cert-sufficient'> = {
  grammar: 'cert [required|sufficient]',
  read({ problems, tokens }) {
    const first = tokens.peek()
    if (first.kind !== 'word' || first.text !== 'cert') {
      reportUnexpected(problems, first, "'cert'")
      return undefined
    }
    tokens.next()
    const { kind, text } = tokens.peek()
    if (kind !== 'word' || (text !== 'required' && text !== 'sufficient')) return 'password'
    tokens.next()
    return CERTIFICATE_MODES[text]
  },
}

const authBlock = moduleBlock(
  'auth',
  'Compares credentials of a client with those from the modules below it: PASSWORD with DBPASSWORD, CERTSUBJ with ' +
    'DBCERTSUBJ. The answer must have no RESULT: ACK becomes NFD.',
  {
    mode: value(['authmode', 'authentication-mode'], authMode, 'password', {
      doc:
        'Whether the certificate subject is required in addition to the password, or is sufficient. `cert` alone ' +
        'checks only the password.',
      defaultText: 'only the password is checked',
    }),
  },
  ({ mode }) => ({ module: 'auth', mode }) as const,
)

const errorBlock = moduleBlock(
  'error',
  'Converts errors of the modules below it into rejections, up to a number of consecutive errors.',
  {
    file: optional('file', writtenFile, {
      doc: 'File that counts errors of all processes together.',
      defaultText: 'the module has no effect',
    }),
    threshold: value('threshold', count(), 0, {
      doc: 'Number of consecutive errors from which an error is reported as an error.',
      zero: 'always',
    }),
  },
  ({ file, threshold }) => ({ module: 'error', file, threshold }) as const,
)

const BLOCKS: readonly Block<ModuleSettings>[] = [
  externalBlock,
  externalMtBlock,
  remoteModuleBlock,
  cacheBlock,
  limitBlock,
  logBlock,
  nullBlock,
  groupsBlock,
  teeBlock,
  authBlock,
  errorBlock,
]

/** The blocks of all modules, by their names. */
export const moduleBlocks: ReadonlyMap<string, Block<ModuleSettings>> = new Map(
  BLOCKS.map((block) => [block.name, block]),
)

function filters<T>(spelling: string, type: ValueType<readonly T[]>, doc: string) {
  return folded(spelling, type, (lists: readonly (readonly T[])[]) => lists.flat(), {
    doc,
    defaultText: 'all',
  })
}

const NOTES = { isOurs: true, needs: 'MAVIS' } as const

/** Directives of section `tcprelay`. */
export const mavisRows = {
  mavisAuthorization: optional('mavis authorization', located(choice(['none', 'host', 'user'])), {
    doc:
      'Whether modules authorise clients, and by what: `host` by the address of the client, `user` by the name in ' +
      'its certificate or by the identity of its pre-shared key.',
    defaultText: '`none`',
    ...NOTES,
    needsWhen: (mode) => mode !== undefined && mode.value !== 'none',
  }),
  mavisDefault: value('mavis default', choice(['permit', 'deny']), 'deny', {
    doc:
      'Decision for clients that no module knows, and for all clients while all modules are down. With `mavis ' +
      'require member` such clients are in no group and always rejected.',
    ...NOTES,
  }),
  mavisTimeoutMs: value('mavis timeout', time({ min: 1 }), 5_000, {
    doc: 'Time limit of all modules together for one client; after it, the client is rejected.',
    zero: 'not allowed',
    ...NOTES,
  }),
  mavisCacheTimeoutMs: value('mavis cache timeout', time(), 0, {
    doc: 'How long each process caches an answer to the same query.',
    zero: 'no caching',
    ...NOTES,
  }),
  mavisMembers: list('mavis require member', commaList(text('GROUP')), {
    doc: 'A client must be in one of these groups (TACMEMBER or MEMBEROF of the answer). May be repeated.',
    defaultText: 'no group is required',
    ...NOTES,
  }),
  mavisPaths: list('mavis path', text('DIRECTORY'), {
    doc: 'Search path for modules of the original. Accepted, has no effect: the modules are built in.',
  }),
  mavisModules: ofKinds('mavis module', moduleHeading([...moduleBlocks.keys()]), moduleBlocks, {
    doc:
      'A module that authorises clients. Repeat it for a chain: if this module has no answer, the next one is ' +
      'queried. NAME identifies the module in answers and in the log; default: its index in the chain (`0`, `1`, ' +
      '…). MODULE may also be the path of a library of the original, such as ' +
      '`/usr/lib/mavis/libmavis_external.so`.',
    needs: 'MAVIS',
  }),
}
