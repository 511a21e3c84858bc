/** The MAVIS modules that ask helper programs: `external` and `external-mt`. */
import type { HelperProgram } from '../mavis/settings.js'
import { groupId, userId } from './account-types.js'
import { directory } from './file-types.js'
import { type Command, command } from './helper-program.js'
import { MODULE_WORDS, moduleBlock } from './module-rows.js'
import { count, time } from './number-types.js'
import { list, optional, value } from './row.js'
import { type Variable, variable } from './statement-types.js'

/** First words of the directives of both modules. An unquoted one of them ends the arguments of `exec`. */
export const HELPER_WORDS = [
  ...MODULE_WORDS,
  'children',
  'childs',
  'exec',
  'group-id',
  'groupid',
  'home',
  'setenv',
  'timeout',
  'user-id',
  'userid',
]

const helperRows = {
  exec: optional('exec', command(HELPER_WORDS), {
    doc:
      'The program: its path, its argv[0], and its arguments. The arguments end at the next directive: quote an ' +
      'argument that is spelled like a directive or contains `=`, `,` or a bracket. `%o` and `%O` in the path ' +
      'expand to the platform, a leading `$CONFDIR/` to the directory of the main file.',
    defaultText: 'mandatory',
  }),
  environment: list('setenv', variable, {
    doc: 'Environment variable of the program. With any `setenv`, the program inherits no other variables.',
    defaultText: "the program inherits this program's environment",
  }),
  timeoutMs: optional('timeout', time({ min: 1 }), {
    doc: 'Time limit for one answer. A program that exceeds it is killed and restarted.',
    defaultText: '`mavis timeout`',
    zero: 'not allowed',
    isOurs: true,
  }),
}

export const externalBlock = moduleBlock(
  'external',
  'Sends queries to helper programs, one at a time to each: as lines on standard input, answered on standard output.',
  {
    ...helperRows,
    childrenMin: value('childs|children min|minimum', count(), 4, {
      doc: 'Minimum number of running programs.',
    }),
    childrenMax: value('childs|children max|maximum', count({ min: 1 }), 20, {
      doc: 'Maximum number of running programs. While all are busy, queries are queued.',
    }),
    home: optional('home', directory, {
      doc: 'Working directory of the program. Requires an absolute path in `exec`.',
      defaultText: "this program's",
    }),
    user: optional('userid|user-id', userId, {
      doc: 'User that the program runs as. A name also sets the group.',
      defaultText: "this program's",
    }),
    group: optional('groupid|group-id', groupId, {
      doc: 'Group that the program runs as.',
      defaultText: "this program's, or the user's",
    }),
  },
  (given, { refuse }) => {
    const { childrenMax, childrenMin, exec, group, home, timeoutMs, user } = given
    if (exec === undefined) return refuse("this module needs a program: add 'exec = PATH'")
    if (home !== undefined && !exec.path.startsWith('/')) {
      return refuse("'home' requires an absolute path in 'exec'")
    }
    return {
      module: 'external',
      program: programOf(exec, given.environment),
      childrenMin: Math.min(childrenMin, childrenMax),
      childrenMax,
      home,
      uid: user?.uid,
      gid: group ?? user?.gid,
      timeoutMs,
    } as const
  },
)

export const externalMtBlock = moduleBlock(
  'external-mt',
  'Sends queries to one helper program that handles many at a time, as binary frames.',
  helperRows,
  ({ environment, exec, timeoutMs }, { refuse }) => {
    if (exec === undefined) return refuse("this module needs a program: add 'exec = PATH'")
    return { module: 'external-mt', program: programOf(exec, environment), timeoutMs } as const
  },
)

function programOf(exec: Command, environment: readonly Variable[]): HelperProgram {
  return { ...exec, environment: new Map(environment) }
}
