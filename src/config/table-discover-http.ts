/** The directives of the source `http`. */
import { folded, optional } from './row.js'
import { intervalRow, serverRows, timeoutRow, tokenFileRow } from './table-discover-shared.js'
import { headerField } from './table-health-text.js'
import { documentUrl } from './url-type.js'

/** For each type with one server. Only that of `http` may have a query, see `discover-lacks.ts`. */
export const urlRow = optional('url', documentUrl, {
  doc:
    'Of `http`: the URL of the document with the members, see [discovery](discovery.md#http). Of `consul`: that of an agent ' +
    'or server, `http://127.0.0.1:8500`. Of `kubernetes`: that of the API server. Redirects are not followed.',
  defaultText:
    'mandatory with `http` and `consul`; `kubernetes`: that of the cluster in which this program runs',
  isOurs: true,
})

export const httpRows = {
  url: urlRow,
  intervalMs: intervalRow,
  // Undefined: none is given.
  headers: folded(
    'header',
    headerField('it is that of the URL'),
    (items) => (items.length === 0 ? undefined : items),
    {
      doc: 'Of `http`: a header line of the request, `"NAME: VALUE"`. May be repeated. Its value is never logged.',
      isOurs: true,
    },
  ),
  tokenFile: tokenFileRow,
  timeoutMs: timeoutRow,
  ...serverRows,
}
