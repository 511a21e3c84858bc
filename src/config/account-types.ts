/** Values that name a user or group of the system. */
import { Refusal, shown } from './expectation.js'
import { parseCount, UINT_MAX } from './number-types.js'
import { oneToken } from './value-type.js'

/** A user. A name also gives the primary group, a number does not. */
export interface UserChoice {
  readonly uid: number
  readonly gid: number | undefined
}

export const userId = oneToken<UserChoice>('USER', (text, { names }) => {
  // Names first: an account may be named by digits.
  const account = names.user(text)
  if (account !== undefined) return account
  const uid = parseId(text)
  return uid === undefined ? new Refusal(`UNIX user ${shown(text)} not found`) : { uid, gid: undefined }
})

export const groupId = oneToken<number>(
  'GROUP',
  (text, { names }) =>
    names.group(text) ?? parseId(text) ?? new Refusal(`UNIX group ${shown(text)} not found`),
)

/** Excludes the largest number: chown(2) and setresuid(2) take it as "no change". */
function parseId(text: string): number | undefined {
  const id = parseCount(text)
  return id !== undefined && id >= 0 && id < UINT_MAX ? id : undefined
}
