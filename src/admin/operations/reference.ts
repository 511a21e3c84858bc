/** Generates the reference page of the operations, docs/admin.md, from their table. */
import { METRICS_PATH, OPENAPI_PATH, type Operation, pathOf } from './operation.js'
import { OPERATIONS } from './operations.js'
import type { Fields, Schema } from './schema.js'

const INTRODUCTION = `# Operations of a running relay

Generated from the table in \`src/admin/operations/\`: the command \`tcprelayctl\`, the HTTP API and this page have the same
operations. [operations.md](operations.md#ask-a-running-relay) says how to set up and use them.

* \`tcprelayctl COMMAND\`: parameters follow in the order below. \`--json\` prints the answer as it is described here.
* By HTTP: questions are \`GET\` with the parameters in the query, changes are \`POST\` with a JSON object. \`${OPENAPI_PATH}\` describes the
  API in OpenAPI, \`${METRICS_PATH}\` has the metrics in OpenMetrics.
* Fields that are marked as optional are left out where there is nothing to say. Times are ISO 8601 in UTC, or seconds.
* An error has a status of 400 or higher and a JSON object with \`error\`.
`

export function operationsPage(): string {
  const chapters = Object.entries<Operation>(OPERATIONS).map(([name, operation]) =>
    chapterOf(name, operation),
  )
  return [INTRODUCTION, ...chapters].join('\n')
}

function chapterOf(name: string, { answer, doc, isRead, level, parameters }: Operation): string {
  const method = isRead ? 'GET' : 'POST'
  return `## \`${name}\`

${doc} \`${method} ${pathOf(name)}\`, level \`${level}\`.

${Object.keys(parameters).length === 0 ? '' : `Parameters:\n\n${fieldLines(parameters, '')}\n`}Answer:

${fieldLines(answer.fields ?? {}, '')}`
}

function fieldLines(fields: Fields, indent: string): string {
  return Object.entries(fields)
    .map(([name, field]) => {
      const optional = field.isOptional === true ? ', optional' : ''
      const inner = field.item?.fields === undefined ? '' : fieldLines(field.item.fields, `${indent}  `)
      return `${indent}* \`${name}\` (${typeText(field)}${optional}): ${field.doc}\n${inner}`
    })
    .join('')
}

function typeText({ isWhole, item, kind, unit, words }: Schema): string {
  if (words !== undefined) return words.map((one) => `\`${one}\``).join(', ')
  if (kind === 'number') return unit ?? (isWhole === true ? 'whole number' : 'number')
  if (kind === 'flag') return 'true or false'
  if (kind !== 'list') return kind
  return item?.kind === 'object' ? 'list' : `list of ${item?.kind}`
}
