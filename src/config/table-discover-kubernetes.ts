/** The directives of the source `kubernetes`. */
import { refuseText } from './expectation.js'
import { parseCount } from './number-types.js'
import { optional } from './row.js'
import { urlRow } from './table-discover-http.js'
import { intervalRow, serverRows, serviceRow, timeoutRow, tokenFileRow } from './table-discover-shared.js'
import { oneToken } from './value-type.js'

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const PORT_MAX = 65_535

const namespace = oneToken('NAME', (text) =>
  LABEL.test(text) ? text : refuseText('a name of lower-case letters, digits and hyphens', text),
)

const servicePort = oneToken('NAME|PORT', (text): string | number | ReturnType<typeof refuseText> => {
  const number = parseCount(text)
  if (number !== undefined && number >= 1 && number <= PORT_MAX) return number
  return LABEL.test(text) && /[a-z]/.test(text)
    ? text
    : refuseText(`the name of a port, or a number from 1 to ${PORT_MAX}`, text)
})

export const kubernetesRows = {
  service: serviceRow,
  servicePort: optional('service port', servicePort, {
    doc: 'Of `kubernetes`: which port of the pods: the name that the service gives to it, or its number.',
    defaultText: 'the only TCP port of the service',
    isOurs: true,
  }),
  namespace: optional('namespace', namespace, {
    doc: 'Of `kubernetes`: the namespace of the service.',
    defaultText: 'that of the pod in which this program runs; mandatory with `url`',
    isOurs: true,
  }),
  url: urlRow,
  tokenFile: tokenFileRow,
  intervalMs: intervalRow,
  timeoutMs: timeoutRow,
  ...serverRows,
}
