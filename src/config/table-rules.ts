/** The directives of a list of access rules: of a section, a listener or a route. */
import { accessRule } from './access-rule.js'
import { located } from './located.js'
import { list, optional } from './row.js'
import { choice } from './text-types.js'

/** `whose`: the clients that the list concerns; `spellings`: other words for `permit|deny`. */
export function ruleRows({
  spellings = [],
  whose,
}: {
  readonly spellings?: readonly string[]
  readonly whose: string
}) {
  return {
    accessRules: list(['permit|deny', ...spellings], accessRule, {
      doc: whose,
      defaultText: 'all clients are admitted',
      isOurs: spellings.length === 0,
    }),
    accessDefault: optional('default', located(choice(['permit', 'deny'])), {
      doc:
        'Handling of clients that no access rule of this list matches. `permit` makes a list of `deny` rules complete. `deny` ' +
        'applies to all clients, also to those for whose kind (IP, Unix socket) there are no rules.',
      defaultText: 'clients are rejected if there are rules for their kind, otherwise admitted',
      isOurs: true,
    }),
  }
}
