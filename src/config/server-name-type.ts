/** The value type of patterns for server names (SNI). */
import { domainToASCII } from 'node:url'
import { parseServerNamePattern } from '../base/server-name.js'
import { Refusal, shown } from './expectation.js'
import { oneToken } from './value-type.js'

export const serverNamePattern = oneToken('NAME|*.NAME|*', (text) => {
  // `domainToASCII`: international names are compared in the form that clients send (RFC 5890, 2.3.2.1).
  const reading = parseServerNamePattern(text, domainToASCII)
  return reading.kind === 'name' ? reading.name : new Refusal(`${shown(text)} ${reading.why}`)
})
