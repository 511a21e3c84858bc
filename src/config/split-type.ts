/** The value type of `split`: which parts of the clients go to which pools. */
import { type Refusal, refuseText, shown } from './expectation.js'
import type { Located } from './located.js'
import { parseName } from './name-type.js'
import { parseCount } from './number-types.js'
import type { Problems } from './problems.js'
import { readBracedBlock } from './statement-types.js'
import { isPunctuation, isText, type Token } from './token.js'
import { acceptedOrReported, reportUnexpected, type ValueType } from './value-type.js'

export interface SplitShare {
  readonly pool: Located<string>
  readonly share: number
}

/** Shares are relative to their sum, so large numbers serve no purpose. */
const SHARE_MAX = 1_000_000

/** `{ a = 90 b = 10 }` */
export const splitShares: ValueType<readonly SplitShare[]> = {
  grammar: '{ NAME = N … }',
  read(input) {
    const { problems, tokens } = input
    const { position } = tokens.peek()
    const body = readBracedBlock(input, "pools with their shares: '{ a = 90 b = 10 }'")
    const shares = body && readShares(body, problems)
    if (shares === undefined) return undefined
    // A share of zero takes a pool out, and another one must be left.
    if (shares.some(({ share }) => share > 0)) return shares
    problems.error(position, 'this split has no share above 0')
    return undefined
  },
}

function readShares(body: readonly Token[], problems: Problems): readonly SplitShare[] | undefined {
  // `a = 90 b = 10`, `a 90, b 10`: `=` and commas have no meaning here.
  const parts = body.filter((token) => !isPunctuation(token, '=') && !isPunctuation(token, ','))
  const shares: SplitShare[] = []
  for (let i = 0; i < parts.length; i += 2) {
    const pool = accepted(parts[i] as Token, 'the name of a pool', parseName, problems)
    const last = parts[i] as Token
    if (pool === undefined) return undefined
    const isTwice = shares.some((earlier) => earlier.pool.value === pool)
    if (isTwice) problems.error(last.position, `the pool ${shown(pool)} is given twice`)
    const token = parts[i + 1]
    if (token === undefined) problems.error(last.position, `the pool ${shown(pool)} has no share`)
    const share = token && accepted(token, 'a share', parseShare, problems)
    if (share === undefined || isTwice) return undefined
    shares.push({ pool: { value: pool, position: last.position }, share })
  }
  return shares
}

function accepted<T>(
  token: Token,
  wanted: string,
  parse: (text: string) => T | Refusal,
  problems: Problems,
): T | undefined {
  if (isText(token)) return acceptedOrReported(problems, token, parse(token.text))
  reportUnexpected(problems, token, wanted)
  return undefined
}

function parseShare(text: string): number | Refusal {
  const share = parseCount(text)
  const isShare = share !== undefined && share >= 0 && share <= SHARE_MAX
  return isShare ? share : refuseText(`a share from 0 to ${SHARE_MAX}`, text)
}
