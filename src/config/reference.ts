/** Generates the reference page of the configuration language, docs/configuration.md, from the directive table. */
import { NEED_NAMES } from './landed.js'
import { LANGUAGE_CHAPTER } from './language-chapter.js'
import { moduleRows } from './module-rows.js'
import { type Block, block, type Need, type Row } from './row.js'
import { adminBlock } from './table-admin.js'
import { commonRows } from './table-common.js'
import { discoverBlock } from './table-discover.js'
import { healthBlock } from './table-health.js'
import { banBlock, limitBlock } from './table-limit.js'
import { moduleBlocks } from './table-mavis.js'
import { serverBlock } from './table-mavis-remote.js'
import { NOT_OVERRIDDEN, overrideRows } from './table-overrides.js'
import { poolBlock } from './table-pool.js'
import { queueBlock } from './table-queue.js'
import { relayingRows } from './table-relaying.js'
import { remoteBlock } from './table-remote.js'
import { routeBlock } from './table-route.js'
import { listenBlock, spawnBlock, spawndBlock } from './table-spawnd.js'
import { stickyBlock } from './table-sticky.js'
import { tcprelayBlock } from './table-tcprelay.js'
import { testBlock } from './table-test.js'
import { certificateBlock, listenerTlsRows } from './table-tls.js'
import { topBlock } from './table-top.js'
import { nameOf } from './word-tree.js'

interface Chapter {
  readonly title: string
  readonly block: Block<unknown>
  readonly intro: string
}

const commonModuleBlock = block(
  'mavis module',
  'Directives of every module. The directives of each module follow.',
  moduleRows,
)
const SERVER_TITLE = 'Block `server { … }` in module `remote`'

const CHAPTERS: readonly Chapter[] = [
  { title: 'Top level', block: topBlock, intro: 'Directives outside of all sections.' },
  { title: 'Section `spawnd`', block: spawndBlock, intro: spawndBlock.doc },
  { title: 'Block `listen { … }` in `spawnd`', block: listenBlock, intro: listenBlock.doc },
  { title: 'Block `spawn { … }` in `spawnd`', block: spawnBlock, intro: spawnBlock.doc },
  { title: 'Block `admin { … }` in `spawnd`', block: adminBlock, intro: adminBlock.doc },
  { title: 'Section `tcprelay`', block: tcprelayBlock, intro: tcprelayBlock.doc },
  {
    title: 'Block `tls certificate { … }` in `tcprelay` or `listen`',
    block: certificateBlock,
    intro: certificateBlock.doc,
  },
  { title: 'Block `pool = NAME { … }` in `tcprelay`', block: poolBlock, intro: poolBlock.doc },
  { title: 'Block `sticky { … }` in `tcprelay` or `pool`', block: stickyBlock, intro: stickyBlock.doc },
  { title: 'Block `queue { … }` in `tcprelay` or `pool`', block: queueBlock, intro: queueBlock.doc },
  {
    title: 'Block `limit { … }` in `tcprelay`, `listen` or `pool`',
    block: limitBlock,
    intro: limitBlock.doc,
  },
  { title: 'Block `ban { … }` in `limit`', block: banBlock, intro: banBlock.doc },
  {
    title: 'Block `health { … }` in `tcprelay`, `pool` or `remote`',
    block: healthBlock,
    intro: healthBlock.doc,
  },
  {
    title: 'Block `discover { … }` in `tcprelay` or `pool`',
    block: discoverBlock,
    intro: discoverBlock.doc,
  },
  { title: 'Block `route { … }` in `tcprelay`', block: routeBlock, intro: routeBlock.doc },
  { title: 'Block `test "NAME" { … }` in `tcprelay`', block: testBlock, intro: testBlock.doc },
  { title: 'Block `remote { … }` in `tcprelay` or `pool`', block: remoteBlock, intro: remoteBlock.doc },
  {
    title: 'Block `mavis module … { … }` in `tcprelay`',
    block: commonModuleBlock,
    intro: commonModuleBlock.doc,
  },
  ...[...moduleBlocks].flatMap(([name, block]): Chapter[] => [
    { title: `Module \`${name}\``, block, intro: block.doc },
    ...(name === 'remote' ? [{ title: SERVER_TITLE, block: serverBlock, intro: serverBlock.doc }] : []),
  ]),
]

// Keys of rows that several blocks have: they are described once.
const MODULE_KEYS = new Set(Object.keys(moduleRows))

const COMMON_KEYS = new Set(Object.keys(commonRows))
const RELAYING_KEYS = new Set(Object.keys(relayingRows))
const OVERRIDE_KEYS = new Set(Object.keys(overrideRows))
const LISTENER_TLS_KEYS = new Set(Object.keys(listenerTlsRows))

/** The whole page: the chapter on the language, then one chapter for each block of the table. */
export function referencePage(landed: ReadonlySet<Need>): string {
  const contents = CHAPTERS.map(({ title }) => `* [${title}](#${anchorOf(title)})\n`).join('')
  const chapters = CHAPTERS.map((chapter) => describeChapter(chapter, landed))
  return [LANGUAGE_CHAPTER.replace('<!-- contents -->\n', contents), ...chapters].join('\n')
}

