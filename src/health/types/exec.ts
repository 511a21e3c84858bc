/** The health check `exec`: a program whose exit code says whether the remote is up, as plugins of Nagios do. */
import { printable } from '../../observe/log.js'
import { CheckProgram, type ProgramEnd, type ProgramStart } from '../check-program.js'
import type { CheckOf, ProbeFinding } from '../probe-checks.js'
import { ProbeFailure } from '../probe-failure.js'
import type { ProbeSession } from '../probe-session.js'
import { ProgramPlaces } from '../program-places.js'
import { quoted } from '../quoted.js'

/** Many more than a machine has processors, few enough that a thousand remotes cannot exhaust its memory. */
const RUNNING_MAX = 16

const places = new ProgramPlaces(RUNNING_MAX)

export async function probeExec(session: ProbeSession, check: CheckOf<'exec'>): Promise<ProbeFinding> {
  const { signal } = session
  await places.take(signal)
  // The place is given back when the program has ended, also if that is after the time limit.
  const ended = start({ ...check, environment: environmentOf(session) }, signal).finally(() =>
    places.giveBack(),
  )
  return findingOf(await Promise.race([ended, aborted(signal)]))
}

async function start(program: ProgramStart, signal: AbortSignal): Promise<ProgramEnd> {
  try {
    signal.throwIfAborted()
    const running = new CheckProgram(program)
    signal.addEventListener('abort', () => running.kill(), { once: true })
    return await running.ended
  } catch (error) {
    if (error instanceof ProbeFailure) throw error
    throw new ProbeFailure(`${printable(program.path)} ${error instanceof Error ? error.message : error}`)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** That of this program, and the remote, also by the names that HAProxy gives to its external checks. */
function environmentOf({ addresses, name }: ProbeSession): Readonly<Record<string, string | undefined>> {
  const [address] = addresses
  const place =
    address === undefined || address.family === 'unix'
      ? { host: address?.path ?? '', port: '' }
      : { host: address.host, port: String(address.port) }
  return {
    ...process.env,
    REMOTE_NAME: name,
    REMOTE_ADDRESS: place.host,
    REMOTE_PORT: place.port,
    HAPROXY_SERVER_NAME: name,
    HAPROXY_SERVER_ADDR: place.host,
    HAPROXY_SERVER_PORT: place.port,
  }
}

function findingOf({ code, output, signal }: ProgramEnd): ProbeFinding {
  // Behind the bar are figures for graphs.
  const [line = ''] = (output.split('\n')[0] ?? '').split('|')
  const said = line.trim() === '' ? '' : quoted(line.trim())
  if (code === 0) return { text: said }
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`
  const text = said === '' ? how : `${said} (${how})`
  if (code === 1) return { text, warning: text }
  throw new ProbeFailure(text)
}
