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
  doc: 'Pause between two looks for what is out of date.',
  zero: 'with every question',
})

const cacheBlock = moduleBlock(
  'cache',
  'Keeps answers of the modules below it for a while. Of TACPLUS, which is what this program asks, it keeps them whole.',
  {
    expireMs: optional('expire', time(), {
      doc: 'How long answers are kept.',
      defaultText: 'none are kept',
      zero: 'none are kept',
    }),
    expireFtpMs: optional('expire FTP|ftp', time(), {
      doc: 'The same for questions of TYPE `FTP`.',
      defaultText: '`expire`',
      zero: 'none are kept',
    }),
    expireTacplusMs: optional('expire TACPLUS|tacplus', time(), {
      doc: 'The same for questions of TYPE `TACPLUS`.',
      defaultText: '`expire`',
      zero: 'none are kept',
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
  'Refuses clients by their address once the modules below it have refused them too often.',
  {
    count: value('blacklist count', count(), 0, {
      doc: 'Refusals after which an address is on the list.',
      zero: 'no address ever is',
    }),
    timeMs: value('blacklist time', time(), 300_000, {
      doc: 'How long refusals are remembered, and how long an address stays on the list.',
      zero: 'not at all',
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
  'Does nothing but what its scripts do. It has no directives of its own.',
  {},
  () => ({ module: 'null' }) as const,
)

const PATTERNS =
  '`not` for all others. A [pattern](#scripts) between slashes is one of Perl and needs the `=` in front, others are of POSIX.'

const groupsBlock = moduleBlock(
  'groups',
  'Works on the groups in the answers of the modules below it: makes names of numbers, and leaves out some of them.',
  {
    resolveGid: value('resolve gid', yesNo, false, { doc: 'Makes a name of the number in GID.' }),
    resolveGids: value('resolve gids', yesNo, false, { doc: 'Makes names of the numbers in GIDS.' }),
    gidAttribute: value('resolve gid attribute', attribute, AV.GID, {
      doc: 'Attribute that the name for GID is put into.',
    }),
    gidsAttribute: value('resolve gids attribute', attribute, AV.GIDS, {
      doc: 'Attribute that the names for GIDS are put into.',
    }),
    gidFilter: filters('gid filter', idFilters, 'Numbers that stay in GID; `not` for all others.'),
    gidsFilter: filters('gids filter', idFilters, 'Numbers that stay in GIDS; `not` for all others.'),
    groupFilter: filters('group filter', nameFilters, `Names that stay in GID; ${PATTERNS}`),
    groupsFilter: filters('groups filter', nameFilters, `Names that stay in GIDS and TACMEMBER; ${PATTERNS}`),
    memberOfFilter: filters('memberof filter', nameFilters, `Names that stay in MEMBEROF; ${PATTERNS}`),
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
  'Appends questions and answers to files, as the module `external` would send them.',
  {
    pathIn: optional('path in', writtenFile, { doc: 'File for questions.', defaultText: '`path`' }),
    pathOut: optional('path out', writtenFile, { doc: 'File for answers.', defaultText: '`path`' }),
    path: optional('path', writtenFile, { doc: 'File for both.' }),
    mode: value('mode', fileMode, 0o600, { doc: 'Mode of a file that is made.' }),
    user: optional('userid|user-id', userId, {
      doc: 'Owner of a file that is made. A name brings its group along.',
      defaultText: "this program's user",
    }),
    group: optional('groupid|group-id', groupId, {
      doc: 'Group of a file that is made.',
      defaultText: "this program's, or the user's",
    }),
  },
  ({ group, mode, path, pathIn = path, pathOut = path, user }, { refuse }) => {
    if (pathIn === undefined && pathOut === undefined) return refuse("this module needs a file: 'path'")
    return { module: 'tee', pathIn, pathOut, mode, uid: user?.uid, gid: group ?? user?.gid } as const
  },
)

const CERTIFICATE_MODES = { required: 'cert-required', sufficient: 'cert-sufficient' } as const

/** `cert [required|sufficient]`; alone it changes nothing, as in the original. */
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
  'Compares what a client has shown with what the modules below it know: PASSWORD with DBPASSWORD, CERTSUBJ with ' +
    'DBCERTSUBJ. Their answer needs to have no RESULT: ACK becomes NFD.',
  {
    mode: value(['authmode', 'authentication-mode'], authMode, 'password', {
      doc:
        'Whether the subject of a certificate is needed beside the password, or is enough. `cert` alone leaves it at ' +
        'the password.',
      defaultText: 'the password alone counts',
    }),
  },
  ({ mode }) => ({ module: 'auth', mode }) as const,
)

const errorBlock = moduleBlock(
  'error',
  'Makes refusals of the errors of the modules below it, until there are too many in a row.',
  {
    file: optional('file', writtenFile, {
      doc: 'File that errors are counted in, for all processes together.',
      defaultText: 'the module does nothing',
    }),
    threshold: value('threshold', count(), 0, {
      doc: 'Errors in a row with which an error stays one.',
      zero: 'it always does',
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
    defaultText: 'all of them',
  })
}

const NOTES = { isOurs: true, needs: 'MAVIS' } as const

/** Directives of section `tcprelay`. */
export const mavisRows = {
  mavisAuthorization: optional('mavis authorization', located(choice(['none', 'host', 'user'])), {
    doc:
      'Whether modules are asked who may connect, and about what: `host` the address of a client, `user` whom its ' +
      'certificate or pre-shared key names.',
    defaultText: '`none`',
    ...NOTES,
    needsWhen: (mode) => mode !== undefined && mode.value !== 'none',
  }),
  mavisDefault: value('mavis default', choice(['permit', 'deny']), 'deny', {
    doc:
      'What becomes of clients that no module knows, and of all of them when all modules are down. With `mavis require ' +
      'member` they are in no group and so never let in.',
    ...NOTES,
  }),
  mavisTimeoutMs: value('mavis timeout', time({ min: 1 }), 5_000, {
    doc: 'Time that all modules together may take for one client; it is refused then.',
    zero: 'not allowed',
    ...NOTES,
  }),
  mavisCacheTimeoutMs: value('mavis cache timeout', time(), 0, {
    doc: 'How long an answer holds for the same question, in each process.',
    zero: 'it is asked again each time',
    ...NOTES,
  }),
  mavisMembers: list('mavis require member', commaList(text('GROUP')), {
    doc: 'Groups of which a client has to be in one, by the TACMEMBER or MEMBEROF of the answer. May be repeated.',
    defaultText: 'none is needed',
    ...NOTES,
  }),
  mavisPaths: list('mavis path', text('DIRECTORY'), {
    doc: 'Where the original looked for modules; accepted, has no effect: they are part of this program.',
  }),
  mavisModules: ofKinds('mavis module', moduleHeading([...moduleBlocks.keys()]), moduleBlocks, {
    doc:
      'A module that is asked who may connect. Repeat it for a chain: the next one is asked when this one has no ' +
      'answer. NAME is what it is called in answers and in the log, its place in the chain (`0`, `1`, …) if there is ' +
      'none. MODULE may also be the path of a library of the original, as `/usr/lib/mavis/libmavis_external.so`.',
    needs: 'MAVIS',
  }),
}
