/** Writes metrics in the format OpenMetrics 1.0. */

export const OPENMETRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

export interface Family {
  /** Without the `_total` of a counter. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'info'
  readonly help: string
  /** The name ends in it. */
  readonly unit?: 'seconds' | 'bytes'
}

export type Labels = Readonly<Record<string, string>>

/** Names of samples, which end in this after the name of the family. */
const SUFFIX: Readonly<Record<Family['type'], string>> = { counter: '_total', gauge: '', info: '_info' }

export class MetricText {
  readonly #lines: string[] = []

  /** Nothing is written for a family without samples. */
  add({ help, name, type, unit }: Family, samples: Iterable<readonly [labels: Labels, value: number]>): void {
    const lines = [...samples].map(([labels, value]) => {
      return `${name}${SUFFIX[type]}${labelText(labels)} ${numberText(value)}\n`
    })
    if (lines.length === 0) return
    this.#lines.push(`# TYPE ${name} ${type}\n`)
    if (unit !== undefined) this.#lines.push(`# UNIT ${name} ${unit}\n`)
    this.#lines.push(`# HELP ${name} ${escaped(help)}\n`, ...lines)
  }

  one(family: Family, value: number, labels: Labels = {}): void {
    this.add(family, [[labels, value]])
  }

  /** The whole text. Nothing may follow. */
  end(): string {
    return `${this.#lines.join('')}# EOF\n`
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
