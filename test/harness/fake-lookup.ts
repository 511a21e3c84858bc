import { readFileSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'

/**
 * Loaded before the program by `--import`: the query of the module's URL is a file with the answer to lookups of
 * names in `.test`, read each time. `Names` writes it.
 */
const file = new URL(import.meta.url).search.slice(1)

/** `error`: a code instead of addresses. `afterMs`: the duration of a lookup; absent: it never ends. */
export interface NamesAnswer {
  readonly addresses?: readonly string[]
  readonly error?: string
  readonly afterMs?: number
}

const promises: typeof import('node:dns/promises') = createRequire(import.meta.url)('node:dns/promises')
const lookup = promises.lookup as (host: string, options: object) => Promise<unknown>

async function answer(): Promise<unknown> {
  const { addresses = [], afterMs, error }: NamesAnswer = JSON.parse(readFileSync(file, 'utf8'))
  await new Promise((resolve) => {
    if (afterMs !== undefined) setTimeout(resolve, afterMs)
  })
  if (error !== undefined) throw Object.assign(new Error(error), { code: error })
  return addresses.map((address) => ({ address, family: isIP(address) }))
}

Object.assign(promises, {
  lookup: (host: string, options: object) => (host.endsWith('.test') ? answer() : lookup(host, options)),
})
syncBuiltinESMExports()
