/**
 * A strict parser of OpenMetrics 1.0, written from the specification and independent of the product: it rejects what the
 * specification forbids, such as a family in two parts, a sample without a type, or a text without an end.
 */

export interface ParsedFamily {
  readonly type: string
  readonly unit: string | undefined
  readonly help: string | undefined
  /** By labels, sorted: `{listener="front"}`. */
  readonly samples: ReadonlyMap<string, number>
}

interface Open {
  readonly name: string
  type: string | undefined
  unit: string | undefined
  help: string | undefined
  readonly samples: Map<string, number>
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/

/** The suffix of the samples of a type, of those that the relay has. */
const SUFFIXES: Readonly<Record<string, string>> = { counter: '_total', gauge: '', info: '_info' }

/** Throws with the line that is wrong. */
export function parseOpenMetrics(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith('# EOF\n')) throw new Error('the text does not end with # EOF')
  const families = new Map<string, Open>()
  let open: Open | undefined
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    try {
      open = line.startsWith('# ') ? described(line, open, families) : sampled(line, open)
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}: ${line}`)
    }
  }
  return new Map(
    [...families].map(([name, { help, samples, type = '', unit }]) => [name, { help, samples, type, unit }]),
  )
}

function described(line: string, open: Open | undefined, families: Map<string, Open>): Open {
  const [, key = '', name = '', value = ''] = /^# (TYPE|UNIT|HELP) (\S+) (.*)$/.exec(line) ?? []
  if (!NAME.test(name)) throw new Error('no metadata')
  const family = open?.name === name ? open : begun(name, families)
  if (family.samples.size > 0) throw new Error('metadata behind samples')
  const field = key.toLowerCase() as 'help' | 'type' | 'unit'
  if (family[field] !== undefined) throw new Error('metadata twice')
  if (field === 'unit' && !name.endsWith(`_${value}`)) throw new Error('the name does not end in the unit')
  if (field === 'type' && SUFFIXES[value] === undefined) throw new Error('unknown type')
  if (field === 'help' && !/^(?:[^\\]|\\["\\n])*$/.test(value)) throw new Error('wrong escape')
  family[field] = value
  return family
}

function begun(name: string, families: Map<string, Open>): Open {
  if (families.has(name)) throw new Error('a family in two parts')
  const family = { name, type: undefined, unit: undefined, help: undefined, samples: new Map() }
  families.set(name, family)
  return family
}

function sampled(line: string, open: Open | undefined): Open {
  const [, name = '', inBraces = '', value = ''] = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (open?.type === undefined) throw new Error('a sample without a type')
  if (name !== open.name + (SUFFIXES[open.type] ?? ''))
    throw new Error(`a sample that is not of ${open.name}`)
  if (!NUMBER.test(value)) throw new Error('no number')
  const labels = labelsIn(inBraces)
  const key = labels.length === 0 ? '' : `{${labels.toSorted().join(',')}}`
  if (open.samples.has(key)) throw new Error('a sample twice')
  const number = value.endsWith('Inf') ? Number(`${value}inity`) : Number(value)
  if (open.type === 'counter' && !(number >= 0)) throw new Error('a counter below zero')
  if (open.type === 'info' && number !== 1) throw new Error('an info that is not 1')
  open.samples.set(key, number)
  return open
}

function labelsIn(inBraces: string): readonly string[] {
  const labels: string[] = []
  const names = new Set<string>()
  let rest = inBraces
  while (rest !== '') {
    const [whole = '', name = '', value = ''] = LABEL.exec(rest) ?? []
    if (whole === '') throw new Error('wrong labels')
    if (names.has(name)) throw new Error('a label twice')
    names.add(name)
    labels.push(`${name}="${value}"`)
    rest = rest.slice(whole.length)
  }
  return labels
}
