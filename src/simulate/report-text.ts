/** A report as text for a terminal. */
import type {
  PoolFigures,
  PoolReport,
  QueueFigures,
  RemoteFigures,
  RemoteReport,
  Report,
  TraceSummary,
} from './report.js'

/** Cells of a table, the first row being its head; the first column is aligned to the left. */
type Table = readonly (readonly string[])[]

const NOTHING = '-'

/** `notes`: what else the reader has to know, a sentence each. */
export function reportText(report: Report, notes: readonly string[]): string {
  const parts = [
    [...summaryLines(report.trace), ...notes].map((line) => `${line}\n`).join(''),
    ...report.pools.map(poolText),
    refusedText(report),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function summaryLines(summary: TraceSummary): readonly string[] {
  const { clients, connections, leftOut } = summary
  const span = [summary.from, summary.to].filter((time) => time !== undefined)
  const when = span.length === 0 ? '' : `, ${span.join(' to ')}`
  const reasons = Object.entries(leftOut).sort(([, a], [, b]) => b - a)
  const left = reasons.map(([reason, count]) => `${integer(count)} with ${reason}`)
  return [
    `${integer(connections)} connections of ${integer(clients)} clients${when}`,
    ...(left.length === 0 ? [] : [`not simulated: ${left.join(', ')}`]),
  ]
}

function poolText(pool: PoolReport): string {
  const { logged, name, policy, simulated } = pool
  const title = policy === undefined ? `pool ${name} (only in the log)` : `pool ${name} (${policy})`
  const views = logged === undefined ? [simulated] : [simulated, logged]
  const heads = logged === undefined ? ['simulated'] : ['simulated', 'log']
  const rows: Table = [
    ['', ...heads],
    ['connections', ...views.map(({ connections }) => integer(connections))],
    ['clients', ...views.map(({ clients }) => integer(clients))],
    ['moved clients', ...views.map(({ movedClients }) => integer(movedClients))],
    ['moves', ...views.map(({ moves }) => integer(moves))],
    ['refused: no remote', ...views.map(({ noRemote }) => integer(noRemote))],
    ...queueRows(views),
    ['cut by outages', integer(simulated.cut), ...(logged === undefined ? [] : [NOTHING])],
    ['imbalance of connections', ...views.map((view) => ratio(view.connectionImbalance))],
    ['imbalance of sessions', ...views.map((view) => ratio(view.sessionImbalance))],
    ...differenceRow(pool),
  ]
  return `${title}\n${table(remoteTable(pool))}\n${table(rows)}`
}

/** Nothing if no client has waited or was refused in either view. */
function queueRows(views: readonly PoolFigures[]): Table {
  const queues = views.map(({ queue }) => queue)
  if (queues.every(({ full, timeouts, waited }) => waited + timeouts + full === 0)) return []
  const row = (name: string, cell: (queue: QueueFigures) => string) => [name, ...queues.map(cell)]
  return [
    row('refused: queue full', ({ full }) => integer(full)),
    row('refused: queue timeout', ({ timeouts }) => integer(timeouts)),
    row('clients that waited', ({ waited }) => integer(waited)),
    row('wait: mean', ({ meanWaitMs }) => seconds(meanWaitMs)),
    row('wait: 95 %', ({ p95WaitMs }) => seconds(p95WaitMs)),
    row('wait: maximum', ({ maxWaitMs }) => seconds(maxWaitMs)),
    row('waiting clients: peak', ({ peakWaiting }) => integer(peakWaiting)),
  ]
}

function differenceRow({ different, logged }: PoolReport): Table {
  if (different === undefined || logged === undefined) return []
  return [['other remote than in the log', integer(different), '']]
}

function remoteTable({ logged, remotes }: PoolReport): Table {
  const columns = ['connections', 'share', 'mean', 'peak']
  const ofLog = logged === undefined ? [] : ['|', ...columns.map((column) => `log: ${column}`)]
  return [['remote', 'weight', 'expected', ...columns, ...ofLog], ...remotes.map(remoteRow)]
}

function remoteRow({ expectedShare, logged, name, simulated, weight }: RemoteReport): readonly string[] {
  return [
    name,
    weight === undefined ? NOTHING : integer(weight),
    expectedShare === undefined ? NOTHING : percent(expectedShare),
    ...figureCells(simulated),
    ...(logged === undefined ? [] : ['|', ...figureCells(logged)]),
  ]
}

function figureCells({ connections, meanSessions, peakSessions, share }: RemoteFigures): readonly string[] {
  return [integer(connections), percent(share), meanSessions.toFixed(1), integer(peakSessions)]
}

/** Clients that no pool got; '' if there are none. */
function refusedText({ refused: { logged, simulated } }: Report): string {
  const views = logged === undefined ? [simulated] : [simulated, logged]
  const rows = [
    ['by access rules', ...views.map(({ rejected }) => integer(rejected))],
    ['no route', ...views.map(({ noRoute }) => integer(noRoute))],
    ['by routes', ...views.map(({ rejectedByRoute }) => integer(rejectedByRoute))],
  ]
  const isEmpty = views.every((view) => Object.values(view).every((count) => count === 0))
  return isEmpty ? '' : table([['refused', 'simulated', ...(logged === undefined ? [] : ['log'])], ...rows])
}

function table(rows: Table): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const lineOf = (row: readonly string[]) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
    return `  ${cells.join('  ')}`.trimEnd()
  }
  return rows.map((row) => `${lineOf(row)}\n`).join('')
}

function ratio(value: PoolFigures['sessionImbalance']): string {
  return value === undefined ? NOTHING : value.toFixed(2)
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? NOTHING : `${(ms / 1_000).toFixed(3)} s`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** `1,234,567` */
function integer(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',')
}
