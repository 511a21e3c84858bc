/** Where a directive was given. */
import type { Position } from '../base/problem.js'
import type { Configuration } from '../config/load.js'

/** The last place of a directive, which counts; the relay's section if it was not given. */
export function placeOf(
  { given, tcprelay }: Pick<Configuration, 'given' | 'tcprelay'>,
  name: string,
): Position {
  return given.findLast((directive) => directive.name === name)?.position ?? tcprelay.position
}
