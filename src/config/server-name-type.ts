/** The value types of server names (SNI) and of patterns for them. */
import { domainToASCII } from 'node:url'
import { type NameReading, parseServerName, parseServerNamePattern } from '../base/server-name.js'
import { Refusal, shown } from './expectation.js'
import { oneToken } from './value-type.js'

// `domainToASCII`: international names are compared in the form that clients send (RFC 5890, 2.3.2.1).
export const serverNamePattern = oneToken('NAME|*.NAME|*', (text) =>
  nameOrRefusal(text, parseServerNamePattern(text, domainToASCII)),
)

export const serverName = oneToken('NAME', (text) =>
  nameOrRefusal(text, parseServerName(text, domainToASCII)),
)

function nameOrRefusal(text: string, reading: NameReading): string | Refusal {
  return reading.kind === 'name' ? reading.name : new Refusal(`${shown(text)} ${reading.why}`)
}