function describeChapter({ title, block: of, intro }: Chapter, landed: ReadonlySet<Need>): string {
  const rows = Object.entries(of.rows)
  const isCommon = ([key, row]: Entry) => COMMON_KEYS.has(key) && row.isInherited === true
  const isOfSection = ([key]: Entry) =>
    (of === listenBlock && LISTENER_TLS_KEYS.has(key)) || (of === poolBlock && RELAYING_KEYS.has(key))
  const isOverride = ([key]: Entry) => of === listenBlock && OVERRIDE_KEYS.has(key)
  const isOfModules = ([key]: Entry) => isModule(of) && MODULE_KEYS.has(key)
  const own = rows.filter(
    (entry) => ![isCommon, isOfSection, isOverride, isOfModules].some((isOther) => isOther(entry)),
  )
  const notes =
    describedElsewhere(
      rows.filter(isCommon),
      'These may also be set here, for this process only; otherwise the value of the top level applies',
    ) +
    describedElsewhere(
      rows.filter(isOfSection),
      `These may also be set here, for this ${of === poolBlock ? 'pool' : 'listener'} only; otherwise the value of section \`tcprelay\` applies`,
    ) +
    describedElsewhere(
      rows.filter(isOverride),
      'These may also be set here, for the clients of this listener; they override the value of the pool',
    ) +
    (of === listenBlock ? NOT_OVERRIDDEN_TEXT : '')
  const described = own.map(([, row]) => describeRow(row, landed))
  return `## ${title}\n\n${intro}\n${notes}\n${described.join('\n')}`
}

const NOT_OVERRIDDEN_NAMES = Object.values(NOT_OVERRIDDEN).map((row) => `\`${nameOf(row)}\``)
const NOT_OVERRIDDEN_TEXT =
  `\nA listener cannot override ${NOT_OVERRIDDEN_NAMES.join(', ')}: all clients of a pool share its policy and the state ` +
  'of its remotes. `tcp keepalive` and its options of a listener are about the sockets of its clients, those of a pool ' +
  'about sockets to remotes. The overrides have no effect where children are another program. A relay whose master is ' +
  'another program does not know its listeners: there the values of the pools apply.\n'

type Entry = readonly [key: string, row: Row]

function isModule(block: Block<unknown>): boolean {
  return [...moduleBlocks.values()].some((one) => one === block)
}

/** A sentence that lists directives which another chapter describes. */
function describedElsewhere(entries: readonly Entry[], sentence: string): string {
  if (entries.length === 0) return ''
  return `\n${sentence}: ${entries.map(([, row]) => `\`${nameOf(row)}\``).join(', ')}.\n`
}

function describeRow(row: Row, landed: ReadonlySet<Need>): string {
  const notes = [describeDefault(row), describeZero(row), describePlace(row), describeOrigin(row)]
  const text = [row.doc, ...notes, describeNeed(row, landed)].filter((note) => note !== '').join(' ')
  return `### \`${grammarOf(row)}\`\n\n${describeSpellings(row)}${text}\n`
}

function grammarOf(row: Row): string {
  const name = nameOf(row)
  if (row.kind === 'block' || row.kind === 'blocks') return `${name} { … }`
  if (row.kind === 'sections') return `${name} = NAME { … }`
  if (row.kind === 'kinds') return `${name} ${row.heading.grammar} { … }`
  // The grammar of such directives contains the `=` itself, or none is usual.
  return /^(\[not\]|NAME [={])/.test(row.type.grammar) && row.kind === 'list'
    ? `${name} ${row.type.grammar}`
    : `${name} = ${row.type.grammar}`
}

function describeSpellings(row: Row): string {
  const isPlain = row.spellings.length === 1 && !(row.spellings[0] ?? '').includes('|')
  if (isPlain) return ''
  return `Spellings: ${row.spellings.map((spelling) => `\`${spelling}\``).join(' or ')}\n\n`
}

function describeDefault(row: Row): string {
  // The first rule that applies: inherited, described, a value of the type.
  if (row.isInherited === true) return 'Default: the value in the enclosing section.'
  if (row.defaultText !== undefined) return `Default: ${row.defaultText}.`
  if (row.kind !== 'value' || row.fallback === undefined || row.fallback === '') return ''
  return `Default: \`${row.type.format?.(row.fallback) ?? String(row.fallback)}\`.`
}

function describeZero(row: Row): string {
  return row.zero === undefined ? '' : `Zero: ${row.zero}.`
}

function describePlace(row: Row): string {
  return row.isAlsoOutside === true ? 'May also be written directly in the section.' : ''
}

function describeOrigin(row: Row): string {
  return row.isOurs === true ? '*Not in the original.*' : ''
}

/** A warning in bold for directives that this version accepts and does not execute. */
function describeNeed(row: Row, landed: ReadonlySet<Need>): string {
  if (row.needs === undefined || landed.has(row.needs)) return ''
  const which = row.needsWhen === undefined ? '' : ' with some values'
  const where = row.isForwarded === true ? ' (children of another program handle it themselves)' : ''
  return `**Checked, but rejected at start${which}: this version does not support ${NEED_NAMES[row.needs]} yet${where}.**`
}

/** The anchor that GitHub generates for a heading. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(' ', '-')
}
