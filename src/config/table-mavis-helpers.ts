import type { HelperProgram } from '../mavis/settings.js'
import { groupId, userId } from './account-types.js'
import { directory } from './file-types.js'
import { type Command, command } from './helper-program.js'
import { MODULE_WORDS, moduleBlock } from './module-rows.js'
import { count, time } from './number-types.js'
import { list, optional, value } from './row.js'
import { type Variable, variable } from './statement-types.js'

/** The words that directives of the two modules begin with: the arguments of a program end there. */
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
      'The program: its path, the name that it sees as argv[0], and its arguments. Those end at the next directive, so one ' +
      'that is spelled like a directive needs quotes, and so does one with `=`, `,` or a bracket in it. `%o` and `%O` in the ' +
      'path stand for the platform, `$CONFDIR/` in front for the directory of the main file.',
    defaultText: 'mandatory',
  }),
  environment: list('setenv', variable, {
    doc: 'Sets an environment variable of the program. If there are any, it has no others.',
    defaultText: "the program has this program's environment",
  }),
  timeoutMs: optional('timeout', time({ min: 1 }), {
    doc: 'Time for one answer. A program that does not keep it is ended and started again.',
    defaultText: '`mavis timeout`',
    zero: 'not allowed',
    isOurs: true,
  }),
}

export const externalBlock = moduleBlock(
  'external',
  'Asks helper programs, each one question at a time: lines on its standard input, lines on its standard output.',
  {
    ...helperRows,
    childrenMin: value('childs|children min|minimum', count(), 4, {
      doc: 'Programs that are kept running.',
    }),
    childrenMax: value('childs|children max|maximum', count({ min: 1 }), 20, {
      doc: 'Programs that may run. While all are busy, questions wait.',
    }),
    home: optional('home', directory, {
      doc: 'Directory that the program is started in. Its path has to begin with `/` then.',
      defaultText: "this program's",
    }),
    user: optional('userid|user-id', userId, {
      doc: 'User that the program runs as. A name brings its group along.',
      defaultText: "this program's",
    }),
    group: optional('groupid|group-id', groupId, {
      doc: 'Group that the program runs as.',
      defaultText: "this program's, or the user's",
    }),
  },
  (given, { refuse }) => {
    const { childrenMax, childrenMin, exec, group, home, timeoutMs, user } = given
    if (exec === undefined) return refuse("this module needs a program: 'exec'")
    if (home !== undefined && !exec.path.startsWith('/')) {
      return refuse("with 'home' the path of the program has to begin with '/'")
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
  'Asks one helper program that works on many questions at a time, in frames.',
  helperRows,
  ({ environment, exec, timeoutMs }, { refuse }) => {
    if (exec === undefined) return refuse("this module needs a program: 'exec'")
    return { module: 'external-mt', program: programOf(exec, environment), timeoutMs } as const
  },
)

function programOf(exec: Command, environment: readonly Variable[]): HelperProgram {
  return { ...exec, environment: new Map(environment) }
}
