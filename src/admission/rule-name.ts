/** How logs name the rule of an access list that rejected a client. */

/** The place of a rule in the configuration. */
export interface RulePlace {
  readonly file: string
  readonly line: number
}

/** No rule applies to the client. */
export const NO_RULE = 'none'

/** `relay.cfg:12` */
export function ruleName(place: RulePlace | undefined): string {
  return place === undefined ? NO_RULE : `${place.file}:${place.line}`
}
